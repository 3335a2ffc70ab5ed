"""A verdict: who is a member, and until when that is known to hold if nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from segmentd.times import FOREVER, Instants


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
        return cls(member, np.broadcast_to(np.int64(FOREVER), member.shape))

    def __len__(self) -> int:
        return len(self.member)

    def __invert__(self) -> Verdict:
        return Verdict(~self.member, self.holds_until)

    def __and__(self, other: Verdict) -> Verdict:
        """Both: true until the earliest end; false until the latest end among the false operands."""
        if _forever(self.holds_until) and _forever(other.holds_until):
            return Verdict.forever(self.member & other.member)
        earliest = np.minimum(self.holds_until, other.holds_until)
        latest = np.maximum(self.holds_until, other.holds_until)
        one_false = np.where(self.member, other.holds_until, self.holds_until)
        both = self.member & other.member
        neither = ~(self.member | other.member)
        return Verdict(both, np.where(both, earliest, np.where(neither, latest, one_false)))

    def __or__(self, other: Verdict) -> Verdict:
        """Either; the mirror of `&`."""
        return ~(~self & ~other)

    def until(self, limit: Instants) -> Verdict:
        """The same verdict, trusted no longer than `limit` int64 (n,)."""
        return Verdict(self.member, np.minimum(self.holds_until, limit))


def _forever(holds_until: Instants) -> bool:
    """Whether the array is the one value of `Verdict.forever`, seen without looking at each row."""
    return holds_until.strides == (0,) and len(holds_until) > 0 and int(holds_until[0]) == FOREVER
