"""What a watch tells a replica, and that it claims no more than it has told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.server.live import run
from tests.server.served import START, Client, event, refusal, serving

from segmentd.client import as_instant
from segmentd.records import Position
from segmentd.service.replica import Stand
from segmentd.times import DAY, SECOND, FrozenClock, Micros
from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1 import profile_service_pb2, segment_service_pb2


class Ahead(FrozenClock):
    """A clock that the engine is not told of."""

    def jump(self, by: int) -> None:
        self.later = by

    later = 0

    def now(self) -> Micros:
        return Micros(super().now() + self.later)


def watched(client: Client, *segment_ids: str, **more: Any) -> Any:
    request = pb.WatchTransitionsRequest(segment_ids=segment_ids, replica=True, **more)
    request.checkpoint_interval.FromMilliseconds(50)
    return client.memberships.WatchTransitions(request)


async def checkpoint(call: Any) -> pb.Checkpoint:
    """The next one that says how complete it all is."""
    while True:
        message = await call.read()
        if message.checkpoint.HasField("complete_time"):
            found: pb.Checkpoint = message.checkpoint
            return found


async def merge(client: Client, source: str, target: str) -> Any:
    merging = profile_service_pb2.ProfileMerge(from_user_id=source, into_user_id=target)
    return await client.profiles.MergeProfiles(profile_service_pb2.MergeProfilesRequest(merges=[merging]))


async def until(call: Any, part: str) -> Any:
    """The next part of a kind; other messages are passed over."""
    while True:
        message = await call.read()
        if message.WhichOneof("part") == part:
            return getattr(message, part)


def test_it_is_of_chosen_segments_and_all_their_users(tmp_path: Path) -> None:
    async def life() -> None:
        async with serving(tmp_path / "test.db") as client:
            request = pb.WatchTransitionsRequest(replica=True, user_ids=["ada"])
            request.checkpoint_interval.FromMilliseconds(49)
            refused = await refusal(client.memberships.WatchTransitions(request).read())
            assert refused.violations.keys() == {"segment_ids", "user_ids", "checkpoint_interval"}

    run(life())


def test_deadlines_that_are_due_and_not_walked_are_not_claimed(tmp_path: Path) -> None:
    async def life() -> None:
        clock = Ahead(START)
        async with serving(tmp_path / "test.db", clock) as client:
            await client.ingest(event("ada", "X"))
            await client.define("active", {"behavioral": {"event": "X", "within": "3d"}})
            call = watched(client, "active", start=pb.WATCH_START_SNAPSHOT)
            first = await checkpoint(call)
            assert as_instant(first.complete_time) == as_instant(first.checkpoint_time) < START + SECOND
            clock.jump(3 * DAY + SECOND)
            while as_instant((told := await checkpoint(call)).checkpoint_time) < START + 3 * DAY:
                pass
            assert START + 3 * DAY <= as_instant(told.complete_time) < START + 3 * DAY + SECOND
            assert as_instant(told.checkpoint_time) >= as_instant(told.complete_time) + SECOND // 2
            call.cancel()

    run(life())


def test_segments_that_answer_nothing_are_named(tmp_path: Path) -> None:
    async def life() -> None:
        async with serving(tmp_path / "test.db") as client:
            for name in ("kept", "over", "gone"):
                await client.define(name, {"attribute": {"n": {"at_least": 1}}})
            call = watched(client, "over", "kept", "gone")
            assert (await checkpoint(call)).unanswered_segment_ids == []
            await client.segments.ArchiveSegment(segment_service_pb2.ArchiveSegmentRequest(segment_id="over"))
            deleting = segment_service_pb2.DeleteSegmentRequest(segment_id="gone")
            revision = (await client.segments.DeleteSegment(deleting)).revision
            while (told := await checkpoint(call)).revision < revision:
                pass
            assert list(told.unanswered_segment_ids) == ["gone", "over"]
            call.cancel()

    run(life())


def test_merged_ids_come_first_and_then_before_the_moves_of_their_merge(tmp_path: Path) -> None:
    async def life() -> None:
        async with serving(tmp_path / "test.db") as client:
            await client.upsert({name: {"n": 1} for name in ("ada", "bob", "cid", "dan")})
            await client.define("all", {"attribute": {"n": {"at_least": 1}}})
            await merge(client, "ada", "bob")
            call = watched(client, "all", start=pb.WATCH_START_SNAPSHOT)
            told = await until(call, "merged_ids")
            assert (told.first, list(told.user_ids), list(told.survivor_ids)) == (True, ["ada"], ["bob"])
            await checkpoint(call)
            await merge(client, "bob", "cid")
            told = await until(call, "merged_ids")
            assert not told.first
            assert dict(zip(told.user_ids, told.survivor_ids, strict=True)) == {"ada": "cid", "bob": "cid"}
            assert [each.user_id for each in (await until(call, "transitions")).transitions] == ["bob"]
            deleting = profile_service_pb2.DeleteProfileRequest(user_id="cid")
            await client.profiles.DeleteProfile(deleting)
            told = await until(call, "merged_ids")
            assert (told.first, list(told.user_ids)) == (True, []), "who is erased is named no more"
            call.cancel()

    run(life())


def test_a_checkpoint_claims_no_revision_whose_merged_ids_are_not_told() -> None:
    stand = Stand(revision=3, at=START, complete=START, unanswered=(), led=0)
    told = stand.checkpoint(Position(5, 0))
    assert told is not None
    assert told.revision == 3, "moves up to the fourth were read, but merged ids of the third only"
    assert stand.checkpoint(Position(3, 0)) is None
