"""Where a parameter of a catalogue finds its value: attributes in order of fall-back, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from segmentd.conditions.condition import Condition
from segmentd.conditions.judging import (
    MISSING,
    check_condition,
    explain_condition,
    judge_condition,
    show_value,
    user_zones,
)
from segmentd.conditions.one_value import JudgeValue, one_value, one_zone, verdict_without
from segmentd.conditions.prepared import presence
from segmentd.plugins.segment_type import Fault, Kinds, Reason
from segmentd.population.column import Column
from segmentd.population.kinds import Kind, Stored
from segmentd.population.one_user import JudgeOne, OneUser
from segmentd.population.one_verdict import OneVerdict
from segmentd.population.readers import Reader, Readers
from segmentd.population.typed import Category, Columns, Mask
from segmentd.population.verdict import Verdict
from segmentd.population.views import ColumnsView
from segmentd.times import Instants


@dataclass(frozen=True, slots=True)
class Source:
    """An attribute, read as it is or through `reading`: text → what it says of the parameter, or None for nothing."""

    attribute: str
    reading: Callable[[str], str | None] | None = None

    def columns(self, users: Columns) -> Columns:
        """Columns in which the attribute has the values that are judged."""
        if self.reading is None or users.kind(self.attribute) is None:
            return users
        column = read_through(users.category(self.attribute), self.reading)
        return ColumnsView({self.attribute: column}, slice(None), len(users))

    def check(self, kinds: Kinds, condition: Condition) -> tuple[Fault, ...]:
        """Why the condition cannot apply to the attribute's kind."""
        kind = kinds.attribute(self.attribute)
        if self.reading is not None and kind not in (None, Kind.TEXT):
            return (Fault((), f"{self.attribute} is {kind}; only text can be read here"),)
        return tuple(
            Fault(fault.path, f"{self.attribute}: {fault.message}") for fault in check_condition(kind, condition)
        )

    def judge(self, users: Columns, condition: Condition, at: Instants) -> tuple[Verdict, Mask]:
        """The verdict on this attribute alone, and where it has a value."""
        columns = self.columns(users)
        verdict = judge_condition(columns, self.attribute, condition, at, lambda: user_zones(users))
        return verdict, presence(columns, self.attribute)

    def explain(self, users: Columns, condition: Condition, at: Instants) -> tuple[Reason, ...]:
        """One reason for each operator, for the only row."""
        columns = self.columns(users)
        reasons = explain_condition(columns, self.attribute, condition, at, lambda: user_zones(users))
        if columns is users:
            return reasons
        raw = show_value(users, self.attribute)
        return tuple(_with_origin(reason, raw) for reason in reasons)


def _with_origin(reason: Reason, raw: str) -> Reason:
    if reason.observed in (raw, MISSING):
        return reason
    observed = f"{reason.observed} (from {raw})"
    return Reason(reason.subject, reason.operator, observed, reason.threshold, reason.member)


def known_sources(sources: tuple[Source, ...], users: Columns) -> list[Source]:
    """Those of which somebody has a value; the first one where there are none."""
    return [each for each in sources if users.kind(each.attribute) is not None] or [sources[0]]


def judge_first(sources: tuple[Source, ...], users: Columns, condition: Condition, at: Instants) -> Verdict:
    """Judge n rows, each by the first source that has a value for it, whatever the kinds of the others."""
    *earlier, last = known_sources(sources, users)
    verdict, _ = last.judge(users, condition, at)
    for source in reversed(earlier):
        preferred, here = source.judge(users, condition, at)
        verdict = select(here, preferred, verdict)
    return verdict


def one_of_first(sources: tuple[Source, ...], readers: Readers, condition: Condition) -> JudgeOne | None:
    """Judge one user as `judge_first` does a row; None where some operator needs arrays."""
    known = [each for each in sources if readers.kind(each.attribute) is not None]
    absent = verdict_without(condition)
    choices: list[tuple[Reader[Any], JudgeValue]] = []
    for source in known:
        kind = Kind.TEXT if source.reading is not None else readers.kind(source.attribute)
        assert kind is not None  # noqa: S101  (it is known)
        judge = one_value(kind, condition, lambda: one_zone(readers))
        if judge is None:
            return None
        choices.append((_read_through_one(source, readers), judge))

    def judged(user: OneUser) -> OneVerdict:
        for read, judge in choices:
            value = read(user)
            if value is not None:
                return judge(value, user)
        return absent

    return judged


def _read_through_one(source: Source, readers: Readers) -> Reader[Any]:
    read, reading = readers.attribute(source.attribute), source.reading
    if reading is None:
        return read

    def value(user: OneUser) -> str | None:
        text = read(user)
        return None if text is None else reading(text)

    return value


def explain_first(
    sources: tuple[Source, ...], users: Columns, condition: Condition, at: Instants
) -> tuple[Reason, ...]:
    """Reasons for the only row, from the first source that has a value for it."""
    for source in sources:
        if presence(source.columns(users), source.attribute)[0]:
            return source.explain(users, condition, at)
    return sources[0].explain(users, condition, at)


def select(here: Mask, verdict: Verdict, otherwise: Verdict) -> Verdict:
    """`verdict` where `here`, else `otherwise`; all of n rows."""
    return Verdict(
        np.where(here, verdict.member, otherwise.member),
        np.where(here, verdict.holds_until, otherwise.holds_until),
    )


def read_through(category: Category, reading: Callable[[str], str | None]) -> Column:
    """A text column with what `reading` makes of each text, called once for each distinct one."""
    column = Column(Kind.TEXT, 0)
    distinct, places = np.unique(category.codes, return_inverse=True)
    texts = category.vocabulary.texts_of(distinct[distinct >= 0].tolist())
    read: list[Stored | None] = [reading(next(texts)) if here else None for here in (distinct >= 0).tolist()]
    found = Column.holding(Kind.TEXT, column.codes(read)[places])
    found.adopt(column)
    return found
