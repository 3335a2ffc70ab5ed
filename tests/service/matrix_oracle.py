"""The migration matrix user by user, with sets and dicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

Name = str | None
"""A segment; None is "in none"."""


@dataclass(frozen=True)
class SlowMatrix:
    """Cells by (row, column), sizes by row or column; what is zero is left out."""

    cells: Mapping[tuple[Name, Name], int]
    before: Mapping[Name, int]
    after: Mapping[Name, int]
    created: Mapping[Name, int]
    users: int
    created_users: int
    stayed: int
    moved: int


def slow_matrix(
    segments: Sequence[str],
    before: Mapping[str, Collection[int]],
    after: Mapping[str, Collection[int]],
    users: Collection[int],
    new: Collection[int],
) -> SlowMatrix:
    """Look at each user at both instants; `new` are those of the users who did not exist at the first."""
    cells = Counter[tuple[Name, Name]]()
    rows, columns, created = Counter[Name](), Counter[Name](), Counter[Name]()
    stayed = moved = 0
    for user in users:
        old: list[Name] = [name for name in segments if user in before[name]]
        now: list[Name] = [name for name in segments if user in after[name]]
        stayed += bool(old) and old == now
        moved += old != now
        cells.update((a, b) for a in old or [None] for b in now or [None])
        rows.update(old or [None])
        columns.update(now or [None])
        if user in new:
            created.update(now or [None])
    return SlowMatrix(cells, rows, columns, created, len(users), len(new), stayed, moved)
