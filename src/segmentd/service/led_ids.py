"""Which ids lead to other users since a merge, in an order that consumers of changes can follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from segmentd.population.dataset import Dataset


class LedIds:
    """`entries` are (id, id of the survivor): only ever appended to, and replaced as a whole after an erasure.

    The engine's thread writes, any thread reads. Nothing is held until somebody asks for it.
    """

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] | None = None

    def begin(self, users: Dataset) -> None:
        """Hold them from now on. On the engine's thread, between two commits."""
        if self.entries is None:
            self.entries = [(user_id, users.user_ids[row]) for user_id, row in users.merged.items()]

    def lead(self, user_ids: Iterable[str], survivor_id: str) -> None:
        """From now on these ids lead to a user."""
        if self.entries is not None:
            self.entries.extend((user_id, survivor_id) for user_id in user_ids)

    def forget(self, user_ids: Collection[str]) -> None:
        """All ids of an erased user, who is nobody any more."""
        if self.entries is not None and len(user_ids) > 1:
            self.entries = [each for each in self.entries if each[0] not in user_ids and each[1] not in user_ids]
