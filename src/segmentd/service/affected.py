"""Which plans read what a commit wrote, and about which rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from segmentd.engine.memberships import Rows
from segmentd.engine.plan import Plan
from segmentd.service.written import Written


class Affected(NamedTuple):
    """Plans in dependency order that read the same of what was written: these attributes and events."""

    attributes: frozenset[str]
    events: frozenset[str]
    plans: list[Plan]

    @classmethod
    def by(cls, plans: Iterable[Plan], written: Written) -> list[Affected]:
        """All plans that read some of it, each once; to be judged in this order.

        A plan reads all that those read to which it refers. So these are together with it, or stand before it because
        they read less.
        """
        attributes, events = written.attributes(), written.events()
        found: dict[tuple[frozenset[str], frozenset[str]], list[Plan]] = {}
        for plan in plans:
            reads = plan.attributes & attributes, events.intersection(plan.events)
            if any(reads):
                found.setdefault(reads, []).append(plan)
        return [cls(*reads, found[reads]) for reads in sorted(found, key=lambda each: sum(map(len, each)))]

    def rows(self, written: Written) -> Rows:
        """The rows of users about whom some of it was written: in order, each once."""
        return written.rows_of(self.attributes, self.events)
