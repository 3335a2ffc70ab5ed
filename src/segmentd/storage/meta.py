"""Revision, instant, and the few values that belong to the database as a whole."""

from __future__ import annotations

from segmentd.errors import StorageFailed
from segmentd.records import State
from segmentd.storage.user_marks import UserMarks
from segmentd.times import MIN_INSTANT, Micros


class Meta(UserMarks):
    """Tables `meta` and `revisions`."""

    def state(self) -> State:
        """The last commit; inside a transaction that has advanced, the new one."""
        found = self._session.row("SELECT revision, instant, walked_key FROM revisions ORDER BY revision DESC LIMIT 1")
        return State(int(found[0]), Micros(found[1]), found[2]) if found else State(0, MIN_INSTANT)

    def advance(
        self, revision: int, instant: Micros, recorded_time: Micros | None = None, walked_key: int | None = None
    ) -> None:
        """Record a commit; the log entries of the transaction may be written before or after, its users before.

        `recorded_time` is what the clock shows, without it the instant. `walked_key` is for a wave that was cut
        inside its instant. Raises StorageFailed unless both revision and instant lie after the last ones; the
        instant may be that of the last commit where this one or that one is part of such a wave.
        """
        last = self.state()
        same_wave = walked_key is not None or last.walked_key is not None
        if revision <= last.revision or instant < last.instant or (instant == last.instant and not same_wave):
            raise StorageFailed(
                f"revision {revision} at {instant} does not follow revision {last.revision} at {last.instant}"
            )
        self._session.write(
            "INSERT INTO revisions (revision, instant, recorded_time, walked_key) VALUES (?, ?, ?, ?)",
            (revision, instant, instant if recorded_time is None else recorded_time, walked_key),
        )
        self._mark_users(instant)

    def meta(self, key: str) -> bytes | None:
        """The value stored under a key, or None."""
        found = self._session.row("SELECT value FROM meta WHERE key = ?", (key,))
        return bytes(found[0]) if found else None

    def set_meta(self, key: str, value: bytes) -> None:
        """Store a value under a key, in place of what is there."""
        self._session.write(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def database_id(self) -> str:
        """32 hex digits, drawn when the database was made."""
        return self._drawn("database_id").hex()

    def hash_key(self) -> bytes:
        """16 random bytes, drawn when the database was made; the key of the user index's hash."""
        return self._drawn("hash_key")

    def _drawn(self, key: str) -> bytes:
        value = self.meta(key)
        if value is None:
            raise StorageFailed(f"the database has lost its {key}")
        return value
