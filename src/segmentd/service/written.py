"""What a commit wrote about which rows, and the cause that each move has because of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

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

    def cause(self, plan: Plan) -> tuple[Cause, str | None]:
        """The cause of a move that this write made, and the message id of the event."""
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


@dataclass(slots=True)
class Written:
    """All that a commit wrote."""

    rows: dict[int, RowWrites] = field(default_factory=dict)
    kinds: frozenset[tuple[str, str]] = frozenset()
    """The names, as (event or empty, name), whose kind became known."""

    def row(self, row: int) -> RowWrites:
        """What is written about this row, to be added to."""
        return self.rows.setdefault(row, RowWrites())

    def attributes(self) -> frozenset[str]:
        """All attributes that changed for somebody."""
        return frozenset().union(*(each.attributes for each in self.rows.values()))

    def events(self) -> frozenset[str]:
        """The names of all events that came."""
        return frozenset().union(*(each.events for each in self.rows.values()))
