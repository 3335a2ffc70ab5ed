"""A consumer that hangs holds up nobody: not the engine, not the others, not the end."""

from __future__ import annotations

import asyncio

import pytest
from tests.consumers.listening import Blocked, Listener, define, listened, set_flags

from segmentd.errors import Unavailable


def test_beside_a_consumer_that_hangs_others_are_told_of_everything() -> None:
    dead, crm = Blocked("dead"), Listener("crm", batch_size=1)
    service = listened(":memory:", dead, crm)
    asyncio.run(define(service, "vip"))
    asyncio.run(set_flags(service, "u0", vip=True))
    assert dead.entered.wait(30)
    # From here on the dead one is inside of its first delivery, and all of this happens meanwhile.
    for i in range(1, 50):
        asyncio.run(set_flags(service, f"u{i}", vip=True))
        assert asyncio.run(service.memberships.check(f"u{i}", "vip")).member
    assert [user for user, _, _ in crm.moves(50)] == [f"u{i}" for i in range(50)]
    assert not dead.released.is_set()
    service.close()
    assert (dead.released.is_set(), dead.closed, crm.closed) == (True, 1, 1)


def test_one_that_cannot_even_be_interrupted_is_left_behind() -> None:
    dead = Blocked("dead", stubborn=True)
    service = listened(":memory:", dead)
    service.consumers._grace = 0.05
    asyncio.run(define(service, "vip"))
    asyncio.run(set_flags(service, "ada", vip=True))
    assert dead.entered.wait(30)
    waiting = service.consumers._deliveries["dead"].resume()
    service.close()
    assert not dead.released.is_set()
    dead.released.set()
    with pytest.raises(Unavailable):
        waiting.result(30)
