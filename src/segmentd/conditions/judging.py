"""Checks, judges and explains one condition on one named column: an attribute of users, or a property of events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import reduce
from operator import and_
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.condition import Compiled, Condition, Operands
from segmentd.conditions.operators import OPERATORS, operators_of
from segmentd.conditions.prepared import Lasting, Moment, OperandFault, Test, values
from segmentd.plugins.segment_type import Fault, Reason
from segmentd.population.column import Column
from segmentd.population.kinds import MONEY_UNIT, Kind
from segmentd.population.typed import Columns, Mask
from segmentd.population.verdict import Verdict
from segmentd.population.views import ColumnsView
from segmentd.times import Instants, Micros, format_instant
from segmentd.zones import UTC, LocalTime, zones_of_rows

TIME_ZONE: Final = "timezone"
"""The attribute with the user's time zone, an IANA name; missing and unknown names are UTC."""
MISSING: Final = "missing"
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


def user_zones(users: Columns) -> LocalTime:
    """The time zone of each user, from the attribute `timezone`, which must be declared as read."""
    if users.kind(TIME_ZONE) is not Kind.TEXT:
        return UTC
    names = users.category(TIME_ZONE)
    return zones_of_rows(names.codes, names.vocabulary.texts)


def reads_of_condition(name: str, condition: Condition) -> frozenset[str]:
    """The attributes that judging a user's attribute looks at."""
    return frozenset((name, TIME_ZONE)) if condition.relative else frozenset((name,))


def check_condition(kind: Kind | None, condition: Condition) -> tuple[Fault, ...]:
    """Why the condition cannot apply to values of this kind; paths begin with the operator. None is no fault."""
    return () if kind is None else _compiled(kind, condition)[1]


def judge_condition(
    columns: Columns,
    name: str,
    condition: Condition,
    at: Instants,
    zones: Callable[[], LocalTime] | None = None,
) -> Verdict:
    """Judge n rows, each at its own instant `at` int64 (n,); false where missing, but for `missing`.

    `zones` gives the time zones of the rows, by default those of users; for events, pass those of their users.
    Raises ValueError where the condition cannot apply to the column's kind (see `check_condition`).
    """
    moment = Moment(at, zones or (lambda: user_zones(columns)))
    return reduce(and_, (test(columns, name, moment) for _, test in _tests(columns, name, condition)))


def explain_condition(
    columns: Columns,
    name: str,
    condition: Condition,
    at: Instants,
    zones: Callable[[], LocalTime] | None = None,
) -> tuple[Reason, ...]:
    """One reason for each operator, for the only row of `columns`; arguments as for `judge_condition`."""
    moment = Moment(at, zones or (lambda: user_zones(columns)))
    value = _first(columns, name)
    observed = MISSING if value is None else _shown(columns.kind(name), value)

    def holds(test: Test) -> bool:
        if not isinstance(test, Lasting):
            return bool(test(columns, name, moment).member[0])
        return test.missing if value is None else bool(test.accepts(value))

    return tuple(
        Reason(name, operator, observed, show_operand(condition, operator), holds(test))
        for operator, test in _tests(columns, name, condition)
    )


def accepts_numbers(condition: Condition, numbers: NDArray[np.float64]) -> Mask:
    """Which of these numbers, float64 (n,), satisfy a condition that `check_condition` lets stand for numbers."""
    columns = ColumnsView({"": Column.holding(Kind.NUMBER, numbers)}, slice(None), len(numbers))
    never_asked = np.zeros(len(numbers), dtype=np.int64)
    return judge_condition(columns, "", condition, never_asked).member


def show_value(columns: Columns, name: str) -> str:
    """The value of the first row for people; `missing` where there is none."""
    value = _first(columns, name)
    return MISSING if value is None else _shown(columns.kind(name), value)


