"""Writing events, and the ids and names that go with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from segmentd.records import EventBatch
from segmentd.storage.event_rows import insert_batch
from segmentd.storage.part import Part

_COUNT_NAME = """
INSERT INTO event_names (name, events) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET events = events + excluded.events RETURNING name_id
"""
_WIDTHS = (1, 8, 64, 512)
"""Ids asked for by one statement; few widths, so that every statement stays prepared."""
_SELECT = "SELECT message_id, digest FROM events WHERE message_id IN"
_FIND = {width: f"{_SELECT} ({', '.join('?' * width)})" for width in _WIDTHS}


class Events(Part):
    """Tables `events` (by arrival) and `event_names` (with their counts)."""

    def find_messages(self, message_ids: Sequence[str]) -> dict[str, bytes | None]:
        """The digests of those message ids that are stored; any number of ids may be asked for."""
        found: dict[str, bytes | None] = {}
        for start in range(0, len(message_ids), _WIDTHS[-1]):
            chunk = message_ids[start : start + _WIDTHS[-1]]
            width = next(w for w in _WIDTHS if w >= len(chunk))
            parameters = [*chunk, *[None] * (width - len(chunk))]
            found.update(self._session.rows(_FIND[width], parameters))
        return found

    def insert_event_batch(self, user_keys: Sequence[int], events: EventBatch) -> None:
        """Add events of these users, one each, in order of arrival; the database gives their keys.

        Raises StorageFailed on a stored message id.
        """
        ids = self._count_names(events.names)
        insert_batch(self._session, user_keys, [ids[name] for name in events.names], events)

    def _count_names(self, names: Iterable[str]) -> dict[str, int]:
        """Count events of these names; the number of each name."""
        counts = Counter(names)
        return {name: self._session.write(_COUNT_NAME, (name, count))[0][0] for name, count in counts.items()}

    def event_names(self) -> dict[str, int]:
        """The number of stored events of each name that has any."""
        return dict(self._session.rows("SELECT name, events FROM event_names WHERE events > 0 ORDER BY name"))

    def event_count(self) -> int:
        """The number of all stored events."""
        found = self._session.row("SELECT coalesce(sum(events), 0) FROM event_names")
        return int(found[0]) if found else 0
