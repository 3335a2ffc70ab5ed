"""Conditions as the oracle knows them, and how they are said in a rule: by the toys, or by the built-in types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.engine.oracle import Rule

from segmentd.population.kinds import Json

T = TypeVar("T")


class Tape:
    """Bytes, then zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def __bool__(self) -> bool:
        return self._place < len(self._data)

    def below(self, limit: int) -> int:
        """A number from 0 to before `limit`."""
        byte = self._data[self._place] if self else 0
        self._place += 1
        return byte % limit

    def one(self, values: Sequence[T]) -> T:
        """One of several."""
        return values[self.below(len(values))]


@dataclass(frozen=True)
class Dialect:
    """`unit` is the step of time in microseconds; `condition` draws one, `say` puts it into a rule."""

    unit: int
    kinds: Sequence[str]
    say: Mapping[str, Callable[[Mapping[str, Any]], Json]]

    def condition(self, tape: Tape) -> Rule:
        """A condition in the oracle's words."""
        key = tape.one(self.kinds)
        return {key: {name: draw(tape, self.unit) for name, draw in _DRAWN[key].items()}}

    def said(self, rule: Rule) -> Json:
        """A rule as the engine is told."""
        [(key, below)] = rule.items()
        if key in ("all", "any"):
            return {key: [self.said(each) for each in below]}
        if key == "not":
            return {"not": self.said(below)}
        return {key: below} if key == "segment" else self.say[key](below)


def toy_dialect() -> Dialect:
    """The tests' own types, microsecond by microsecond."""
    kinds = ["tally", "tally", "tally", "since", "since", "after", "richer", "has"]
    return Dialect(1, kinds, {key: _same(key) for key in kinds})


def built_in_dialect() -> Dialect:
    """The types that come with segmentd, whose windows are whole seconds."""
    say = {"tally": _tally, "since": _since, "has": _has, "named": _named}
    return Dialect(1_000_000, ["tally", "tally", "tally", "since", "since", "has", "named"], say)


def _same(key: str) -> Callable[[Mapping[str, Any]], Json]:
    return lambda below: {key: dict(below)}


def _seconds(micros: int) -> str:
    return f"{micros // 1_000_000}s"


def _tally(below: Mapping[str, Any]) -> Json:
    window: dict[str, Json] = {} if below["within"] is None else {"within": _seconds(below["within"])}
    return {"behavioral": {"event": below["event"], "count": {"at_least": below["at_least"]}, **window}}


def _since(below: Mapping[str, Any]) -> Json:
    recent: Json = {"behavioral": {"event": below["event"], "within": _seconds(below["age"])}}
    return {"all": [{"behavioral": {"event": below["event"]}}, {"not": recent}]}


def _has(below: Mapping[str, Any]) -> Json:
    return {"attribute": {below["attribute"]: {"equals": below["equals"]}}}


def _named(below: Mapping[str, Any]) -> Json:
    return {"list": {"users": [below["user"]]}}


_Draw = Callable[[Tape, int], Any]
_LENGTHS = (4, 7, 12)


def _event(tape: Tape, unit: int) -> str:
    return tape.one(("E", "F"))


def _length(tape: Tape, unit: int) -> int:
    return tape.one(_LENGTHS) * unit


def _window(tape: Tape, unit: int) -> int | None:
    length = tape.one((*_LENGTHS, None))
    return None if length is None else length * unit


_DRAWN: Mapping[str, Mapping[str, _Draw]] = {
    "tally": {
        "event": _event,
        "at_least": lambda tape, unit: 1 + tape.below(3),
        "within": _window,
        "early": lambda tape, unit: tape.one((None, None, 2)),
    },
    "since": {"event": _event, "age": _length},
    "after": {"attribute": lambda tape, unit: "begins"},
    "richer": {"attribute": lambda tape, unit: "points"},
    "has": {"attribute": lambda tape, unit: "plan", "equals": lambda tape, unit: tape.one(("pro", "free"))},
    "named": {"user": lambda tape, unit: tape.one(("a", "b", "c", "d"))},
}
