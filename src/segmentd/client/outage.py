"""A server that is away for a while: how long a call is made anew, beyond the tries that gRPC makes of it."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final

import grpc

from segmentd.client.channel import may_be_repeated
from segmentd.client.errors import CallFailed
from segmentd.client.pool import Pool

if TYPE_CHECKING:
    from segmentd.client.calls import Call

BRIDGED: Final = 8.0
"""Seconds from its beginning in which a call is made anew: a restart takes up to five, and connecting again one."""
PASSING: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
"""No server is there, or it is going down: gRPC cancels what arrives meanwhile."""
_PAUSE: Final = 0.5
_TRIES: Final = 2.0
"""Seconds that gRPC's own tries take at most. Where the deadline comes amid them, nobody is told what is wrong."""


class Outage:
    """What is left to one call, whose server may be away."""

    def __init__(self, pool: Pool[Any], call: Call[Any], deadline: float, until: float) -> None:
        """The call may take until `deadline`, and is not made anew after `until`; both as time.monotonic says it."""
        self._pool = pool
        self._call = call
        self._deadline = deadline
        self._until = min(until, deadline - _TRIES)

    def left(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - time.monotonic()

    def pause_after(self, failed: CallFailed) -> float | None:
        """Seconds to wait before the call is made anew; None where that is of no use, not safe, or too late.

        An address where nobody ever answered may be wrong, which its user shall hear soon.
        """
        passes = failed.code in PASSING and self._pool.reached and not self._pool.closed
        if not passes or not may_be_repeated(self._call.stub, self._call.method):
            return None
        # That not all who lost a server come back at once.
        pause = max(_PAUSE * random.uniform(0.5, 1.0), failed.retry_after or 0.0)  # noqa: S311  (no secret)
        return pause if time.monotonic() + pause < self._until else None
