"""Several conditions that must all hold, judged together: those that time does not change come first.

Then come those that compare with one instant. The others, which take many times as long, are judged where the first
ones leave it open.
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
from segmentd.conditions.relative import Relative
from segmentd.population.typed import Columns, Mask
from segmentd.population.verdict import Verdict
from segmentd.times import FOREVER, Instants
from segmentd.zones import LocalTime

_FEW: Final = 3
"""Rows are judged apart where fewer than one in so many are left."""
_VERY_FEW: Final = 24
"""The same for tests that only compare."""
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
    member = _lasting(lasting, columns)
    left = np.count_nonzero(member) if others else 0
    if not left:
        return Verdict.forever(member)
    few = _VERY_FEW if all(isinstance(test, Relative) and test.compares(at) for _, test in others) else _FEW
    if left * few > len(member):
        moment = Moment(at, zones or (lambda: user_zones(columns)))
        return _all_of(others, columns, moment).where(member)
    return _among(np.flatnonzero(member), others, columns, at, zones)


def _lasting(tests: list[tuple[str, Lasting]], columns: Columns) -> Mask:
    """Who passes all of these tests; where nobody is left, no more are made."""
    (name, test), *further = tests
    member = test.member(columns, name)
    if further and not member.flags.writeable:
        member = member.copy()
    for name, test in further:
        if not member.any():
            break
        member &= test.member(columns, name)
    return member


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
