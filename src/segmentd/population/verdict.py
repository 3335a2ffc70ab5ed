"""A verdict: who is a member, and until when that is known to hold if nothing is written.

Answers lie at random among the rows, so horizons are chosen by arithmetic and not by `np.where`, whose
branches a processor cannot foresee: that takes four times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from segmentd.times import FOREVER, Instants

_LEAST: Final = np.iinfo(np.int64).min
_LEAST_IF_TRUE: Final = np.array([FOREVER, _LEAST], dtype=np.int64)
_FOREVER_IF_TRUE: Final = np.array([_LEAST, FOREVER], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """`member` bool (n,) and `holds_until` int64 (n,), microseconds UTC.

    If nothing is written about row i, `member[i]` is right at every instant in [at[i], holds_until[i]).
    """

    member: NDArray[np.bool_]
    holds_until: Instants

    @classmethod
    def forever(cls, member: NDArray[np.bool_]) -> Self:
        """A verdict that no passing of time changes."""
        return cls(member, np.broadcast_to(_FOREVER_IF_TRUE[1], member.shape))

    @property
    def lasting(self) -> bool:
        """Whether it is one of `Verdict.forever`, seen without looking at each row."""
        return _forever(self.holds_until)

    def __len__(self) -> int:
        return len(self.member)

    def __invert__(self) -> Verdict:
        return Verdict(~self.member, self.holds_until)

    def __and__(self, other: Verdict) -> Verdict:
        """Both: true until the earliest end; false until the latest end among the false operands."""
        if self.lasting or other.lasting:
            return other.where(self.member) if self.lasting else self.where(other.member)
        both = self.member & other.member
        latest_false = np.maximum(_unless(self.member, self.holds_until), _unless(other.member, other.holds_until))
        earliest = np.minimum(self.holds_until, other.holds_until)
        np.minimum(earliest, _FOREVER_IF_TRUE.take(both), out=earliest)
        return Verdict(both, np.maximum(latest_false, earliest, out=earliest))

    def __or__(self, other: Verdict) -> Verdict:
        """Either; the mirror of `&`."""
        return ~(~self & ~other)

    def where(self, mask: NDArray[np.bool_]) -> Verdict:
        """The same where the mask bool (n,) is true; false for ever elsewhere."""
        both = self.member & mask
        return Verdict.forever(both) if self.lasting else Verdict(both, held_where(mask, self.holds_until))

    def until(self, limit: Instants) -> Verdict:
        """The same verdict, trusted no longer than `limit` int64 (n,)."""
        return self if _forever(limit) else Verdict(self.member, np.minimum(self.holds_until, limit))


def _forever(holds_until: Instants) -> bool:
    return holds_until.strides == (0,) and len(holds_until) > 0 and int(holds_until[0]) == FOREVER


def held_where(mask: NDArray[np.bool_], holds_until: Instants) -> Instants:
    """The horizons where the mask is true, FOREVER elsewhere; int64 (n,)."""
    limits = _LEAST_IF_TRUE.take(mask)
    return np.maximum(holds_until, limits, out=limits)


def _unless(mask: NDArray[np.bool_], holds_until: Instants) -> Instants:
    """The horizons where the mask is false, the least of all instants elsewhere."""
    limits = _LEAST_IF_TRUE.take(mask)
    return np.minimum(holds_until, limits, out=limits)
