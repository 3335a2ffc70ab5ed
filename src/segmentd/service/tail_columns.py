"""The columns of the tail: a circle of rows, where move number i stands at i modulo the size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segmentd.records import LoggedTransition, MoveBatch, Position, SwitchRecord, TransitionRecord
from segmentd.times import Micros

Keys: TypeAlias = "NDArray[np.int64] | None"
"""Keys to be found, int64[n]; None for all."""


class TailColumns:
    """Knows nothing of what is valid: its owner says which moves are there."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._revisions = np.zeros(size, np.int64)
        self._offsets = np.zeros(size, np.int64)
        self._recorded = np.zeros(size, np.int64)
        self._segments = np.zeros(size, np.int64)
        self._versions = np.zeros(size, np.int64)
        self._users = np.zeros(size, np.int64)
        self._entered = np.zeros(size, np.bool_)
        self._effective = np.zeros(size, np.int64)
        self._causes = np.zeros(size, np.int16)
        self._cause_names: list[str] = []
        self._cause_codes: dict[str, int] = {}
        self._messages: list[str | None] = [None] * size

    def forget(self) -> None:
        """Let go of all texts and users."""
        self._users[:] = 0
        self._messages = [None] * self._size

    def write(self, at: int, revision: int, recorded: Micros, parts: Sequence[MoveBatch | SwitchRecord]) -> None:
        """Write a commit from move number `at` on; it has no more moves than the circle."""
        offset = 0
        for part in parts:
            for batch in (part,) if isinstance(part, MoveBatch) else _halves(part):
                self._write(at + offset, (revision, offset, recorded), batch)
                offset += len(batch)

    def position(self, number: int) -> Position:
        """Where a move stands in the log."""
        place = number % self._size
        return Position(int(self._revisions[place]), int(self._offsets[place]))

    def first_after(self, after: Position, low: int, high: int) -> int:
        """The first of the moves low to high - 1 that stands after a position; high for none."""
        while low < high:
            middle = (low + high) // 2
            if self.position(middle) <= after:
                low = middle + 1
            else:
                high = middle
        return low

    def moves(self, low: int, high: int, segments: Keys, users: Keys, limit: int) -> list[LoggedTransition]:
        """Up to `limit` of the moves low to high - 1 that are of these segments and users, in order."""
        places = np.arange(low, high) % self._size
        for keys, column in ((segments, self._segments), (users, self._users)):
            if keys is not None:
                places = places[np.isin(column[places], keys)]
        return self._transitions(places[:limit])

    def _transitions(self, places: NDArray[np.int64]) -> list[LoggedTransition]:
        names, messages = self._cause_names, self._messages
        numbers = (self._segments, self._versions, self._users, self._entered, self._effective)
        moves = (
            TransitionRecord(segment, version, user, entered, Micros(effective), names[cause], messages[place])
            for segment, version, user, entered, effective, cause, place in zip(
                *(column[places].tolist() for column in numbers),
                self._causes[places].tolist(),
                places.tolist(),
                strict=True,
            )
        )
        revisions, offsets, recorded = (
            column[places].tolist() for column in (self._revisions, self._offsets, self._recorded)
        )
        return [*map(LoggedTransition, revisions, offsets, recorded, moves)]

    def _write(self, at: int, commit: tuple[int, int, Micros], batch: MoveBatch) -> None:
        revision, offset, recorded = commit
        causes = self._codes(batch.causes)
        done = 0
        while done < len(batch):
            start = (at + done) % self._size
            here, there = self._span(start, done, len(batch))
            self._revisions[here] = revision
            self._offsets[here] = np.arange(offset + there.start, offset + there.stop)
            self._recorded[here] = recorded
            self._segments[here] = batch.segment_keys[there]
            self._versions[here] = batch.versions[there]
            self._users[here] = batch.user_keys[there]
            self._entered[here] = batch.entered[there]
            self._effective[here] = batch.effective_times[there]
            self._causes[here] = causes[there]
            self._messages[here] = batch.message_ids[there]
            done = there.stop

    def _span(self, start: int, done: int, size: int) -> tuple[slice, slice]:
        """As many as fit before the circle closes."""
        stop = min(size, done + self._size - start)
        return slice(start, start + stop - done), slice(done, stop)

    def _codes(self, causes: list[str]) -> NDArray[np.int16]:
        for cause in set(causes) - self._cause_codes.keys():
            self._cause_names.append(cause)
            self._cause_codes[cause] = len(self._cause_names) - 1
        return np.fromiter(map(self._cause_codes.__getitem__, causes), np.int16, len(causes))


def _halves(switch: SwitchRecord) -> list[MoveBatch]:
    """Who left, then who entered, as the log orders them."""
    # Who leaves because a segment ends (to version 0) leaves the version that was served.
    version = switch.to_version or switch.from_version
    return [_like_moves(switch, version, keys, entered) for keys, entered in ((switch.left, 0), (switch.entered, 1))]


def _like_moves(switch: SwitchRecord, version: int, keys: NDArray[np.int64], entered: int) -> MoveBatch:
    size = len(keys)
    return MoveBatch(
        np.full(size, switch.segment_key, np.int64),
        np.full(size, version, np.int64),
        keys,
        np.full(size, bool(entered)),
        np.full(size, switch.effective_time, np.int64),
        [switch.cause] * size,
        [None] * size,
    )
