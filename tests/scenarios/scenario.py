"""The form of a scenario file: what is written, how the clock moves, and who must be where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from ruamel.yaml import YAML

from segmentd.times import Micros, parse_duration, parse_instant


class Part(BaseModel):
    """Base: a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class GivenSegment(Part):
    """A definition."""

    rule: Any = None
    include: list[str] = []
    exclude: list[str] = []


class GivenEvent(Part):
    """An event; without `at`, of the present."""

    user: str
    name: str
    at: str | None = None
    id: str = ""
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Expected(Part):
    """What must be true now. Users that are not listed as members must not be."""

    members: dict[str, list[str]] = {}
    until: dict[str, dict[str, str]] = Field(default={}, description="Segment → user → when the membership ends.")
    transitions: int | None = Field(default=None, description="How many the last move of the clock made.")
    outcomes: list[str] | None = Field(default=None, description="Of the last events: stored, duplicate, refused.")
    errors: dict[str, str] = Field(default={}, description="Segment → reason for which it does not answer.")


class Step(Part):
    """One thing that happens; a step has exactly one key beside `say`."""

    say: str = ""
    segments: dict[str, GivenSegment] | None = None
    edit: dict[str, GivenSegment] | None = None
    profiles: dict[str, dict[str, Any]] | None = None
    events: list[GivenEvent] | None = None
    clock: str | None = None
    refit: str | None = None
    expect: Expected | None = None


class Scenario(Part):
    """A story from `start` on."""

    title: str
    start: str
    steps: list[Step]

    @field_validator("start")
    @classmethod
    def _is_instant(cls, value: str) -> str:
        parse_instant(value)
        return value


def load(path: Path) -> Scenario:
    """The scenario in a YAML file; timestamps stay text."""
    return Scenario.model_validate(_as_text(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))))


def moved(now: Micros, clock: str) -> Micros:
    """The instant that `clock` names: an instant, or `+7d` from now, or either with `-1us` behind it."""
    text, less, _ = clock.partition(" -1us")
    target = now + parse_duration(text[1:]).micros if text.startswith("+") else parse_instant(text)
    return Micros(target - bool(less))


def _as_text(value: Any) -> Any:
    """YAML makes dates and instants of unquoted text, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
