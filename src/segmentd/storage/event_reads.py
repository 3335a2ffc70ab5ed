"""Reading events: whole names in the order in which columns are built, and one user's own."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segmentd.records import EventRecord
from segmentd.storage.part import Part

EventRow: TypeAlias = tuple[int, int, bytes, "str | None"]
"""user_key, time, properties, rate."""
EventTimes: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""user_keys int64[n], times int64[n]."""

# Both walk events_by_user, whose entries end in the event key: no sort, no temporary file, no cursor left open
# between batches. Without properties the index alone answers.
_LOAD = """
SELECT user_key, time, CAST(properties AS BLOB), rate, event_key FROM events INDEXED BY events_by_user
WHERE name_id = ? AND (user_key, time, event_key) > (?, ?, ?) ORDER BY user_key, time, event_key LIMIT ?
"""
_LOAD_TIMES = """
SELECT user_key, time, event_key FROM events INDEXED BY events_by_user
WHERE name_id = ? AND (user_key, time, event_key) > (?, ?, ?) ORDER BY user_key, time, event_key LIMIT ?
"""
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
_BEFORE_ALL = (-(2**63), 0, 0)


class EventReads(Part):
    """Reads of table `events`."""

    def events(self, name: str) -> Iterator[list[EventRow]]:
        """All events of a name in batches of (user_key, time, properties, rate), by user_key, time, arrival."""
        name_id, after = self._name_id(name), _BEFORE_ALL
        while batch := self._session.rows(_LOAD, (name_id, *after, self.batch_size)):
            yield [(user, time, properties, rate) for user, time, properties, rate, _ in batch]
            after = (batch[-1][0], batch[-1][1], batch[-1][4])

    def event_times(self, name: str) -> Iterator[EventTimes]:
        """The same order as `events`, users and times only: several times faster, for rules without properties."""
        name_id, after = self._name_id(name), _BEFORE_ALL
        while batch := self._session.rows(_LOAD_TIMES, (name_id, *after, self.batch_size)):
            table = np.array(batch, np.int64)
            yield np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])
            after = batch[-1][0], batch[-1][1], batch[-1][2]

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
