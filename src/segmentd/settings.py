"""The settings of a server, from the environment: each is a field, read from SEGMENTD_ and its name in capitals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from segmentd.times import parse_duration

PREFIX: Final = "SEGMENTD_"
_OF_COMMANDS: Final = ("SEGMENTD_SERVER",)
_OF_KUBERNETES: Final = re.compile(r"SEGMENTD_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
_NEAR: Final = 0.8
"""Of 1: how much of two names has to be the same."""


def _currency(code: str) -> str:
    if re.fullmatch(r"[A-Z]{3}", code) is None:
        raise ValueError(f"{code!r} is not a currency code such as USD")
    return code


def _fixed_duration(text: str) -> str:
    if parse_duration(text).months:
        raise ValueError(f"{text!r} has no fixed length; write it in days, as in 90d")
    return text


Currency = Annotated[str, AfterValidator(_currency)]
FixedDuration = Annotated[str, AfterValidator(_fixed_duration)]
Rate = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
LogLevel = Literal["debug", "info", "warning", "error"]


class Settings(BaseSettings):
    """What a server needs to know. Raises pydantic's ValidationError, which names each field at fault."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    database: Path = Field(default=Path("segmentd.db"), description="The database file; made where it does not exist.")
    listen: str = Field(
        default="127.0.0.1:50051",
        description="Where to listen: `HOST:PORT`, `[::1]:PORT` or `unix:PATH`. Port 0 takes a free one.",
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=256,
        description="How many processes answer membership questions on the port of `listen` beside the engine, at most "
        "256; 0: the engine itself does.",
    )
    disabled_plugins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Plugins that are not loaded, separated by commas, by the names of their entry points: each "
        "built-in type is a plugin of its own name, and there are `user_agent` and `webhooks`, which bring no type. "
        "The error for a name that is not there lists all.",
    )
    base_currency: Currency = Field(
        default="USD", description="The ISO 4217 code of the currency in which money is counted."
    )
    currency_rates: Annotated[dict[Currency, Rate], NoDecode] = Field(
        default_factory=dict,
        description="What one unit of another currency is worth in the base currency, as in `EUR=1.08,GBP=1.27`. An "
        "amount keeps the rate of its ingest.",
    )
    log_keep: FixedDuration | None = Field(
        default=None,
        description="For how long moves stay in the log, as in `90d` or `36h`; without it for ever. Who is a "
        "member is kept in any case.",
    )
    log_max_moves: int | None = Field(
        default=None,
        ge=1,
        description="How many moves stay in the log; without it any number. What is beyond is taken out a "
        "little later, the oldest first.",
    )
    snapshots: bool = Field(
        default=True,
        description="Whether what is in memory is written beside the database now and then and at a stop, into "
        "`DATABASE.snapshot`, for a fast start; `false` removes it.",
    )
    erasure_refusal: FixedDuration = Field(
        default="30d",
        description="For how long writes for the id of an erased user are refused, as in `30d` or `36h`; then it is a "
        "new user.",
    )
    drain_grace: float = Field(
        default=20.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="How many seconds the calls under way have to end when the server is stopped.",
    )
    watch_patience: float = Field(
        default=30.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="How many seconds the consumer of a watch may take for one message before it is cut off.",
    )
    webhooks: Path | None = Field(
        default=None, description="The YAML file of webhook endpoints; without it there are none."
    )
    metrics: str | None = Field(
        default=None,
        description="Where to serve metrics for Prometheus: `HOST:PORT`, as in `127.0.0.1:9464`.",
    )
    log_level: LogLevel = Field(
        default="info",
        description="The least severe log lines that are written: `debug`, `info`, `warning` or `error`.",
    )

    @classmethod
    def unknown(cls, variables: Mapping[str, str]) -> list[str]:
        """A line for each variable that is named like a setting and is none, with the nearest that is one.

        Those that Kubernetes sets for a service called segmentd are left out.
        """
        known = [f"{PREFIX}{name.upper()}" for name in cls.model_fields]
        unknown = sorted(name for name in variables.keys() - {*known, *_OF_COMMANDS} if name.startswith(PREFIX))
        return [
            f"{name} is no setting" + "".join(f"; is it {near}?" for near in get_close_matches(name, known, 1, _NEAR))
            for name in unknown
            if _OF_KUBERNETES.fullmatch(name) is None
        ]

    def environment(self, variables: Mapping[str, str]) -> Mapping[str, str]:
        """The variables that plugins see: those of the process, with what is set here in their place."""
        return {**variables, **({f"{PREFIX}WEBHOOKS": str(self.webhooks)} if self.webhooks is not None else {})}

    @field_validator("disabled_plugins", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("currency_rates", mode="before")
    @classmethod
    def _split_rates(cls, value: Any) -> Any:
        return dict(_rate(part) for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("currency_rates")
    @classmethod
    def _without_base(cls, value: dict[str, Decimal], info: ValidationInfo) -> dict[str, Decimal]:
        base = info.data.get("base_currency")  # absent where it is at fault itself
        if base in value:
            raise ValueError(f"{base} is the base currency; it has no rate")
        return value


def _rate(part: str) -> tuple[str, str]:
    currency, equals, rate = part.partition("=")
    if not equals:
        raise ValueError(f"{part.strip()!r} is not CURRENCY=RATE, as in EUR=1.08")
    return currency.strip(), rate.strip()
