"""How events come into their table: many of them by one statement, those it does not suit row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final

import orjson

from segmentd.records import EventBatch
from segmentd.storage.session import Row, Session

INSERT: Final = """
INSERT INTO events (user_key, name_id, time, received, message_id, digest, rate, properties, context)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# One parameter for many rows costs less than binding nine for each, and other threads run while the statement does:
# they would get in between any two rows otherwise, and keep the interpreter's lock for milliseconds.
_PACKED: Final = """
INSERT INTO events (user_key, name_id, time, received, message_id, digest, rate, properties, context)
SELECT value ->> 0, value ->> 1, value ->> 2, ?2, value ->> 3,
       CASE WHEN value ->> 3 IS NULL THEN NULL ELSE substr(?3, 16 * key + 1, 16) END, {rate}, value ->> 4, {context}
FROM json_each(?1)
"""
_PLAIN: Final = _PACKED.format(rate="NULL", context="NULL")
_WHOLE: Final = _PACKED.format(rate="value ->> 5", context="value ->> 6")
_FEW: Final = 16
"""So many are as quick row by row."""
_MANY: Final = 200
"""So many are worth another thread."""
_AT_ONCE: Final = 24
"""Where the caller waits, so many go by one statement, half a millisecond of work: then others may have the core."""
_LARGE: Final = 4_096
"""Bytes of properties and context an event, on average, from which on binding them costs less than quoting them."""
_NO_DIGEST: Final = bytes(16)


def insert_batch(session: Session, user_keys: Sequence[int], name_ids: Sequence[int], events: EventBatch) -> None:
    """Add events of these users and names, in order; many of them while the caller goes on."""
    if len(events) <= _FEW or _is_large(events) or not _has_digests(events):
        session.write_many(INSERT, _rows(user_keys, name_ids, events))
        return
    bare = not any(events.rates) and not any(events.contexts)
    columns: list[Iterable[Any]] = [user_keys, name_ids, events.times, events.message_ids, _texts(events.properties)]
    packed = zip(*columns, strict=True) if bare else zip(*columns, events.rates, _texts(events.contexts), strict=True)
    rows, sql = list(packed), _PLAIN if bare else _WHOLE
    known = [_NO_DIGEST if each is None else each for each in events.digests]
    beside = len(rows) >= _MANY
    write, step = (session.write_beside, len(rows)) if beside else (session.write, _AT_ONCE)
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        write(sql, (orjson.dumps(rows[some]).decode(), events.received, b"".join(known[some])))


def _rows(user_keys: Sequence[int], name_ids: Sequence[int], events: EventBatch) -> Iterator[Row]:
    # Texts are bound as such: a cast for each would cost more than decoding them.
    return zip(
        user_keys,
        name_ids,
        events.times,
        repeat(events.received, len(events)),
        events.message_ids,
        events.digests,
        events.rates,
        _texts(events.properties),
        _texts(events.contexts),
        strict=True,
    )


def _texts(values: Iterable[bytes | None]) -> Iterator[str | None]:
    return (None if each is None else each.decode() for each in values)


def _is_large(events: EventBatch) -> bool:
    size = sum(map(len, events.properties)) + sum(len(each) for each in events.contexts if each is not None)
    return size > _LARGE * len(events)


def _has_digests(events: EventBatch) -> bool:
    """Whether each event has a digest of 16 bytes where it has a message id, and none where it has none."""
    return all(
        (digest is None) if message_id is None else (digest is not None and len(digest) == len(_NO_DIGEST))
        for message_id, digest in zip(events.message_ids, events.digests, strict=True)
    )
