"""The verdict on one user without arrays: the algebra of `Verdict` on plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from segmentd.times import FOREVER

OneVerdict: TypeAlias = tuple[bool, int]
"""(member, holds_until): as a row of `Verdict`, holds_until in microseconds UTC."""
ALWAYS: Final[OneVerdict] = (True, FOREVER)
"""A member, whatever time it is."""
NEVER: Final[OneVerdict] = (False, FOREVER)
"""No member, whatever time it is."""

U = TypeVar("U")
JudgeOf: TypeAlias = Callable[[U], OneVerdict]


def all_of(judges: Sequence[JudgeOf[U]]) -> JudgeOf[U]:
    """Every one of the judges: true until the earliest end, false until the latest end among the false ones.

    The rest is not asked once one is false forever.
    """
    return _joined(judges, deciding=False)


def any_of(judges: Sequence[JudgeOf[U]]) -> JudgeOf[U]:
    """At least one of the judges; the mirror of `all_of`."""
    return _joined(judges, deciding=True)


def _joined(judges: Sequence[JudgeOf[U]], *, deciding: bool) -> JudgeOf[U]:
    """`deciding` is the answer that is the answer of all if one of the judges gives it."""
    if len(judges) == 1:
        return judges[0]
    decided, open_still = (ALWAYS, NEVER) if deciding else (NEVER, ALWAYS)

    def judge(user: U) -> OneVerdict:
        earliest: int = FOREVER
        latest: int | None = None
        for each in judges:
            verdict = each(user)
            if verdict is open_still:
                continue
            if verdict is decided:
                return decided
            member, until = verdict
            if member != deciding:
                earliest = min(earliest, until)
            elif until == FOREVER:
                return decided
            elif latest is None or until > latest:
                latest = until
        if latest is not None:
            return deciding, latest
        return open_still if earliest == FOREVER else (not deciding, earliest)

    return judge


def opposite(judge: JudgeOf[U]) -> JudgeOf[U]:
    """The plain complement."""

    def judged(user: U) -> OneVerdict:
        member, until = judge(user)
        if until == FOREVER:
            return NEVER if member else ALWAYS
        return not member, until

    return judged
