"""min_revision: a question waits until the revision that it must see is there."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from segmentd.errors import DeadlineExceeded, InvalidInput, Reason
from segmentd.server.rpc import Context
from segmentd.service.stored_answers import Revision

PATIENCE: Final = 30.0
"""Seconds that a call without a deadline waits at most."""
_ON_ITS_WAY: Final = 0.25
"""Seconds that are kept back of a deadline, so that the refusal arrives in time; of short ones a tenth."""
_ROUNDED: Final = 0.02
"""The part of a deadline that is kept back too: gRPC tells another process up to a hundredth more than there is, which
is done twice where a worker hands a call on."""


async def reach(memberships: Revision, min_revision: int, context: Context) -> None:
    """Wait for a revision until shortly before the call's deadline. Raises InvalidInput and DeadlineExceeded.

    Zero needs no call of this: it is the newest revision.
    """
    if min_revision < 0:
        raise InvalidInput.at("min_revision", "it is negative")
    # Without a deadline there is none; the stubs do not say so.
    remaining = cast("float | None", context.time_remaining())
    patience = PATIENCE if remaining is None else until_refusal(remaining)
    try:
        await asyncio.wait_for(memberships.at_least(min_revision), patience)
    except TimeoutError:
        raise _not_reached(min_revision, memberships.revision) from None


def until_refusal(remaining: float) -> float:
    """Seconds to wait of those that a call has."""
    return remaining * (1 - _ROUNDED) - min(_ON_ITS_WAY, remaining / 10)


def _not_reached(wanted: int, revision: int) -> DeadlineExceeded:
    return DeadlineExceeded(
        Reason.REVISION_NOT_REACHED,
        f"revision {wanted} was not reached before the deadline; the newest is {revision}",
        {"min_revision": str(wanted), "revision": str(revision)},
    )