def _first(columns: Columns, name: str) -> Any:
    """The value of the first row, as `Column.value` gives it; None where it is missing."""
    kind = columns.kind(name)
    if kind is None:
        return None
    if kind is Kind.TEXT:
        return columns.category(name).texts()[0]
    if kind is Kind.TAGS:
        return columns.tags(name).sets()[0]
    found = values(columns, name, kind)
    return found.values.item(0) if found.present[0] else None


def _shown(kind: Kind | None, value: Any) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "no tags"
    return value if isinstance(value, str) or kind is None else show_single(kind, value)


def show_single(kind: Kind, value: Any) -> str:
    """A stored value of a kind with single values, for people."""
    match kind:
        case Kind.MONEY:
            return f"{int(value) / MONEY_UNIT:.15g}"
        case Kind.FLAG:
            return "true" if value else "false"
        case Kind.DATE:
            return date.fromordinal(int(value) + _EPOCH_ORDINAL).isoformat()
        case Kind.INSTANT:
            return format_instant(Micros(int(value)))
        case _:
            return f"{float(value):.15g}"


def show_operand(condition: Condition, operator: str) -> str:
    """An operand as it stands in the rule."""
    shown = _show(condition.given[operator])
    return f"{shown} in any case" if condition.ignore_case is True else shown


def _show(operand: Any) -> str:
    if isinstance(operand, Operands):
        return ", ".join(f"{name} {_show(each)}" for name, each in operand.operands().items())
    if isinstance(operand, bool):
        return "true" if operand else "false"
    if isinstance(operand, list):
        more = f" and {len(operand) - 10:,} more" if len(operand) > 10 else ""
        return ", ".join(_show(each) for each in operand[:10]) + more
    return f"{operand:.15g}" if isinstance(operand, float) else str(operand)


def tests_on(columns: Columns, name: str, condition: Condition) -> list[Test]:
    """The tests of the named column. Raises ValueError where the condition cannot apply to its kind."""
    return [test for _, test in _tests(columns, name, condition)]


def _tests(columns: Columns, name: str, condition: Condition) -> tuple[tuple[str, Test], ...]:
    kind = columns.kind(name)
    if kind is None:
        return tuple((operator, _UNKNOWN.get(operator, _never)) for operator in condition.given)
    tests, faults = _compiled(kind, condition)
    if faults:
        raise ValueError(f"{name}: {faults[0].message}")
    return tests


def tests_of(kind: Kind, name: str, condition: Condition) -> list[Test]:
    """The tests of values of this kind. Raises ValueError where the condition cannot apply to it."""
    tests, faults = _compiled(kind, condition)
    if faults:
        raise ValueError(f"{name}: {faults[0].message}")
    return [test for _, test in tests]


def _compiled(kind: Kind, condition: Condition) -> Compiled:
    if kind not in condition.compiled:
        condition.compiled[kind] = _compile(kind, condition)
    return condition.compiled[kind]


def _compile(kind: Kind, condition: Condition) -> Compiled:
    ignore_case = condition.operands().get("ignore_case") is True
    tests: list[tuple[str, Test]] = []
    faults: list[Fault] = []
    for operator, operand in condition.given.items():
        prepare = OPERATORS[operator].get(kind)
        if prepare is None:
            faults.append(Fault((operator,), _inapplicable(operator, kind)))
            continue
        try:
            tests.append((operator, prepare(kind, operand, ignore_case)))
        except OperandFault as fault:
            faults.append(Fault((operator, *fault.path), f"{fault}; the values are {kind}"))
        except ValueError as error:
            faults.append(Fault((operator,), f"{error}; the values are {kind}"))
    return tuple(tests), tuple(faults)


def _inapplicable(operator: str, kind: Kind) -> str:
    return f"{operator} cannot apply to {kind}, which has {', '.join(operators_of(kind))}"


_never: Final = Lasting(lambda columns, _: np.zeros(len(columns), dtype=np.bool_), lambda _: False)
_always: Final = Lasting(lambda columns, _: np.ones(len(columns), dtype=np.bool_), lambda _: True, missing=True)
_UNKNOWN: Final[dict[str, Test]] = {"missing": _always}
"""Where nobody has a value, every row is missing."""
