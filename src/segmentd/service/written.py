"""What a commit wrote about which rows, and the cause that each move has because of it."""

from __future__ import annotations

from collections.abc import Iterable
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
    """About one row: the attributes that changed, the events that came (name → message id), whether it is new."""

    attributes: set[str] = field(default_factory=set)
    events: dict[str, str | None] = field(default_factory=dict)
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

    def cause(self, plan: Plan) -> tuple[Cause, str | None]:
        """The cause of a move that this write made, and the message id of the event."""
        if self.removed is not None or self.merged:
            return self.removed or Cause.MERGE, None
        for name, message_id in self.events.items():
            if name in plan.events:
                return Cause.EVENT, message_id
        if self.attributes & plan.attributes:
            return Cause.ATTRIBUTE, None
        if self.defined:
            return Cause.DEFINITION, None
        if self.new:
            return (Cause.EVENT, next(iter(self.events.values()))) if self.events else (Cause.ATTRIBUTE, None)
        return Cause.TIME, None


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
    kinds: frozenset[tuple[str, str]] = frozenset()
    """The names, as (event or empty, name), whose kind became known."""

    def row(self, row: int) -> RowWrites:
        """What is written about this row, to be added to."""
        return self.rows.setdefault(row, RowWrites())

    def cause(self, row: int, plan: Plan) -> tuple[Cause, str | None]:
        """The cause of a move of this user at the instant of the commit, and the message id of the event."""
        if row in self.rows:
            return self.rows[row].cause(plan)
        return (self.many.cause(row, plan) if self.many is not None else Cause.TIME), None

    def new_rows(self) -> Rows:
        """The rows of users who are new, merged or removed: sorted and unique, int64 (n,)."""
        new = as_rows(row for row, writes in self.rows.items() if writes.afresh)
        return new if self.many is None else np.union1d(new, self.many.rows[self.many.rows >= self.many.first_new])

    def all_rows(self) -> Rows:
        """The rows of all users about whom something was written: sorted and unique, int64 (n,)."""
        rows = as_rows(self.rows)
        return rows if self.many is None else np.union1d(rows, self.many.rows)

    def attributes(self) -> frozenset[str]:
        """All attributes that changed for somebody."""
        many = self.many.attributes if self.many is not None else frozenset[str]()
        return many.union(*(each.attributes for each in self.rows.values()))

    def events(self) -> frozenset[str]:
        """The names of all events that came."""
        return frozenset().union(*(each.events for each in self.rows.values()))


def as_rows(rows: Iterable[int]) -> Rows:
    """Row numbers as they are judged: sorted, int64 (n,)."""
    return np.array(sorted(rows), dtype=np.int64)
