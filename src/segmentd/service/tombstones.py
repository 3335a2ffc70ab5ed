"""What is left of erased users: keyed hashes of their ids, by which late writes are told and refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final

from segmentd.errors import FailedPrecondition, Reason
from segmentd.records import Tombstone
from segmentd.storage import Store
from segmentd.times import DAY, Micros, format_instant

ERASURE_REFUSAL: Final = Micros(30 * DAY)
"""For how long an erased id is refused, where nothing else is set."""
_PERSON: Final = b"tombstones"


class Tombstones:
    """The ids that were ever erased; changed by the engine's thread alone."""

    def __init__(self, key: bytes, refusal: Micros, erased: Mapping[bytes, Tombstone]) -> None:
        """`key` of the hashes, for how long an erased id is refused in microseconds, and the tombstone of each hash."""
        self._key = key
        self._refusal = refusal
        self._erased = dict(erased)

    @classmethod
    def load(cls, store: Store, refusal: Micros) -> Tombstones:
        """Those of a database."""
        return cls(store.hash_key(), refusal, store.tombstones())

    def __len__(self) -> int:
        return len(self._erased)

    def refused_until(self, user_id: str, now: Micros) -> Micros | None:
        """Until when an id is refused; None where it is not."""
        erased = self._erased.get(self._hash(user_id)) if self._erased else None
        if erased is None or erased.erase_time + self._refusal <= now:
            return None
        return Micros(erased.erase_time + self._refusal)

    def keys_of(self, user_id: str) -> tuple[int, ...]:
        """The surrogate keys that an erased id had: its watchers are told that it left. Any thread may ask."""
        erased = self._erased.get(self._hash(user_id)) if self._erased else None
        return erased.user_keys if erased is not None else ()

    def check(self, user_ids: Iterable[str], now: Micros) -> None:
        """Raises FailedPrecondition where one of the ids is refused. The error does not repeat the id."""
        for user_id in user_ids if self._erased else ():
            until = self.refused_until(user_id, now)
            if until is not None:
                raise FailedPrecondition(
                    Reason.USER_ERASED,
                    f"the user was erased; the id is refused until {format_instant(until)}",
                    {"refused_until": format_instant(until)},
                )

    def bury(self, store: Store, users: Mapping[str, tuple[int, ...]], now: Micros) -> None:
        """Note in the open transaction that these ids are erased, each with the keys that its user had.

        An id that comes again and is erased again keeps the keys of both.
        """
        buried = {self._hash(user_id): (user_id, keys) for user_id, keys in users.items()}
        stones = {key: Tombstone(now, (*self.keys_of(user_id), *keys)) for key, (user_id, keys) in buried.items()}
        store.put_tombstones(stones)
        self._erased.update(stones)

    def _hash(self, user_id: str) -> bytes:
        return blake2b(user_id.encode(), digest_size=16, key=self._key, person=_PERSON).digest()
