"""One condition on one attribute of one user: what `judge_condition` says of a row, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from segmentd.conditions.condition import Condition
from segmentd.conditions.judging import MISSING, TIME_ZONE, tests_of
from segmentd.conditions.prepared import Lasting, Test
from segmentd.conditions.relative import Relative
from segmentd.population.kinds import Kind
from segmentd.population.one_user import JudgeOne, OneUser
from segmentd.population.one_verdict import ALWAYS, NEVER, OneVerdict, all_of
from segmentd.population.readers import Reader, Readers
from segmentd.zones import UTC, Zone
from segmentd.zones.rows import zone_or_utc

JudgeValue: TypeAlias = Callable[[Any, OneUser], OneVerdict]
"""Judges a value of one user that is there."""


def one_zone(readers: Readers) -> Reader[Zone]:
    """The user's time zone; see `user_zones`."""
    if readers.kind(TIME_ZONE) is not Kind.TEXT:
        return lambda _: UTC
    read = readers.attribute(TIME_ZONE)

    def zone(user: OneUser) -> Zone:
        name = read(user)
        return UTC if name is None else zone_or_utc(name)

    return zone


def one_condition(readers: Readers, name: str, condition: Condition) -> JudgeOne | None:
    """Judge the condition on the attribute `name`; None where some operator needs arrays.

    Raises ValueError where the condition cannot apply to the attribute's kind.
    """
    kind = readers.kind(name)
    absent = verdict_without(condition)
    if kind is None:
        return lambda _: absent
    tests = tests_of(kind, name, condition)
    read = readers.attribute(name)
    if all(isinstance(test, Lasting) for test in tests):
        return _of_lasting(read, accepting([test.accepts for test in tests if isinstance(test, Lasting)]), absent)
    judge = one_value(kind, condition, lambda: one_zone(readers))
    if judge is None:
        return None

    def judged(user: OneUser) -> OneVerdict:
        value = read(user)
        return absent if value is None else judge(value, user)

    return judged


def one_value(kind: Kind, condition: Condition, zone: Callable[[], Reader[Zone]]) -> JudgeValue | None:
    """Judge the condition on a value of this kind; None where some operator needs arrays."""
    judges: list[JudgeValue] = []
    for test in tests_of(kind, "", condition):
        judge = _judge_of(test, zone)
        if judge is None:
            return None
        judges.append(judge)
    if len(judges) == 1:
        return judges[0]

    def judged(value: Any, user: OneUser) -> OneVerdict:
        return all_of([lambda _, each=each: each(value, user) for each in judges])(user)  # type: ignore[misc]

    return judged


def all_or_none(judges: Iterable[JudgeOne | None]) -> JudgeOne | None:
    """Every one of the judges; None where there is none for some part."""
    given: list[JudgeOne] = []
    for judge in judges:
        if judge is None:
            return None
        given.append(judge)
    return all_of(given)


def verdict_without(condition: Condition) -> OneVerdict:
    """What the condition says where there is no value."""
    return ALWAYS if condition.given.keys() == {MISSING} else NEVER


def accepting(tests: Sequence[Callable[[Any], object]]) -> Callable[[Any], object]:
    """Whether all of the tests accept a value."""
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(accepts(value) for accepts in tests)


def _of_lasting(read: Reader[Any], accepts: Callable[[Any], object], absent: OneVerdict) -> JudgeOne:
    def judge(user: OneUser) -> OneVerdict:
        value = read(user)
        if value is None:
            return absent
        return ALWAYS if accepts(value) else NEVER

    return judge


def _judge_of(test: Test, zone: Callable[[], Reader[Zone]]) -> JudgeValue | None:
    if isinstance(test, Lasting):
        accepts = test.accepts
        return lambda value, _: ALWAYS if accepts(value) else NEVER
    if isinstance(test, Relative):
        where, judge = zone(), test.one
        return lambda value, user: judge(value, where(user), user.at)
    return None
