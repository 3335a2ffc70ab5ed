"""Consumers are told of everything, in order and at least once, whatever becomes of a delivery."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.consumers.listening import START, Listener, SteppedPace, define, listened, set_flags, settle

from segmentd.api import DAY, HOUR, SECOND, Micros, Refused, Retries, TryAgain
from segmentd.errors import NotFound
from segmentd.records import Position
from segmentd.service.consumers.backoff import delay, given_up
from segmentd.service.consumers.views import ConsumerState, ConsumerView
from segmentd.service.positions import Positions
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service

THREE = Retries(attempts=3)


def view(service: Service, name: str) -> ConsumerView:
    return next(each for each in service.consumers.look() if each.record.name == name)


async def one_after_another(service: Service, *users: str) -> None:
    for user in users:
        await set_flags(service, user, vip=True)


def test_every_change_comes_in_order_with_all_that_is_known_of_it() -> None:
    crm = Listener("crm")
    service = listened(":memory:", crm)
    try:
        asyncio.run(define(service, "vip", "mail"))
        asyncio.run(set_flags(service, "ada", vip=True, mail=True))
        asyncio.run(set_flags(service, "bob", vip=True))
        asyncio.run(set_flags(service, "ada", vip=False))
        assert crm.moves(4) == [
            ("ada", "vip", True),
            ("ada", "mail", True),
            ("bob", "vip", True),
            ("ada", "vip", False),
        ]
        changes = [change for batch in crm.attempts for change in batch.changes]
        logged = service._engine.thread.call(lambda: service._engine.store.transitions(None, 100)).result()
        for change, move in zip(changes, logged, strict=True):
            assert (change.user_key, change.revision) == (move.transition.user_key, move.revision)
            assert (change.effective_time, change.recorded_time) == (move.transition.effective_time, move.recorded_time)
            assert (change.cause, change.message_id) == (move.transition.cause, "")
            assert Positions(service.database_id).read(change.position) == move.position
        settle(service, "crm")
        seen = view(service, "crm")
        assert (seen.state, seen.record.delivered, seen.lag, seen.lag_time) == (ConsumerState.ACTIVE, 4, 0, 0)
        assert (seen.plugin, seen.segments) == ("listeners", None)
    finally:
        service.close()
    assert crm.closed == 1


def test_segments_are_chosen_by_id_also_before_they_exist_and_after_they_come_again() -> None:
    crm = Listener("crm", segments=frozenset({"vip"}))
    service = listened(":memory:", crm)
    try:
        asyncio.run(define(service, "mail", "vip"))
        asyncio.run(set_flags(service, "ada", vip=True, mail=True))
        asyncio.run(service.segments.delete("vip"))
        asyncio.run(define(service, "vip"))
        assert crm.moves(3) == [("ada", "vip", True), ("ada", "vip", False), ("ada", "vip", True)]
        settle(service, "crm")
        assert view(service, "crm").lag == 0
    finally:
        service.close()


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_switch_of_many_users_comes_in_batches(tmp_path: Path, size: int) -> None:
    crm = Listener("crm", batch_size=size)
    service = listened(tmp_path / "db", crm)
    try:
        users = tuple(f"u{i:02}" for i in range(100))
        asyncio.run(service.segments.create(SegmentSpec("all", include=users), "", ""))
        assert crm.moves(100) == [(user, "all", True) for user in users]
        assert {len(batch.changes) for batch in crm.attempts[:-1]} <= {size}
    finally:
        service.close()


def test_a_new_consumer_begins_behind_what_was_and_a_known_one_where_it_was(tmp_path: Path) -> None:
    early = Listener("early", segments=frozenset({"vip"}))
    service = listened(tmp_path / "db", early)
    asyncio.run(define(service, "vip"))
    asyncio.run(one_after_another(service, "ada", "bob"))
    assert len(early.moves(2)) == 2
    service.close()
    nobody = listened(tmp_path / "db")
    asyncio.run(one_after_another(nobody, "cyd", "dan"))
    assert view(nobody, "early").state is ConsumerState.ABSENT
    assert view(nobody, "early").lag == 2
    nobody.close()
    again, late = Listener("early", batch_size=1), Listener("late")
    service = listened(tmp_path / "db", again, late)
    try:
        asyncio.run(one_after_another(service, "eve"))
        assert [user for user, _, _ in again.moves(3)] == ["cyd", "dan", "eve"]
        assert [user for user, _, _ in late.moves(1)] == ["eve"]
    finally:
        service.close()


def test_a_failing_batch_is_tried_again_as_it_was_and_holds_the_order() -> None:
    crm = Listener("crm", TryAgain("HTTP 500"), TryAgain("HTTP 503", Micros(7 * HOUR)), RuntimeError("ada"))
    pace = SteppedPace()
    service = listened(":memory:", crm, pace=pace)
    try:
        asyncio.run(define(service, "vip"))
        asyncio.run(one_after_another(service, "ada", "bob", "cyd"))
        assert [user for user, _, _ in crm.moves(3)] == ["ada", "bob", "cyd"]
        first = crm.attempts[0]
        assert crm.attempts[:4] == [first] * 4
        assert len({batch.id for batch in crm.attempts}) == len(crm.attempts) - 3
        assert all(re.fullmatch(r"msg_[0-9a-f]{32}", batch.id) for batch in crm.attempts)
        settle(service, "crm")
        record = view(service, "crm").record
        assert (record.delivered, record.failed, record.attempts, record.error) == (3, 3, 0, "")
        assert 7 * HOUR in pace.waits
    finally:
        service.close()


def test_while_a_batch_fails_the_state_says_so() -> None:
    pace = SteppedPace()
    pace.held = True
    crm = Listener("crm", TryAgain("HTTP 500\n<html>" + "x" * 1000))
    service = listened(":memory:", crm, pace=pace)
    try:
        asyncio.run(define(service, "vip"))
        asyncio.run(one_after_another(service, "ada"))
        settle(service, "crm", lambda: view(service, "crm").record.attempts == 1)
        asyncio.run(one_after_another(service, "bob"))
        asyncio.run(service.advance_clock(by=Micros(90 * SECOND)))
        seen = view(service, "crm")
        assert (seen.state, seen.record.attempts, seen.record.failed) == (ConsumerState.RETRYING, 1, 1)
        assert seen.record.error.startswith("HTTP 500 <html>")
        assert len(seen.record.error) == 500
        assert seen.lag == 2
        assert 89 * SECOND <= seen.lag_time <= 91 * SECOND
        assert START + 2.5 * SECOND <= (seen.next_time or 0) <= START + 5 * SECOND
        resumed = asyncio.run(service.consumers.resume("crm"))
        assert resumed.record.name == "crm"
        assert [user for user, _, _ in crm.moves(2)] == ["ada", "bob"]
    finally:
        service.close()


def test_what_keeps_failing_becomes_a_dead_letter_and_the_order_goes_on() -> None:
    crm = Listener("crm", *[TryAgain("HTTP 500")] * 3, batch_size=1, retries=THREE)
    service = listened(":memory:", crm)
    try:
        asyncio.run(define(service, "vip"))
        asyncio.run(one_after_another(service, "ada", "bob"))
        assert [user for user, _, _ in crm.moves(1)] == ["bob"]
        (letter,), total = asyncio.run(service.consumers.dead_letters("crm", 0, 10))
        assert (total, letter.record.attempts, letter.record.error) == (1, 3, "HTTP 500")
        assert [(each.user_id, each.segment_id) for each in letter.changes] == [("ada", "vip")]
        settle(service, "crm")
        seen = view(service, "crm")
        assert (seen.record.delivered, seen.record.failed, seen.dead_letters, seen.lag) == (1, 3, 1, 0)
    finally:
        service.close()


def test_a_refused_batch_is_a_dead_letter_at_once() -> None:
    crm = Listener("crm", Refused("too old"), batch_size=1)
    service = listened(":memory:", crm)
    try:
        asyncio.run(define(service, "vip"))
        asyncio.run(one_after_another(service, "ada", "bob"))
        assert [user for user, _, _ in crm.moves(1)] == ["bob"]
        (letter,), _ = asyncio.run(service.consumers.dead_letters("crm", 0, 10))
        assert (letter.record.attempts, letter.record.error) == (1, "too old")
    finally:
        service.close()


def test_a_consumer_that_wants_nothing_more_stops_until_it_is_resumed(tmp_path: Path) -> None:
    crm = Listener("crm", Refused("gone", disable=True), batch_size=1)
    service = listened(tmp_path / "db", crm)
    asyncio.run(define(service, "vip"))
    asyncio.run(one_after_another(service, "ada", "bob"))
    settle(service, "crm", lambda: view(service, "crm").record.disabled)
    seen = view(service, "crm")
    assert (seen.state, seen.record.error, seen.dead_letters, seen.lag) == (ConsumerState.DISABLED, "gone", 0, 2)
    service.close()
    crm = Listener("crm", batch_size=1)
    service = listened(tmp_path / "db", crm)
    try:
        assert view(service, "crm").state is ConsumerState.DISABLED
        resumed = asyncio.run(service.consumers.resume("crm"))
        assert not resumed.record.disabled
        assert [user for user, _, _ in crm.moves(2)] == ["ada", "bob"]
    finally:
        service.close()


def test_who_was_overtaken_by_compaction_goes_on_behind_it_and_says_so(tmp_path: Path) -> None:
    service = listened(tmp_path / "db", Listener("crm"))
    asyncio.run(define(service, "vip"))
    service.close()
    service = listened(tmp_path / "db")
    asyncio.run(one_after_another(service, "ada", "bob", "cyd"))
    engine = service._engine
    gone = engine.live.revision - 1
    engine.thread.call(lambda: list(engine.store.compact(gone))).result()
    service.close()
    crm = Listener("crm")
    service = listened(tmp_path / "db", crm)
    try:
        assert [user for user, _, _ in crm.moves(1)] == ["cyd"]
        record = view(service, "crm").record
        assert (record.lost_until, record.loss_time > 0) == (gone, True)
        assert record.lost_after < gone
    finally:
        service.close()


def test_names_that_nobody_has_are_refused() -> None:
    service = listened(":memory:", Listener("crm"))
    try:
        for call in (
            service.consumers.dead_letters("moon", 0, 1),
            service.consumers.replay("moon", None),
            service.consumers.discard("moon", None),
            service.consumers.resume("moon"),
            service.consumers.replay("crm", [5]),
            service.consumers.discard("crm", [5]),
        ):
            with pytest.raises(NotFound, match=r"moon|no dead letter 5"):
                asyncio.run(call)
    finally:
        service.close()


@given(
    attempts=st.integers(1, 10**9),
    first=st.integers(1, DAY),
    doublings=st.integers(0, 30),
    after=st.none() | st.integers(0, 10**15),
)
def test_delays_double_up_to_the_most_and_wishes_are_heard(
    attempts: int, first: int, doublings: int, after: int | None
) -> None:
    maximal = first << doublings
    retries = Retries(first_delay=Micros(first), maximal_delay=Micros(maximal))
    found = delay(retries, attempts, None if after is None else Micros(after))
    full = min(first << min(attempts - 1, 64), maximal)
    wish = min(after or 0, DAY)
    assert max(full / 2 * 0.999 - 1, wish) <= found <= max(full * 1.001 + 1, wish)


def test_giving_up_is_a_matter_of_attempts_or_of_time() -> None:
    assert not given_up(THREE, 2, Micros(DAY))
    assert given_up(THREE, 3, Micros(0))
    assert given_up(THREE, 1, Micros(3 * DAY))
    assert not given_up(Retries(), 10**6, Micros(3 * DAY - 1))


def test_positions_count_what_lies_behind_them(tmp_path: Path) -> None:
    service = listened(tmp_path / "db")
    try:
        asyncio.run(define(service, "vip", "mail"))
        asyncio.run(set_flags(service, "ada", vip=True, mail=True))
        asyncio.run(set_flags(service, "bob", vip=True))
        store, thread = service._engine.store, service._engine.thread
        logged = thread.call(lambda: store.transitions(None, 100)).result()
        places = [Position(0, -1), *(each.position for each in logged)]
        left = [thread.call(lambda place=place: store.moves_after(place)).result() for place in places]  # type: ignore[misc]
        assert left == np.arange(len(logged), -1, -1).tolist()
    finally:
        service.close()
