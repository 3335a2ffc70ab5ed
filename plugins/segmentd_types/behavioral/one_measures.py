"""Measures of one user's events: what `measures.py` gives for a row, as plain values."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

import numpy as np

from segmentd.api import (
    FOREVER,
    Condition,
    Kind,
    LeftToEvaluate,
    OneVerdict,
    Reader,
    Readers,
    Zone,
    one_value,
    verdict_without,
)
from segmentd_types.behavioral.one_selection import OneSelection, by_kind, zone_reader
from segmentd_types.behavioral.parameters import AMOUNTS, BehavioralParams, PropertyCondition

JudgeSelection: TypeAlias = Callable[[OneSelection], OneVerdict]
_EXACT_SUM: Final = 2**61
"""Sums of integers that are smaller never come near the end of what can be counted."""
_MOST_NUMBER: Final = 2**53


def one_measures(params: BehavioralParams, readers: Readers) -> Iterator[JudgeSelection]:
    """Every measure that the parameters give."""
    zone = zone_reader(params, readers)
    count, distinct = params.counted(), params.distinct
    if count is not None:
        tally = one_tally(count)
        yield lambda selection: tally(selection.expires)
    for name, condition in params.totals():
        yield _total(name, condition, params.event, readers, zone)
    if distinct is not None:
        yield _distinct(distinct, params.event, readers)
    if params.distinct_days is not None:
        yield _distinct_days(params.distinct_days)
    if params.first is not None:
        yield _moment(params.first, 0, zone)
    if params.last is not None:
        yield _moment(params.last, -1, zone)


def one_tally(condition: Condition) -> Callable[[list[int]], OneVerdict]:
    """Judges the number of things that fade at these instants, until it falls to the next stretch of equal answers."""
    accepts, last_of_stretch = stretches(condition)

    def tally(expires: list[int]) -> OneVerdict:
        size = len(expires)
        below = bisect_left(last_of_stretch, size)
        if not below:
            return accepts(size), FOREVER
        ordered = sorted(expires)  # nothing to do where they are in order already
        return accepts(size), ordered[size - 1 - last_of_stretch[below - 1]]

    return tally


def stretches(condition: Condition) -> tuple[Callable[[int], bool], list[int]]:
    """Whether a number of things is accepted, and the last number of each stretch of equal answers, ascending.

    An answer changes from i to i + 1 only where some operand lies between them.
    """
    judge = one_value(Kind.NUMBER, condition, _no_zone)

    def accepts(number: int) -> bool:
        if judge is None:
            raise LeftToEvaluate
        return judge(float(number), None)[0]  # type: ignore[arg-type]  # numbers are judged whoever the user is

    near = {number for each in _numbers(condition.operands().values()) for number in (each - 1, each)}
    return accepts, sorted(each for each in near if 0 <= each < _MOST_NUMBER and accepts(each) != accepts(each + 1))


def _no_zone() -> Reader[Zone]:
    raise LeftToEvaluate  # no operator on numbers asks for a time zone


def _numbers(operands: Iterable[Any]) -> Iterator[int]:
    for operand in operands:
        if isinstance(operand, list | tuple):
            yield from _numbers(operand)
        elif isinstance(operand, int | float) and not isinstance(operand, bool):
            yield math.floor(operand)


def _total(
    measure: str, condition: PropertyCondition, event: str, readers: Readers, zone: Reader[Zone]
) -> JudgeSelection:
    property_of, absent = readers.event_property(event, condition.property), verdict_without(condition)
    judge = by_kind(condition, lambda: zone)
    reduce = _REDUCED[measure]

    def judged(selection: OneSelection) -> OneVerdict:
        found = property_of(selection.user)
        kind = found.kind if found is not None else Kind.NUMBER
        if kind not in AMOUNTS:
            raise LeftToEvaluate  # which says what is wrong
        pairs = zip(selection.places, selection.expires, strict=True) if found is not None else ()
        given = [(value, expiry) for place, expiry in pairs if (value := found.value(place)) is not None]  # type: ignore[union-attr]
        if not given and measure != "sum":
            return absent
        values, expires = [value for value, _ in given], [expiry for _, expiry in given]
        value, until = reduce(kind, values, expires)
        member, holds = judge(kind, value, selection.user)
        return member, min(holds, until)

    return judged


def _sum(kind: Kind, values: list[Any], expires: list[int]) -> tuple[Any, int]:
    total = _added(kind, values)
    return total, min(expires, default=FOREVER)


def _average(kind: Kind, values: list[Any], expires: list[int]) -> tuple[Any, int]:
    total = _added(kind, values)
    return total // len(values) if kind is Kind.MONEY else total / len(values), min(expires)


def _added(kind: Kind, values: list[Any]) -> Any:
    """In event order, as `row_sum` adds; beyond what int64 counts exactly it is left to that."""
    total = 0.0 if kind is Kind.NUMBER else 0
    for value in values:
        total += value
    if kind is Kind.MONEY and abs(total) >= _EXACT_SUM:
        raise LeftToEvaluate
    return total


def _least(_kind: Kind, values: list[Any], expires: list[int]) -> tuple[Any, int]:
    return _extreme(min(values), values, expires)


def _greatest(_kind: Kind, values: list[Any], expires: list[int]) -> tuple[Any, int]:
    return _extreme(max(values), values, expires)


def _extreme(extreme: Any, values: list[Any], expires: list[int]) -> tuple[Any, int]:
    """Until the last of the events with the extreme value stops to count."""
    return extreme, max(expiry for value, expiry in zip(values, expires, strict=True) if value == extreme)


_REDUCED: Final[dict[str, Callable[[Kind, list[Any], list[int]], tuple[Any, int]]]] = {
    "sum": _sum,
    "average": _average,
    "min": _least,
    "max": _greatest,
}


def _distinct(condition: PropertyCondition, event: str, readers: Readers) -> JudgeSelection:
    property_of, tally = readers.event_property(event, condition.property), one_tally(condition)

    def judged(selection: OneSelection) -> OneVerdict:
        found = property_of(selection.user)
        ends: dict[Any, int] = {}
        for place, expiry in zip(selection.places, selection.expires, strict=True) if found is not None else ():
            value = found.value(place)  # type: ignore[union-attr]
            for each in value if isinstance(value, frozenset) else () if value is None else (value,):
                ends[each] = max(ends.get(each, expiry), expiry)
        return tally(list(ends.values()))

    return judged


def _distinct_days(condition: Condition) -> JudgeSelection:
    tally = one_tally(condition)

    def judged(selection: OneSelection) -> OneVerdict:
        times = selection.events.times
        at = np.array([times[place] for place in selection.places], dtype=np.int64)
        ends: dict[int, int] = {}
        for day, expiry in zip(selection.zone.local_day(at).tolist(), selection.expires, strict=True):
            ends[day] = max(ends.get(day, expiry), expiry)
        return tally(list(ends.values()))

    return judged


def _moment(condition: Condition, which: int, zone: Reader[Zone]) -> JudgeSelection:
    """When one of the events was, `which` of those that count."""
    judge, absent = one_value(Kind.INSTANT, condition, lambda: zone), verdict_without(condition)

    def judged(selection: OneSelection) -> OneVerdict:
        if judge is None:
            raise LeftToEvaluate
        if not selection.places:
            return absent
        member, holds = judge(selection.events.times[selection.places[which]], selection.user)
        return member, min(holds, selection.expires[which])

    return judged
