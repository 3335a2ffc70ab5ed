"""Consumers of changes: how far each one is, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from segmentd.records import LoggedTransition, Position, TransitionRecord
from segmentd.storage.part import Part
from segmentd.storage.session import Row
from segmentd.times import Micros

_NO_TIME: Final = Micros(0)
_WRITE = """
INSERT INTO consumers (name, revision, offset, delivered, disabled, attempts, failing_since, failed, error, loss_time,
                       lost_after, lost_until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, offset = excluded.offset,
  delivered = excluded.delivered, disabled = excluded.disabled, attempts = excluded.attempts,
  failing_since = excluded.failing_since, failed = excluded.failed, error = excluded.error,
  loss_time = excluded.loss_time, lost_after = excluded.lost_after, lost_until = excluded.lost_until
"""
_READ = """
SELECT name, revision, offset, delivered, disabled, attempts, failing_since, failed, error, loss_time, lost_after,
       lost_until
FROM consumers ORDER BY name
"""
_INSERT_LETTER = """
INSERT INTO dead_letters (dead_letter_key, consumer, create_time, attempts, error, changes) VALUES (?, ?, ?, ?, ?, ?)
"""
_LETTERS = """
SELECT dead_letter_key, consumer, create_time, attempts, error, changes FROM dead_letters
WHERE consumer = ? AND dead_letter_key > ? ORDER BY dead_letter_key LIMIT ?
"""
_LETTER = """
SELECT dead_letter_key, consumer, create_time, attempts, error, changes FROM dead_letters
WHERE consumer = ? AND dead_letter_key = ?
"""
_COUNTER = "dead_letter"


@dataclass(frozen=True, slots=True)
class ConsumerRecord:
    """How far a consumer is: all up to `position` was delivered, became a dead letter or is not for it.

    `attempts` were made at the batch after the position, the first of them failed at `failing_since`. The last attempt
    at any batch failed with `error`, or did not (empty). `failed` counts the failed ones of all time. The changes of
    the revisions after `lost_after` up to `lost_until` were compacted away before they could be delivered; noticed at
    `loss_time` (0: never).
    """

    name: str
    position: Position
    delivered: int = 0
    disabled: bool = False
    attempts: int = 0
    failing_since: Micros = _NO_TIME
    failed: int = 0
    error: str = ""
    loss_time: Micros = _NO_TIME
    lost_after: int = 0
    lost_until: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetterRecord:
    """Changes that were given up: by their keys, without the ids of users and messages. `key` grows with each."""

    key: int
    consumer: str
    create_time: Micros
    attempts: int
    error: str
    changes: Sequence[LoggedTransition]


class Consumers(Part):
    """Tables `consumers` and `dead_letters`."""

    def consumers(self) -> list[ConsumerRecord]:
        """All that ever were, by name."""
        return [_consumer(row) for row in self._session.rows(_READ)]

    def write_consumers(self, consumers: Iterable[ConsumerRecord]) -> None:
        """Insert consumers, or replace those of the same name."""
        rows = [
            (
                c.name,
                *c.position,
                c.delivered,
                int(c.disabled),
                c.attempts,
                c.failing_since,
                c.failed,
                c.error,
                c.loss_time,
                c.lost_after,
                c.lost_until,
            )
            for c in consumers
        ]
        self._session.write_many(_WRITE, rows)

    def add_dead_letter(
        self, consumer: str, create_time: Micros, attempts: int, error: str, changes: Sequence[LoggedTransition]
    ) -> int:
        """Keep what could not be delivered; the key that it has, which no other ever gets."""
        key = self._next_key(_COUNTER)
        self._count_key(_COUNTER, key)
        self._session.write(_INSERT_LETTER, (key, consumer, create_time, attempts, error, _packed(changes)))
        return key

    def dead_letters(self, consumer: str, after: int, limit: int) -> list[DeadLetterRecord]:
        """Up to `limit` dead letters of a consumer with a key above `after`, oldest first."""
        return [_letter(row) for row in self._session.rows(_LETTERS, (consumer, after, limit))]

    def dead_letter(self, consumer: str, key: int) -> DeadLetterRecord | None:
        """One dead letter of a consumer, or None."""
        found = self._session.row(_LETTER, (consumer, key))
        return _letter(found) if found else None

    def dead_letter_counts(self) -> dict[str, int]:
        """How many each consumer has; those without one are left out."""
        return dict(self._session.rows("SELECT consumer, count(*) FROM dead_letters GROUP BY consumer"))

    def write_dead_letter_attempt(self, key: int, error: str) -> None:
        """One more attempt failed."""
        self._session.write(
            "UPDATE dead_letters SET attempts = attempts + 1, error = ? WHERE dead_letter_key = ?", (error, key)
        )

    def delete_dead_letters(self, keys: Iterable[int]) -> None:
        """Forget them; those that are not there are passed over."""
        self._session.write_many("DELETE FROM dead_letters WHERE dead_letter_key = ?", [(key,) for key in keys])

    def discard_dead_letters(self, consumer: str) -> int:
        """Forget all of a consumer; how many those were."""
        return len(self._session.write("DELETE FROM dead_letters WHERE consumer = ? RETURNING 1", (consumer,)))


def _consumer(row: Row) -> ConsumerRecord:
    name, revision, offset, delivered, disabled, *rest = row
    return ConsumerRecord(name, Position(revision, offset), delivered, bool(disabled), *rest)


def _letter(row: Row) -> DeadLetterRecord:
    key, consumer, create_time, attempts, error, changes = row
    return DeadLetterRecord(key, consumer, create_time, attempts, error, _unpacked(changes))


def _packed(changes: Sequence[LoggedTransition]) -> str:
    moves = ((each, each.transition) for each in changes)
    return orjson.dumps(
        [
            (
                each.revision,
                each.offset,
                each.recorded_time,
                move.segment_key,
                move.segment_version,
                move.user_key,
                move.entered,
                move.effective_time,
                move.cause,
            )
            for each, move in moves
        ]
    ).decode()


def _unpacked(text: str) -> list[LoggedTransition]:
    return [
        LoggedTransition(revision, offset, recorded, TransitionRecord(*move))
        for revision, offset, recorded, *move in orjson.loads(text)
    ]
