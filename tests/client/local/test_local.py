"""Local mode against whole servers: it says what the server says, and asks it where it cannot know."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from tests.cli.running import serving
from tests.client.local.told import Hand
from tests.client.mute import mute_server

from segmentd.client import AsyncClient, CallFailed, Client, ClientClosed, Json, LocalMemberships, as_struct
from segmentd.client.calls import Call
from segmentd.client.local import blocking
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import profile_pb2, segment_pb2
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub

WAIT = 30.0
"""Seconds after which a test that waits has failed."""
DAY = 86_400_000_000
USERS = [f"u{number}" for number in range(12)]
RULES: dict[str, dict[str, Json]] = {
    "low": {"attribute": {"n": {"below": 5}}},
    "active": {"behavioral": {"event": "X", "within": "3d"}},
    "quiet": {"all": [{"attribute": {"n": {"at_least": 0}}}, {"not": {"behavioral": {"event": "X", "within": "5d"}}}]},
    "both": {"any": [{"segment": "low"}, {"segment": "active"}]},
}


def profile(user_id: str, n: int | None) -> profiles.ProfileUpsert:
    return profiles.ProfileUpsert(user_id=user_id, attributes=as_struct({"n": n}))


def define(client: Client, segment_id: str) -> int:
    segment = segment_pb2.Segment(id=segment_id, rule=as_struct(RULES[segment_id]))
    return client.create_segment(segment).revision


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with serving(tmp_path) as address, Client(address) as connected:
        yield connected


@contextmanager
def local_of(client: Client, *segment_ids: str) -> Iterator[LocalMemberships]:
    """With a clock that stands still, so that it stays fresh."""
    with client.local(segment_ids, clock=Hand()) as local:
        assert local.wait_until_ready(WAIT), local.failure
        yield local


REFUSALS = {"USER_NOT_FOUND", "USER_ERASED", "SEGMENT_NOT_FOUND", "SEGMENT_EXISTS"}
"""Of changes that make no sense at the moment."""


class Life:
    """Random changes of everything that makes memberships."""

    def __init__(self, client: Client, draw: random.Random) -> None:
        self.client, self.draw = client, draw

    def step(self) -> None:
        often = [self.write, self.act] * 3 + [self.wait] * 2
        act = self.draw.choice([*often, self.merge, self.erase, self.edit])
        try:
            act()
        except CallFailed as refused:
            if refused.reason not in REFUSALS:
                raise

    def write(self) -> None:
        users = self.draw.sample(USERS, 3)
        self.client.upsert_profiles([profile(user, self.draw.choice([None, 1, 4, 5, 9])) for user in users])

    def act(self) -> None:
        self.client.ingest_events([profile_pb2.Event(user_id=self.draw.choice(USERS), name="X")])

    def wait(self) -> None:
        self.client.advance_clock_by(self.draw.choice([1, DAY, 3 * DAY, 5 * DAY]))

    def merge(self) -> None:
        source, target = self.draw.sample(USERS, 2)
        self.client.merge_profiles([profiles.ProfileMerge(from_user_id=source, into_user_id=target)])

    def erase(self) -> None:
        self.client.delete_profile(self.draw.choice(USERS))

    def edit(self) -> None:
        choice = self.draw.random()
        if choice < 0.4:
            rule = as_struct({"attribute": {"n": {"below": self.draw.choice([2, 5, 10])}}})
            self.client.update_segment(segment_pb2.Segment(id="low", rule=rule), ["rule"])
        elif choice < 0.7:
            self.client.delete_segment("quiet")
        else:
            define(self.client, "quiet")


@pytest.mark.parametrize("seed", range(4))
def test_it_says_what_the_server_says_at_the_same_revision(client: Client, seed: int) -> None:
    life = Life(client, random.Random(seed))
    client.upsert_profiles([profile(user, number) for number, user in enumerate(USERS)])
    for segment_id in RULES:
        define(client, segment_id)
    life.act()
    with local_of(client, *RULES) as local:
        for _ in range(30):
            life.step()
            revision = client.status().revision
            assert local.wait_until_ready(WAIT, min_revision=revision), local.failure
            table = client.check_batch(USERS, list(RULES))
            for segment_id in RULES:
                if segment_id in table.segment_errors:
                    assert local.known("u1", segment_id, revision) is None
                    continue
                told = [user for user in USERS if local.known(user, segment_id, revision)]
                assert told == table.members_of(segment_id), (segment_id, revision)
        assert local.asked == 0


def test_a_time_exit_is_told_without_a_write(client: Client) -> None:
    client.ingest_events([profile_pb2.Event(user_id="ada", name="X")])
    define(client, "active")
    with local_of(client, "active") as local:
        assert local.is_member("ada", "active")
        client.advance_clock_by(3 * DAY - 1)
        revision = client.status().revision
        assert local.is_member("ada", "active", revision)
        client.advance_clock_by(1)
        revision = client.status().revision
        assert local.wait_until_ready(WAIT, min_revision=revision)
        assert local.known("ada", "active", revision) is False


def test_other_segments_and_revisions_that_are_ahead_are_left_to_the_server(client: Client) -> None:
    define(client, "low")
    define(client, "active")
    with local_of(client, "low") as local:
        stored = client.ingest_events([profile_pb2.Event(user_id="ada", name="X")])
        assert local.is_member("ada", "active", stored.revision)
        assert local.asked == 1
        with pytest.raises(CallFailed) as missing:
            local.is_member("ada", "nothing")
        assert missing.value.reason == "SEGMENT_NOT_FOUND"
        written = client.upsert_profiles([profile("ada", 1)])
        assert local.is_member("ada", "low", written.revision), "at once, be it from the copy or from the server"


def test_an_archived_segment_answers_with_the_servers_error(client: Client) -> None:
    client.upsert_profiles([profile("ada", 1)])
    define(client, "low")
    with local_of(client, "low") as local:
        revision = client.archive_segment("low").revision
        assert local.wait_until_ready(WAIT, min_revision=revision)
        with pytest.raises(CallFailed) as archived:
            local.is_member("ada", "low")
        assert archived.value.reason == "SEGMENT_ARCHIVED"
        restored = client.restore_segment_version("low", 1).revision
        assert local.wait_until_ready(WAIT, min_revision=restored)
        assert local.known("ada", "low")


def test_a_segment_that_is_made_later_is_left_to_the_server_until_it_is_asked_for_again(client: Client) -> None:
    define(client, "low")
    client.upsert_profiles([profile("ada", 1)])
    hand = Hand()
    with client.local(["low", "active"], clock=hand) as local:
        assert local.wait_until_ready(WAIT)
        assert (local.missing, local.failure) == (("active",), None)
        assert local.known("ada", "low")
        define(client, "active")
        assert local.is_member("ada", "active") is False
        assert local.asked == 1
        ends = ends_of(local)
        hand.now = 31.0
        with local._told:
            assert local._told.wait_for(lambda: local.known("ada", "active") is False, WAIT)
        assert local.missing == ()
        assert ends == [None]


def test_waiting_ends_where_no_segment_exists_and_says_which(client: Client) -> None:
    with client.local(["low", "active"]) as local:
        assert local.wait_until_ready(WAIT)
        assert (local.missing, local.failure) == (("low", "active"), None)
        with pytest.raises(CallFailed) as missing:
            local.is_member("ada", "low")
        assert missing.value.reason == "SEGMENT_NOT_FOUND"
        revision = define(client, "low")
        with local._told:
            assert local._told.wait_for(lambda: local.known("ada", "low", revision) is False, WAIT)
        assert local.missing == ("active",)


def test_it_answers_nothing_after_close(client: Client) -> None:
    define(client, "low")
    with local_of(client, "low") as local:
        assert local.is_member("ada", "low") is False
    assert local.known("ada", "low") is None
    with pytest.raises(ClientClosed, match="the local copy is closed"):
        local.is_member("ada", "low")
    with pytest.raises(ClientClosed, match="the local copy is closed"):
        local.wait_until_ready()
    assert local.asked == 0


def test_closing_ends_waiting() -> None:
    with Client("127.0.0.1:1") as client:
        local = client.local(["low"])
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(local.wait_until_ready)
            local.close()
            assert isinstance(waiting.exception(WAIT), ClientClosed)


def test_a_stopped_server_is_stale_after_the_bound_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    port, hand = free_port(), Hand()
    with serving(tmp_path, "--listen", f"127.0.0.1:{port}") as address:
        with Client(address) as writer:
            writer.upsert_profiles([profile("ada", 1), profile("bob", 9)])
            define(writer, "low")
        client = Client(address, timeout=5)
        local = client.local(["low"], clock=hand)
        assert local.wait_until_ready(WAIT)
    try:
        assert local.is_member("ada", "low")
        hand.now = 1.0
        assert local.known("ada", "low") is None
        with pytest.raises(CallFailed):
            client.within(0.01).check("ada", "low")
        with serving(tmp_path, "--listen", f"127.0.0.1:{port}"):
            with Client(address) as writer:
                revision = writer.upsert_profiles([profile("bob", 2)]).revision
            assert local.wait_until_ready(WAIT, min_revision=revision), local.failure
            assert local.known("bob", "low", revision)
            local.close()
            client.close()
    finally:
        local.close()
        client.close()


def test_a_compacted_log_makes_it_take_a_new_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port, hand = free_port(), Hand()
    monkeypatch.setenv("SEGMENTD_LOG_KEEP", "1d")
    with serving(tmp_path, "--listen", f"127.0.0.1:{port}") as address:
        with Client(address) as writer:
            writer.upsert_profiles([profile("ada", 1)])
            define(writer, "low")
        client = Client(address)
        local = client.local(["low"], clock=hand)
        assert local.wait_until_ready(WAIT)
        reasons = reasons_of(local, monkeypatch)
    try:
        with serving(tmp_path) as elsewhere, Client(elsewhere) as writer:
            writer.upsert_profiles([profile("bob", 2), profile("ada", 9)])
            writer.advance_clock_by(30 * DAY)
            writer.upsert_profiles([profile("cid", 3)])
        with serving(tmp_path, "--listen", f"127.0.0.1:{port}", "--clock", "2026-03-01T00:00:00Z"):
            with Client(address) as writer:
                revision = writer.upsert_profiles([profile("dan", 4)]).revision
            assert local.wait_until_ready(WAIT, min_revision=revision), local.failure
            told = [user for user in ("ada", "bob", "cid", "dan") if local.known(user, "low", revision)]
            assert told == ["bob", "cid", "dan"]
            assert "POSITION_COMPACTED" in reasons
            local.close()
            client.close()
    finally:
        local.close()
        client.close()


def test_it_is_there_for_asyncio_too(tmp_path: Path) -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client:
            await client.upsert_profiles([profile("ada", 1)])
            segment = segment_pb2.Segment(id="low", rule=as_struct(RULES["low"]))
            await client.create_segment(segment)
            async with client.local(["low"], clock=Hand()) as local:
                assert await local.wait_until_ready(WAIT)
                assert not await local.wait_until_ready(0.01, min_revision=10**6)
                assert await local.is_member("ada", "low")
                assert not await local.is_member("bob", "low")
                assert local.asked == 0
                revision = (await client.upsert_profiles([profile("bob", 2)])).revision
                await local.wait_until_ready(min_revision=revision)
                assert local.known("bob", "low")
                with pytest.raises(CallFailed):
                    await local.is_member("ada", "nothing")
                assert local.asked == 1
                assert local._call is not None
                local._call.cancel()  # as where the stream is silent
                revision = (await client.upsert_profiles([profile("cid", 3)])).revision
                await local.wait_until_ready(min_revision=revision)
                assert local.known("cid", "low", revision)

    with serving(tmp_path) as address:
        asyncio.run(asyncio.wait_for(life(address), WAIT))


def test_asyncio_waits_for_no_segment_that_does_not_exist_and_answers_nothing_after_close(tmp_path: Path) -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client:
            async with client.local(["low"]) as local:
                await local.wait_until_ready()
                assert (local.missing, local.failure) == (("low",), None)
            with pytest.raises(ClientClosed, match="the local copy is closed"):
                await local.is_member("ada", "low")
            with pytest.raises(ClientClosed, match="the local copy is closed"):
                await local.wait_until_ready()

    with serving(tmp_path) as address:
        asyncio.run(asyncio.wait_for(life(address), WAIT))


def test_a_replica_is_of_chosen_segments(client: Client) -> None:
    request = questions.WatchTransitionsRequest(replica=True, user_ids=["ada"])
    request.checkpoint_interval.FromMilliseconds(49)
    with pytest.raises(CallFailed) as refused:
        list(client.caller.stream(_watch(request)))
    fields = {fault.field for fault in refused.value.violations}
    assert fields == {"segment_ids", "user_ids", "checkpoint_interval"}


def _watch(request: questions.WatchTransitionsRequest) -> Call[questions.WatchTransitionsResponse]:
    return Call(MembershipServiceStub, "WatchTransitions", request)


def reasons_of(local: LocalMemberships, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why its streams end from now on."""
    reasons: list[str] = []
    lose = local._lose

    def noting(failed: CallFailed) -> float:
        reasons.append(failed.reason)
        return lose(failed)

    monkeypatch.setattr(local, "_lose", noting)
    return reasons


def ends_of(local: LocalMemberships) -> list[CallFailed | None]:
    """The failures at the ends of its streams from now on that are no errors of calls."""
    failures: list[CallFailed | None] = []
    end = local._end

    def noting() -> float:
        delay = end()
        failures.append(local._failure)
        return delay

    local._end = noting  # type: ignore[method-assign]
    return failures


def test_closing_does_not_wait_for_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "LOOK_TIMEOUT", 3600.0)
    asked = threading.Event()
    with mute_server(asked) as address, Client(address, timeout=3600.0) as client:
        local = client.local(["s"])
        assert asked.wait(WAIT)
        closing = threading.Thread(target=local.close, daemon=True)
        closing.start()
        closing.join(WAIT)
        assert not closing.is_alive()


def test_a_call_that_is_given_up_has_failed() -> None:
    asked = threading.Event()
    with mute_server(asked) as address, Client(address) as client:
        pending = client.start_upsert_profiles([profile("ada", 1)])
        assert asked.wait(WAIT)
        assert not pending.wait(0)
        pending.cancel()
        assert pending.wait(WAIT)
        with pytest.raises(CallFailed) as given_up:
            pending.result()
        assert given_up.value.code is grpc.StatusCode.CANCELLED


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
