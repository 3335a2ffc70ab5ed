"""How many users moved from where to where: members of several segments at two instants, as bits by surrogate key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from segmentd.records import UserKeys

KeyBits = NDArray[np.uint64]
"""One bit for each surrogate key from 0 on, the lowest bit of the first word first; dtype uint64."""
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Everybody:
    """The users that a matrix is about, all with keys below `end`; the `created` ones, from `first_created` on, are
    those who did not exist at its first instant.
    """

    end: int
    users: int
    first_created: int
    created: int


@dataclass(frozen=True, slots=True, eq=False)
class MigrationMatrix:
    """`counts` int64[n + 1, n + 1]: users in segment i before and in j after; the last of both is "in none".

    `before` and `after` int64[n + 1] count the users of each row and column, `created` int64[n + 1] those of each
    column who did not exist before. A user in several segments stands in several cells, and once in each count.
    """

    counts: Counts
    before: Counts
    after: Counts
    created: Counts
    users: int
    created_users: int
    stayed: int
    moved: int


def key_bits(keys: UserKeys, end: int) -> KeyBits:
    """These keys, each below `end`, as bits."""
    return _packed(keys, end)


def migration_matrix(before: Sequence[KeyBits], after: Sequence[KeyBits], everybody: Everybody) -> MigrationMatrix:
    """The matrix of n segments' members at two instants; n is at least 1."""
    some_before, some_after = _union(before), _union(after)
    created = _packed(slice(everybody.first_created, everybody.end), everybody.end)
    columns = [*after, ~some_after]
    counts = np.array([[_count(row & column) for column in columns] for row in (*before, ~some_before)], np.int64)
    counts[-1, -1] = everybody.users - _count(some_before | some_after)  # the bits tell no user from an unused key
    changed = _union([old ^ new for old, new in zip(before, after, strict=True)])
    return MigrationMatrix(
        counts,
        _sizes(before, some_before, everybody.users),
        _sizes(after, some_after, everybody.users),
        _sizes([bits & created for bits in after], some_after & created, everybody.created),
        everybody.users,
        everybody.created,
        _count(some_before & ~changed),
        _count(changed),
    )


def _sizes(groups: Sequence[KeyBits], some: KeyBits, users: int) -> Counts:
    """The size of each group, and the number of users in none."""
    return np.array([*map(_count, groups), users - _count(some)], np.int64)


def _packed(keys: UserKeys | slice, end: int) -> KeyBits:
    flags = np.zeros(-(-end // 64) * 64, dtype=np.bool_)
    flags[keys] = True
    return np.packbits(flags, bitorder="little").view(np.uint64)


def _union(groups: Sequence[KeyBits]) -> KeyBits:
    return reduce(np.bitwise_or, groups)


def _count(bits: KeyBits) -> int:
    return int(np.bitwise_count(bits).sum(dtype=np.int64))
