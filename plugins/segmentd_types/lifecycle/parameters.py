"""The stages, the configurations that define them, and the parameters of a lifecycle condition."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, model_validator

from segmentd.api import DAY, USER_ZONE, Length, Micros, Params, ZoneName, parse_duration

_MOST_EVENTS: Final = 50


class Stage(StrEnum):
    """The stages in the order in which they are tried; the first that fits is the user's."""

    NEW = "new"
    RESURRECTED = "resurrected"
    POWER = "power"
    ACTIVE = "active"
    AT_RISK = "at_risk"
    DORMANT = "dormant"
    LOST = "lost"
    NEVER_ACTIVE = "never_active"


ORDER: Final = tuple(Stage)


def _length(default: str, description: str) -> Any:
    """A field for a duration; its published default is text, like every value of it."""
    return Field(default=parse_duration(default), description=description, json_schema_extra={"default": default})


def _stages(value: Any) -> tuple[Stage, ...]:
    """One stage or several, in order and without repetition. Raises ValueError."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not given:
        raise ValueError("write a stage, or a list of stages")
    unknown = [each for each in given if each not in ORDER]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a stage; there are {', '.join(ORDER)}")
    return tuple(stage for stage in ORDER if stage in given)


class Configuration(Params):
    """Which events show that a user is active, and where one stage ends and the next begins.

    Durations are fixed lengths (s, m, h, d, w): `active_within` < `dormant_after` < `lost_after`.
    """

    events: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=_MOST_EVENTS)] = Field(
        default=["Application Opened"], description="The key events; each of them counts as activity."
    )
    new_within: Length = _length("7d", "New is who signed up (`createdAt`) this long ago or less.")
    active_within: Length = _length("7d", "How recent activity is to count for resurrected, power and active.")
    away_for: Length = _length("30d", "Resurrected is who came back after being away this long or longer.")
    power_days: int = Field(
        default=4, ge=1, description="On how many local days of `active_within` power users are active."
    )
    dormant_after: Length = _length("30d", "Dormant is whose last activity was this long ago.")
    lost_after: Length = _length("180d", "Lost is whose last activity was this long ago.")
    time_zone: ZoneName = Field(default=USER_ZONE, description="Whose days are counted for power: user, or a zone.")

    @model_validator(mode="after")
    def _stages_in_order(self) -> Self:
        lengths = ("new_within", "active_within", "away_for", "dormant_after", "lost_after")
        calendar = [name for name in lengths if getattr(self, name).months]
        if calendar:
            raise ValueError(f"{', '.join(calendar)}: stages have fixed lengths; write days or weeks, as in 30d")
        if not self.active_within.micros < self.dormant_after.micros < self.lost_after.micros:
            raise ValueError("active_within must be shorter than dormant_after, and that shorter than lost_after")
        if self.power_days > self.active_within.micros // DAY + 1:
            raise ValueError(f"there are never {self.power_days} days in {self.active_within}")
        return self


CONFIGURATIONS: Final[Mapping[str, Configuration]] = {"default": Configuration()}
"""The configurations that have a name."""


def _named(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in CONFIGURATIONS:
        raise ValueError(
            f"there is no configuration {value!r}, only {', '.join(CONFIGURATIONS)}; "
            "or write the configuration itself, as in {events: [Order Completed], lost_after: 365d}"
        )
    return CONFIGURATIONS[value]


class LifecycleParams(Params):
    """The stage that users must be in. Conditions with the same `model` never overlap and leave nobody out."""

    stage: Annotated[
        tuple[Stage, ...], PlainValidator(_stages, json_schema_input_type=Stage | list[Stage]), PlainSerializer(list)
    ] = Field(description="One stage, or a list of which one is enough.")
    model: Annotated[Configuration, BeforeValidator(_named, json_schema_input_type=str | Configuration)] = Field(
        default=CONFIGURATIONS["default"], description="The name of a configuration, or the configuration itself."
    )

    def reach(self) -> Micros | None:
        """How long a key event can matter to the answer; None: for ever.

        Lost is told from never active by any event, and resurrected from power and active by the one before the last
        stay away, however old these are; unless the stages so told apart are all asked for, or none of them.
        """
        asked = set(self.stage)
        for alike in ({Stage.LOST, Stage.NEVER_ACTIVE}, {Stage.RESURRECTED, Stage.POWER, Stage.ACTIVE}):
            if asked & alike not in (set(), alike):
                return None
        return self.model.lost_after.micros
