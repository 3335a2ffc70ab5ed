"""The base of the store's parts: they share one session."""

from __future__ import annotations

from typing import ClassVar

from segmentd.storage.session import Session


class Part:
    """A group of the store's methods over some tables."""

    batch_size: ClassVar[int] = 20_000
    """Rows of one batch of the iterators. They seek anew for each, so writes between two batches are harmless."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _next_key(self, counter: str) -> int:
        found = self._session.row("SELECT value + 1 FROM counters WHERE name = ?", (counter,))
        return int(found[0]) if found else 1

    def _count_key(self, counter: str, key: int) -> None:
        """Remember the highest key ever given, so that none is used twice even after deletes."""
        self._session.write("UPDATE counters SET value = max(value, ?) WHERE name = ?", (key, counter))
