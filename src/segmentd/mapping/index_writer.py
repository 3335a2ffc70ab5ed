"""The engine's side of the index: ids are entered, lead to another row, or lead nowhere any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final

import numpy as np

from segmentd.mapping.hashing import LOW, Digest, hash_many
from segmentd.mapping.index import COLLIDED, GONE, MAX_ROW, Rows, Slots
from segmentd.mapping.index_build import Key, entries_of, living, ordered, placed

NewSlots = Callable[[int], Slots]
"""So many slots of zeros, uint64 (size, 2), in a new file."""
_FULL: Final = 0.7
_LOOSE: Final = 0.5
"""The part of the homes that is taken at most, and in a new index."""
_FEWEST: Final = 4_096
_PART: Final = 8
"""Where an index grows by more than this part of it at once, it is made anew."""
_words_of: Final = Struct("<QQ").unpack


class IndexWriter:
    """Used by the engine's thread alone. Where it grows, `slots` are new; the old ones stay as they are for readers.

    Of ids that share a hash only their number is remembered: the engine answers for all of them.
    """

    def __init__(self, digest: Digest, seed: int, new_slots: NewSlots) -> None:
        self._digest = digest
        self._seed = seed
        self._new_slots = new_slots
        self._shared: dict[Key, int] = {}
        self._place_all(np.zeros((0, 2), dtype=np.uint64))

    def enter(self, user_ids: Sequence[str], rows: Rows) -> None:
        """Ids that are not in the index lead to these rows; int64 (n,)."""
        if not len(user_ids):
            return
        if int(rows.max()) > MAX_ROW:
            raise OverflowError("the index has no room for so many rows")
        if len(user_ids) * _PART > self._taken:
            keys = hash_many(self._digest, self._seed, user_ids)
            self._make_anew(np.concatenate([living(self.slots), entries_of(keys, rows)]))
            return
        if self._taken + len(user_ids) > _FULL * self.homes:
            self._make_anew(living(self.slots))
        for user_id, row in zip(user_ids, rows.tolist(), strict=True):
            self._enter(user_id, row)

    def lead(self, user_id: str, row: int) -> None:
        """An id that is in the index leads to another row."""
        key = self._key(user_id)
        if key not in self._shared:
            self._write(self._place(key), key, row)

    def forget(self, user_id: str) -> None:
        """An id that is in the index leads nowhere; nothing is left of it, unless another has the same hash."""
        key = self._key(user_id)
        others = self._shared.pop(key, 1) - 1
        if others:
            self._shared[key] = others
        else:
            place = self._place(key)
            self._words[place + 1] = GONE << 32
            self._words[place] = 0

    def _enter(self, user_id: str, row: int) -> None:
        key = self._key(user_id)
        place = self._place(key)
        if self._words[place + 1]:
            self._shared[key] = self._shared.get(key, 1) + 1
            self._write(place, key, COLLIDED - 1)
            return
        if place == len(self._words) - 2:  # that one stays free, for searches to end
            self._make_anew(living(self.slots))
            place = self._place(key)
        self._taken += 1
        self._write(place, key, row)

    def _write(self, place: int, key: Key, row: int) -> None:
        self._words[place] = key[0]
        self._words[place + 1] = key[1] | (row + 1) << 32

    def _key(self, user_id: str) -> Key:
        first, second = _words_of(self._digest(user_id.encode(), self._seed))
        return first, second & LOW

    def _place(self, key: Key) -> int:
        """Where the first word of the slot with this hash is, or of the free slot that it would take."""
        words, (first, low) = self._words, key
        place = ((first >> 32) * self.homes >> 32) << 1
        while second := words[place + 1]:
            if words[place] == first and second & LOW == low and second >> 32 != GONE:
                break
            place += 2
        return place

    def _make_anew(self, entries: Slots) -> None:
        entries, self._shared = ordered(entries, self._shared)
        self._place_all(entries)

    def _place_all(self, entries: Slots) -> None:
        self.homes = max(_FEWEST, int(len(entries) / _LOOSE))
        places, size = placed(entries, self.homes)
        self.slots = self._new_slots(size)
        self.slots[places] = entries
        self._words = self.slots.data.cast("B").cast("Q")
        self._taken = len(entries)
