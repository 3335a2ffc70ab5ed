"""What the file of endpoints says, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

import httpx
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from segmentd.api import DAY, HOUR, SECOND, Micros, Params, Retries, parse_duration
from segmentd_webhooks.signing import secret_fault

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS: Final = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding", "user-agent"}
)
ENVIRONMENT: Final = "environment"
"""The key of the validation context under which the variables are."""


def _length(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("write a length as text, such as 15s or 3d")  # noqa: TRY004  (pydantic takes no TypeError)
    duration = parse_duration(value)
    if duration.months:
        raise ValueError(f"{value} has no fixed length; use s m h d w")
    return duration.micros


Length = Annotated[Micros, BeforeValidator(_length)]
Secrets = Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
"""One, or several while they are exchanged: every request is signed with each of them."""


class RetrySettings(Params):
    """How long a batch is tried that cannot be delivered."""

    attempts: int | None = Field(default=None, ge=1)
    first_delay: Length = Micros(5 * SECOND)
    maximal_delay: Length = Micros(1 * HOUR)
    give_up_after: Length = Micros(3 * DAY)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        fault = self.retries().fault()
        if fault is not None:
            raise ValueError(fault)
        return self

    def retries(self) -> Retries:
        """The same for the host."""
        return Retries(self.attempts, self.first_delay, self.maximal_delay, self.give_up_after)


class EndpointSettings(Params):
    """One endpoint: where it is, what it is told, how it is signed and how long it is tried."""

    name: str = Field(min_length=1, max_length=100)
    url: str
    secret: Secrets = Field(default_factory=list, repr=False)
    secret_env: str | None = None
    segments: list[str] | None = Field(default=None, min_length=1)
    batch_size: int = Field(default=100, ge=1, le=10_000)
    timeout: Length = Micros(15 * SECOND)
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    retry: RetrySettings = RetrySettings()

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        # Nothing of the value is repeated: it may have a password in it.
        try:
            url = httpx.URL(value)
            sound = url.scheme in ("http", "https") and bool(url.host)
        except (httpx.InvalidURL, ValueError):
            sound = False
        if not sound:
            raise ValueError("is no web address; write it as https://example.com/path")
        return value

    @field_validator("secret")
    @classmethod
    def _keys(cls, value: list[str]) -> list[str]:
        for secret in value:
            fault = secret_fault(secret)
            if fault is not None:
                raise ValueError(fault)
        return value

    @field_validator("segments")
    @classmethod
    def _named_once(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError("names a segment twice")
        return value

    @field_validator("headers")
    @classmethod
    def _sendable(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if _TOKEN.fullmatch(name) is None:
                raise ValueError(f"{name!r} is no name of a header")
            if name.lower() in _OURS or name.lower().startswith("webhook-"):
                raise ValueError(f"{name} is set by segmentd")
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"the value of {name} is not printable ASCII")
        return value

    @model_validator(mode="before")
    @classmethod
    def _secret_of_environment(cls, values: Any, info: ValidationInfo) -> Any:
        """Put the secrets of the variable in the place of its name."""
        if not isinstance(values, Mapping):
            return values
        variable = values.get("secret_env")
        if (variable is None) == (values.get("secret") is None):
            raise ValueError("give either secret or secret_env")
        if not isinstance(variable, str):
            return values
        found = (info.context or {}).get(ENVIRONMENT, {}).get(variable, "").split()
        if not found:
            raise ValueError(f"secret_env: the variable {variable} is not set")
        return {**values, "secret": found}


class EndpointsFile(Params):
    """The whole file."""

    endpoints: list[EndpointSettings]

    @field_validator("endpoints")
    @classmethod
    def _names(cls, value: list[EndpointSettings]) -> list[EndpointSettings]:
        names = [each.name for each in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two endpoints have the name {twice}")
        return value
