"""Which moves a reader of the log asks for."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, TypeGuard

import numpy as np
from numpy.typing import NDArray

from segmentd.times import FOREVER, MIN_INSTANT, Micros

LAST_REVISION: Final = 2**62
STREAMS = 64
"""For more segments or users than this the whole log is gone through instead."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Moves of these segments (None: of all) and of these users, effective in [start, end), up to a revision."""

    segments: Collection[int] | None = None
    users: Collection[int] | None = None
    start: Micros = MIN_INSTANT
    end: Micros = FOREVER
    last_revision: int = LAST_REVISION

    @property
    def nothing(self) -> bool:
        """Whether no move can be meant."""
        return any(keys is not None and not keys for keys in (self.segments, self.users))

    @property
    def timed(self) -> bool:
        """Whether only some instants are wanted."""
        return (self.start, self.end) != (MIN_INSTANT, FOREVER)

    def user_array(self) -> NDArray[np.int64] | None:
        """The users, ascending; None for all."""
        return None if self.users is None else np.array(sorted({int(each) for each in self.users}), np.int64)


def led_by_index(keys: Collection[int] | None) -> TypeGuard[Collection[int]]:
    """Whether a filter is so small that an index leads to each of its keys."""
    return keys is not None and len(set(keys)) <= STREAMS


def json_keys(keys: Collection[int]) -> str:
    """One parameter for any number of keys, for `IN (SELECT value FROM json_each(?))`."""
    return json.dumps([int(each) for each in keys])
