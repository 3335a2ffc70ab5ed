"""The ids behind the keys of the log, also of what is gone from memory."""

from __future__ import annotations

from collections.abc import Iterable

from segmentd.storage.part import Part


class LogNames(Part):
    """Reads of `segments` and `users` for those who read the log."""

    def segment_ids(self) -> list[tuple[int, str]]:
        """(segment_key, segment_id) of all segments that ever were, deleted ones too; an id may occur several times."""
        return [
            (int(key), str(name)) for key, name in self._session.rows("SELECT segment_key, segment_id FROM segments")
        ]

    def own_keys(self, user_ids: Iterable[str]) -> dict[str, int]:
        """The key that each of these ids was given; a profile that was merged into another keeps its own."""
        found = {name: self._session.row("SELECT user_key FROM users WHERE user_id = ?", (name,)) for name in user_ids}
        return {name: int(row[0]) for name, row in found.items() if row is not None}

    def user_ids(self, user_keys: Iterable[int]) -> dict[int, str]:
        """The ids of those keys that have one."""
        found = {key: self._session.row("SELECT user_id FROM users WHERE user_key = ?", (key,)) for key in user_keys}
        return {key: str(row[0]) for key, row in found.items() if row is not None}
