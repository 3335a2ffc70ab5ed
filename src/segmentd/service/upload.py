"""One upload of a user list: ids are collected and checked, then applied in some revisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from segmentd.errors import FieldViolation, InvalidInput, Reason
from segmentd.limits import id_fault
from segmentd.records import UserKeys
from segmentd.service.live import Live
from segmentd.times import Micros

MAX_UPLOAD_IDS: Final = 10_000_000
"""The most ids of one upload."""
SHOWN_FAULTS: Final = 100
"""So many of the ids that were passed over are named in the answer."""
CHECKED: Final = 16_384
"""So many unknown ids are compared at a time with those of erased users."""
_SHOWN: Final = 80


class Mode(StrEnum):
    """What an upload does with the ids: they become the whole list, are added to it, or are removed from it."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


class Phase(StrEnum):
    """How far an upload is."""

    RECEIVING = "receiving"
    APPLYING = "applying"


@dataclass(frozen=True, slots=True)
class UploadSpec:
    """The header of an upload. `description` None: as it is; `create`: make the list where it is not there."""

    list_id: str
    mode: Mode
    description: str | None = None
    create: bool = False
    skip_invalid: bool = False
    allow_empty: bool = False
    """Whether REPLACE may leave nobody in the list."""


@dataclass(frozen=True, slots=True)
class IdFault:
    """Why the id at `index` (from 0, over the whole upload) was passed over; `user_id` is cut where it is long."""

    index: int
    user_id: str
    description: str


class Upload:
    """Ids as they come in. Known users are kept by their keys, the others by their ids, each once."""

    def __init__(self, live: Live, spec: UploadSpec, start_time: Micros) -> None:
        self._live = live
        self.spec = spec
        self.start_time = start_time
        self.phase = Phase.RECEIVING
        self.received = 0
        self.applied = 0
        self.total = 0
        """How many users have to be written, once the upload is applied."""
        self.skipped = 0
        self.faults: list[IdFault] = []
        self._keys: list[UserKeys] = []
        self._unknown: dict[str, None] = {}

    def take(self, user_ids: Sequence[str]) -> None:
        """Check some more ids and keep them.

        Raises InvalidInput for a bad id, unless it is to be skipped, and for more ids than an upload may have.
        """
        if self.received + len(user_ids) > MAX_UPLOAD_IDS:
            raise InvalidInput(
                [FieldViolation("user_ids", f"they are more than {MAX_UPLOAD_IDS:,}, the most of one upload")],
                Reason.BATCH_TOO_LARGE,
                {"limit": str(MAX_UPLOAD_IDS), "given": str(self.received + len(user_ids))},
            )
        self._keep([each for place, each in enumerate(user_ids) if self._sound(self.received + place, each)])
        self.received += len(user_ids)

    def check_filled(self) -> None:
        """Raises InvalidInput at `end` where no sound id came that could be the list, and none need not be meant."""
        if self.spec.mode is Mode.REPLACE and not self.spec.allow_empty and self.received == self.skipped:
            raise InvalidInput.at("end", "no sound id was sent, so the list would be emptied; allow_empty permits that")

    def refuse(self, user_id: str, index: int, fault: str) -> None:
        """Pass an id over, or raise InvalidInput that names its index."""
        if not self.spec.skip_invalid:
            raise InvalidInput.at(f"user_ids[{index}]", fault)
        self.skipped += 1
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(IdFault(index, user_id[:_SHOWN], fault))

    def keys(self) -> UserKeys:
        """The keys of the known users: ascending, each once."""
        return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *self._keys]))

    def unknown_ids(self) -> list[str]:
        """The ids that nobody had written about when they came in, each once, in their order."""
        return list(self._unknown)

    def _sound(self, index: int, user_id: str) -> bool:
        fault = id_fault(user_id)
        if fault is not None:
            self.refuse(user_id, index, fault)
        return fault is None

    def _keep(self, user_ids: list[str]) -> None:
        live = self._live
        with live.lock:
            index, published = live.users.index, live.published_rows
            rows = [index.get(user_id, published) for user_id in user_ids]
        known = [row for row in rows if row < published]
        self._keys.append(np.unique(live.user_keys(np.array(known, dtype=np.int64))))
        self._unknown.update((user_id, None) for user_id, row in zip(user_ids, rows, strict=True) if row >= published)

    def drop_erased(self, now: Micros) -> Iterator[None]:
        """Pass over those of the unknown ids that belong to erased users and are refused for a while, some each step.

        Raises FailedPrecondition where bad ids are not to be skipped. On the engine's thread only.
        """
        if self.spec.mode is Mode.REMOVE or not len(self._live.tombstones):
            return
        unknown = list(self._unknown)
        for start in range(0, len(unknown), CHECKED):
            some = unknown[start : start + CHECKED]
            if not self.spec.skip_invalid:
                self._live.tombstones.check(some, now)
            else:
                for erased in set(some).difference(self.without_erased(some, now)):
                    del self._unknown[erased]
            yield

    def without_erased(self, user_ids: Sequence[str], now: Micros) -> Sequence[str]:
        """Those of these ids that are not refused; the others are passed over. On the engine's thread only."""
        tombstones = self._live.tombstones
        if not len(tombstones):
            return user_ids
        kept = [each for each in user_ids if tombstones.refused_until(each, now) is None]
        self.skipped += len(user_ids) - len(kept)
        return kept
