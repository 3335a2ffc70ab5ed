"""What a commit wrote about which rows, and the cause that each move has because of it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from segmentd.engine.memberships import Rows
from segmentd.engine.plan import Plan


class Cause(StrEnum):
    """Why a membership changed."""

    EVENT = "EVENT"
    ATTRIBUTE = "ATTRIBUTE"
    TIME = "TIME"
    DEFINITION = "DEFINITION"
    MODEL = "MODEL"
    TYPE = "TYPE"
    LIST = "LIST"
    MERGE = "MERGE"
    ERASURE = "ERASURE"


@dataclass(slots=True)
class RowWrites:
    """About one row, events apart: the attributes that changed, whether it is new, merged or removed."""

    attributes: set[str] = field(default_factory=set)
    new: bool = False
    defined: bool = False
    """Whether the row is new because a definition includes the user."""
    merged: bool = False
    """Whether another user was merged into this one."""
    removed: Cause | None = None
    """Why the row is nobody from now on."""

    @property
    def afresh(self) -> bool:
        """Whether the row is judged for every segment, whatever each reads."""
        return self.new or self.merged or self.removed is not None

    def cause(self, plan: Plan, events: Mapping[str, str | None]) -> tuple[Cause, str | None]:
        """The cause of a move that this write made, and the message id of the event.

        `events` are those that came with it: name → message id.
        """
        if self.removed is not None or self.merged:
            return self.removed or Cause.MERGE, None
        if (found := _cause_of(plan, events)) is not None:
            return found
        if self.attributes & plan.attributes:
            return Cause.ATTRIBUTE, None
        if self.defined:
            return Cause.DEFINITION, None
        if self.new:
            return (Cause.EVENT, next(iter(events.values()))) if events else (Cause.ATTRIBUTE, None)
        return Cause.TIME, None


def _cause_of(plan: Plan, events: Mapping[str, str | None]) -> tuple[Cause, str | None] | None:
    """The first of these events that the plan reads, as a cause."""
    for name, message_id in events.items():
        if name in plan.events:
            return Cause.EVENT, message_id
    return None


class Came:
    """The events that came, in order of arrival: (n,) rows, names and message ids."""

    def __init__(self, rows: Rows, names: Sequence[str], message_ids: Sequence[str | None]) -> None:
        self.rows = rows
        self.names = frozenset(names)
        self._in_order = names
        self._message_ids = message_ids

    def about(self, rows: Rows) -> dict[int, dict[str, str | None]]:
        """What came about these rows: name → message id of the last one, in the order in which names came first."""
        found: dict[int, dict[str, str | None]] = {row: {} for row in rows.tolist()}
        for place, row in enumerate(self.rows.tolist()):
            if row in found:
                found[row][self._in_order[place]] = self._message_ids[place]
        return found

    def rows_of(self, names: Container[str]) -> Rows:
        """The rows about which events of these names came, in any order, int64 (m,)."""
        if all(name in names for name in self.names):
            return self.rows
        return self.rows[np.fromiter((name in names for name in self._in_order), np.bool_, len(self._in_order))]


class Many:
    """The same change to many users at once: of one attribute, for one cause.

    `rows` are sorted and unique, those from `first_new` on are new users.
    """

    def __init__(self, rows: Rows, attribute: str, first_new: int, cause: Cause) -> None:
        self.rows = rows
        self.attributes = frozenset([attribute])
        self.first_new = first_new
        self._cause = cause
        self._written = frozenset(rows.tolist())

    def cause(self, row: int, plan: Plan) -> Cause:
        """The cause of a move of this user at the instant of the change."""
        if row in self._written and (row >= self.first_new or self.attributes & plan.attributes):
            return self._cause
        return Cause.TIME


@dataclass(slots=True)
class Written:
    """All that a commit wrote: row by row, or one change to many of them."""

    rows: dict[int, RowWrites] = field(default_factory=dict)
    many: Many | None = None
    came: Came | None = None
    kinds: frozenset[tuple[str, str]] = frozenset()
    """The names, as (event or empty, name), whose kind became known."""

    def __bool__(self) -> bool:
        """Whether anything was written that may have moved anybody."""
        return bool(self.rows) or self.many is not None or self.came is not None

    def row(self, row: int) -> RowWrites:
        """What is written about this row, to be added to."""
        return self.rows.setdefault(row, RowWrites())

    def causes(self, rows: Rows, plans: Sequence[Plan]) -> list[tuple[Cause, str | None]]:
        """Of moves of these users at the instant of the commit: the cause of each, and the message id of the event."""
        events = self.came.about(rows) if self.came is not None else {}
        return [self._cause(row, plan, events.get(row)) for row, plan in zip(rows.tolist(), plans, strict=True)]

    def _cause(self, row: int, plan: Plan, events: Mapping[str, str | None] | None) -> tuple[Cause, str | None]:
        if row in self.rows:
            return self.rows[row].cause(plan, events or {})
        if events:
            return _cause_of(plan, events) or (Cause.TIME, None)
        return (self.many.cause(row, plan) if self.many is not None else Cause.TIME), None

    def new_rows(self) -> Rows:
        """The rows of users who are new, merged or removed: sorted and unique, int64 (n,)."""
        new = as_rows(row for row, writes in self.rows.items() if writes.afresh)
        return new if self.many is None else np.union1d(new, self.many.rows[self.many.rows >= self.many.first_new])

    def rows_of(self, attributes: frozenset[str], events: frozenset[str]) -> Rows:
        """The rows of users of whom one of these attributes changed, or about whom one of these events came.

        In order, and each once, int64 (n,).
        """
        found = [as_rows(row for row, writes in self.rows.items() if writes.attributes & attributes)]
        if self.many is not None and self.many.attributes & attributes:
            found.append(self.many.rows)
        if self.came is not None:
            found.append(self.came.rows_of(events))
        return np.unique(np.concatenate(found))

    def attributes(self) -> frozenset[str]:
        """All attributes that changed for somebody."""
        many = self.many.attributes if self.many is not None else frozenset[str]()
        return many.union(*(each.attributes for each in self.rows.values()))

    def events(self) -> frozenset[str]:
        """The names of all events that came."""
        return self.came.names if self.came is not None else frozenset()


def as_rows(rows: Iterable[int]) -> Rows:
    """Row numbers as they are judged: sorted, int64 (n,)."""
    return np.array(sorted(rows), dtype=np.int64)
