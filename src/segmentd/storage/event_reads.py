"""Reading one user's events."""

from __future__ import annotations

import json
from collections.abc import Collection

from segmentd.records import EventRecord
from segmentd.storage.part import Part

_OF_USER = """
SELECT user_key, name, time, received, CAST(properties AS BLOB), CAST(context AS BLOB),
       message_id, digest, rate, event_key
FROM event_names CROSS JOIN events INDEXED BY events_by_user
  ON events.name_id = event_names.name_id AND user_key = ?1
WHERE ?2 IS NULL OR name IN (SELECT value FROM json_each(?2))
ORDER BY time, event_key
"""
_PAGE_OF_USER = """
SELECT time, received, CAST(properties AS BLOB), CAST(context AS BLOB), message_id, digest, rate, event_key
FROM events INDEXED BY events_by_user
WHERE name_id = ? AND user_key = ? AND (time, event_key) > (?, ?) ORDER BY time, event_key LIMIT ?
"""


class EventReads(Part):
    """Reads of table `events`."""

    def events_of(self, user_key: int, names: Collection[str] | None = None) -> list[EventRecord]:
        """One user's events of these names (None: of all), by time, then arrival."""
        wanted = None if names is None else json.dumps(list(names))
        return [EventRecord(*row) for row in self._session.rows(_OF_USER, (user_key, wanted))]

    def events_page(self, user_key: int, name: str, after: tuple[int, int], limit: int) -> list[EventRecord]:
        """Up to `limit` of one user's events of a name behind (time, event_key), in that order."""
        rows = self._session.rows(_PAGE_OF_USER, (self._name_id(name), user_key, *after, limit))
        return [EventRecord(user_key, name, *row) for row in rows]

    def _name_id(self, name: str) -> int:
        """The number of a name; of one never seen a number that no event has."""
        found = self._session.row("SELECT name_id FROM event_names WHERE name = ?", (name,))
        return int(found[0]) if found else 0
