"""Events in the database, written row by row and read by a plain sort: what the ways of the store are compared with."""

from __future__ import annotations

from collections.abc import Iterable

from segmentd.records import EventRecord
from segmentd.storage import Store

_INSERT = """
INSERT INTO events (user_key, name_id, time, received, message_id, digest, rate, properties, context)
VALUES (?, (SELECT name_id FROM event_names WHERE name = ?), ?, ?, ?, ?, ?, ?, ?)
"""
_COUNT = """
INSERT INTO event_names (name, events) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET events = events + 1
"""
_READ = """
SELECT user_key, time, CAST(properties AS BLOB), rate FROM events JOIN event_names USING (name_id)
WHERE name = ? ORDER BY user_key, time, event_key
"""


def insert_events(store: Store, events: Iterable[EventRecord]) -> None:
    """Add events in order of arrival; `event_key` is given here. Raises StorageFailed on a stored message id."""
    for each in events:
        store._session.write(_COUNT, (each.name,))
        texts = each.properties.decode(), None if each.context is None else each.context.decode()
        told_apart = each.message_id, each.digest, each.rate
        store._session.write(_INSERT, (each.user_key, each.name, each.time, each.received, *told_apart, *texts))


def events_named(store: Store, name: str) -> list[tuple[int, int, bytes, str | None]]:
    """All events of a name as (user_key, time, properties, rate), by user_key, time, arrival."""
    return store._session.rows(_READ, (name,))
