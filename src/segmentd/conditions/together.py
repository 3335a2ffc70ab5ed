"""Several conditions that must all hold, judged together: those that time does not change come first.

The others, which take many times as long, are judged where the first ones leave it open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import and_
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.condition import Condition
from segmentd.conditions.instants import instants_at
from segmentd.conditions.judging import tests_on, user_zones
from segmentd.conditions.prepared import Lasting, Moment, Test
from segmentd.population.typed import Columns
from segmentd.population.verdict import Verdict
from segmentd.times import FOREVER, Instants
from segmentd.zones import LocalTime

_FEW: Final = 3
"""Rows are judged apart where fewer than one in so many are left."""
Named = tuple[str, Test]


def judge_conditions(
    columns: Columns,
    conditions: Iterable[tuple[str, Condition]],
    at: Instants,
    zones: Callable[[], LocalTime] | None = None,
) -> Verdict:
    """Judge n rows by several conditions on columns of these names, one at least; see `judge_condition`."""
    tests = [(name, test) for name, condition in conditions for test in tests_on(columns, name, condition)]
    lasting = [(name, test) for name, test in tests if isinstance(test, Lasting)]
    others = [(name, test) for name, test in tests if not isinstance(test, Lasting)]
    if not lasting:
        return _all_of(others, columns, Moment(at, zones or (lambda: user_zones(columns))))
    member = reduce(and_, (test.member(columns, name) for name, test in lasting))
    left = np.count_nonzero(member)
    if not others or not left:
        return Verdict.forever(member)
    if left * _FEW > len(member):
        moment = Moment(at, zones or (lambda: user_zones(columns)))
        return Verdict.forever(member) & _all_of(others, columns, moment)
    return _among(np.flatnonzero(member), others, columns, at, zones)


def _all_of(tests: list[Named], columns: Columns, moment: Moment) -> Verdict:
    return reduce(and_, (test(columns, name, moment) for name, test in tests))


def _among(
    places: NDArray[np.int64],
    tests: list[Named],
    columns: Columns,
    at: Instants,
    zones: Callable[[], LocalTime] | None,
) -> Verdict:
    """The tests on the rows at `places`; the others are false forever."""
    chosen = columns.only(places)
    moment = Moment(instants_at(at, places), lambda: zones().take(places) if zones else user_zones(chosen))
    verdict = _all_of(tests, chosen, moment)
    member = np.zeros(len(at), dtype=np.bool_)
    member[places] = verdict.member
    holds_until = np.full(len(at), FOREVER, dtype=np.int64)
    holds_until[places] = verdict.holds_until
    return Verdict(member, holds_until)
