"""Dead letters: read, replayed and discarded; they keep no ids."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.consumers.listening import Listener, define, listened, set_flags, settle

from segmentd.api import Refused, TryAgain
from segmentd.errors import NotFound
from segmentd.service.service import Service


async def bury(service: Service, *users: str) -> list[int]:
    """The keys of dead letters, one for each of these users."""
    await define(service, "vip")
    for user in users:
        await set_flags(service, user, vip=True)
    settle(service, "crm")
    letters, total = await service.consumers.dead_letters("crm", 0, 100)
    assert total == len(users)
    assert [letter.changes[0].user_id for letter in letters] == list(users)
    return [letter.record.key for letter in letters]


def refusing(count: int) -> Listener:
    return Listener("crm", *[Refused("no")] * count, batch_size=1)


def test_all_are_replayed_oldest_first_under_their_own_ids() -> None:
    crm = refusing(3)
    service = listened(":memory:", crm)
    try:
        asyncio.run(bury(service, "ada", "bob", "cyd"))
        refused = list(crm.attempts)
        replayed, left = asyncio.run(service.consumers.replay("crm", None))
        assert (replayed.delivered, replayed.failures, left) == (3, {}, 0)
        assert [crm.next() for _ in range(3)] == refused
    finally:
        service.close()


def test_one_is_replayed_after_a_restart(tmp_path: Path) -> None:
    service = listened(tmp_path / "db", refusing(2))
    keys = asyncio.run(bury(service, "ada", "bob"))
    service.close()
    crm = Listener("crm")
    service = listened(tmp_path / "db", crm)
    try:
        replayed, left = asyncio.run(service.consumers.replay("crm", [keys[1]]))
        assert (replayed.delivered, left) == (1, 1)
        assert [user for user, _, _ in crm.moves(1)] == ["bob"]
        with pytest.raises(NotFound, match=f"no dead letter {keys[1]}"):
            asyncio.run(service.consumers.replay("crm", [keys[0], keys[1]]))
        assert crm.batches.empty()
    finally:
        service.close()


def test_a_refused_one_stays_and_the_next_is_tried_a_failing_one_ends_it() -> None:
    crm = refusing(4)
    service = listened(":memory:", crm)
    try:
        keys = asyncio.run(bury(service, "ada", "bob", "cyd", "dan"))
        crm.script = [Refused("still no")]
        crm.script.insert(1, TryAgain("later"))
        replayed, left = asyncio.run(service.consumers.replay("crm", None))
        assert (replayed.delivered, left) == (0, 4)
        assert replayed.failures == {keys[0]: "still no", keys[1]: "later"}
        letters, _ = asyncio.run(service.consumers.dead_letters("crm", 0, 10))
        assert [(each.record.attempts, each.record.error) for each in letters] == [
            (2, "still no"),
            (2, "later"),
            (1, "no"),
            (1, "no"),
        ]
        crm.script = [RuntimeError("ada")]
        replayed, _ = asyncio.run(service.consumers.replay("crm", [keys[3]]))
        assert replayed.failures == {keys[3]: "RuntimeError"}
    finally:
        service.close()


def test_attempts_at_dead_letters_are_counted_and_the_last_error_is_kept(tmp_path: Path) -> None:
    crm = refusing(2)
    service = listened(tmp_path / "db", crm)
    keys = asyncio.run(bury(service, "ada", "bob"))

    def seen() -> tuple[int, int, int, str]:
        (view,) = service.consumers.look()
        return view.record.delivered, view.record.failed, view.dead_letters, view.record.error

    assert seen() == (0, 2, 2, "no")
    crm.script = [Refused("still no")]
    asyncio.run(service.consumers.replay("crm", keys[:1]))
    assert seen() == (0, 3, 2, "still no")
    service.close()
    service = listened(tmp_path / "db", crm)
    try:
        assert seen() == (0, 3, 2, "still no")
        asyncio.run(service.consumers.replay("crm", None))
        assert seen() == (2, 3, 0, "")
    finally:
        service.close()


def test_letters_are_discarded_one_by_one_or_all_also_of_a_consumer_that_is_gone(tmp_path: Path) -> None:
    service = listened(tmp_path / "db", refusing(3))
    keys = asyncio.run(bury(service, "ada", "bob", "cyd"))
    assert asyncio.run(service.consumers.discard("crm", [keys[1]])) == (1, 2)
    service.close()
    service = listened(tmp_path / "db")
    try:
        with pytest.raises(NotFound, match="no endpoint or other consumer of the name 'crm' is configured any more"):
            asyncio.run(service.consumers.replay("crm", None))
        letters, total = asyncio.run(service.consumers.dead_letters("crm", keys[0], 10))
        assert ([each.record.key for each in letters], total) == ([keys[2]], 2)
        assert asyncio.run(service.consumers.discard("crm", None)) == (2, 0)
    finally:
        service.close()


def test_no_id_is_kept_with_a_dead_letter(tmp_path: Path) -> None:
    service = listened(tmp_path / "db", refusing(1))
    asyncio.run(bury(service, "ada-lovelace"))
    rows = service._engine.thread.call(
        lambda: service._engine.store._session.rows("SELECT * FROM dead_letters")
    ).result()
    service.close()
    assert len(rows) == 1
    assert "ada" not in repr(rows)
