"""WatchTransitions through a real server: where it begins, what it tells, where it goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.protobuf import duration_pb2
from tests.server.live import run
from tests.server.served import START, event, refusal, serving, struct
from tests.server.watching import ANY, LOG, PRO, SNAPSHOT, begun, brief, ended, fill, snapshot, transitions, watch

from segmentd.server.instants import to_timestamp
from segmentd.times import DAY, FrozenClock, Micros
from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1 import segment_pb2, segment_service_pb2, transition_pb2

RECENT = {"behavioral": {"event": "Login", "within": "1d", "count": {"at_least": 1}}}


def test_a_move_is_told_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("recent", RECENT)
            call = await begun(client)
            ingested = await client.ingest(event("ada", "Login", "m1"))
            (entered,) = await transitions(call, 1)
            assert brief(entered) == ("recent", "ada", True)
            assert (entered.revision, entered.segment_version, entered.user_key) == (ingested.revision, 1, 1)
            assert (entered.cause, entered.message_id) == (transition_pb2.TRANSITION_CAUSE_EVENT, "m1")
            at = Micros(START + 1)  # each commit is later than the one before, also at a clock that stands
            assert entered.effective_time == to_timestamp(at)
            await client.advance(2 * DAY)
            (left,) = await transitions(call, 1)
            assert brief(left) == ("recent", "ada", False)
            assert (left.cause, left.message_id) == (transition_pb2.TRANSITION_CAUSE_TIME, "")
            assert left.effective_time == to_timestamp(Micros(at + DAY))
            assert left.recorded_time == to_timestamp(Micros(START + 2 * DAY))

    run(test())


def test_every_start(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            await client.define("any", ANY)
            await client.upsert({"a": {"plan": "pro"}, "b": {"plan": "free"}})
            live = await begun(client, start=pb.WATCH_START_NOW)
            from_log = await begun(client, start=LOG)
            logged = await transitions(from_log, 3)
            taken = watch(client, start=SNAPSHOT)
            members, end = await snapshot(taken)
            assert members == {"pro": ["a"], "any": ["a", "b"]}
            resumed = await begun(client, position=logged[0].position)
            assert await transitions(resumed, 2) == logged[1:]
            await client.upsert({"b": {"plan": "pro"}})
            for call in (live, from_log, taken, resumed):
                assert [brief(each) for each in await transitions(call, 1)] == [("pro", "b", True)]
            after_snapshot = await begun(client, position=end.position)
            assert [brief(each) for each in await transitions(after_snapshot, 1)] == [("pro", "b", True)]

    run(test())


def test_a_watch_goes_on_where_it_ended_after_a_restart(tmp_path: Path) -> None:
    """Moves that came due while the server was down are there, each at its own instant."""

    async def test() -> None:
        path = tmp_path / "db"
        async with serving(path) as client:
            await client.define("recent", RECENT)
            await client.ingest(event("a", "Login"))
            await client.ingest(event("b", "Login"))
            first = await transitions(await begun(client, start=LOG), 2)
        async with serving(path, FrozenClock(Micros(START + 3 * DAY))) as client:
            rest = await transitions(await begun(client, position=first[0].position), 3)
            assert rest[0] == first[1]
            assert [brief(each) for each in rest[1:]] == [("recent", "a", False), ("recent", "b", False)]
            a_day_later = [Micros(START + offset + DAY) for offset in (1, 2)]
            assert [each.effective_time for each in rest[1:]] == [to_timestamp(each) for each in a_day_later]

    run(test())


def test_a_watch_stops_and_goes_on_inside_of_a_switch(tmp_path: Path) -> None:
    """After each of its moves, of which a page has 500 and a block of the log more."""
    users = 1_203

    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            await fill(client, users, "free")
            segment = segment_pb2.Segment(id="pro", rule=struct(ANY))
            await client.segments.UpdateSegment(segment_service_pb2.UpdateSegmentRequest(segment=segment))
            whole = await transitions(await begun(client, start=LOG), users)
            assert {each.revision for each in whole} == {whole[0].revision}
            assert {each.cause for each in whole} == {transition_pb2.TRANSITION_CAUSE_DEFINITION}
            assert len({each.user_id for each in whole}) == users
            for index in range(0, users, 37):
                call = await begun(client, position=whole[index].position)
                if index + 1 < users:
                    assert await transitions(call, users - index - 1) == whole[index + 1 :]
                await ended(call)
            user = whole[700].user_id
            call = await begun(client, position=whole[600].position, user_ids=[user, "nobody"], segment_ids=["pro"])
            assert await transitions(call, 1) == [whole[700]]

    run(test())


def test_a_snapshot_and_what_follows_have_no_gap_between_them(tmp_path: Path) -> None:
    """Snapshots are taken while users move; each, with its moves, ends at the same members."""
    users = 100

    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            await fill(client, users, "free")

            async def follow(delay: int) -> set[str]:
                for _ in range(delay):
                    await client.check("u0", "pro")
                call = watch(client, start=SNAPSHOT)
                found, _ = await snapshot(call)
                members = set(found.get("pro", []))
                while "u0" not in members:
                    for each in (await call.read()).transitions.transitions:
                        assert (each.user_id in members) != (each.move == transition_pb2.MOVE_ENTERED)
                        members ^= {each.user_id}
                return members

            following = [asyncio.create_task(follow(delay)) for delay in range(10)]
            for number in range(1, users):
                await client.upsert({f"u{number}": {"plan": "pro"}, f"u{number // 2 + 1}": {"plan": "free"}})
            await client.upsert({"u0": {"plan": "pro"}})
            ends = await asyncio.gather(*following)
            members = {f"u{i}" for i in range(users) if await client.is_member(f"u{i}", "pro")}
            assert ends == [members] * 10

    run(test())


def test_a_snapshot_of_many_comes_in_messages_of_bounded_size(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("any", ANY)
            await fill(client, 5_001, "free")
            call = watch(client, start=SNAPSHOT, segment_ids=["any"])
            sizes, keys = [], set()
            while (message := await call.read()).HasField("members"):
                sizes.append(len(message.members.user_ids))
                keys |= set(message.members.user_keys)
                assert len(message.members.user_keys) == sizes[-1]
                assert message.members.segment_id == "any"
            assert (sum(sizes), max(sizes), len(keys)) == (5_001, 2_000, 5_001)
            chosen = watch(client, start=SNAPSHOT, user_ids=["u7", "u4000", "nobody"])
            members, end = await snapshot(chosen)
            assert members == {"any": ["u7", "u4000"]}
            assert end.revision == message.snapshot_end.revision

    run(test())


def test_more_snapshots_than_may_be_in_memory_at_once_take_turns(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("any", ANY)
            await fill(client, 3_000, "free")
            calls = [watch(client, start=SNAPSHOT) for _ in range(12)]
            taken = await asyncio.gather(*(snapshot(call) for call in calls))
            assert {len(members["any"]) for members, _ in taken} == {3_000}

    run(test())


def test_checkpoints_come_after_the_interval(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            call = await begun(client, user_ids=["a"], checkpoint_interval=duration_pb2.Duration(seconds=1))
            revision = (await client.upsert({"b": {"plan": "pro"}})).revision
            checkpoint = (await call.read()).checkpoint
            assert checkpoint.revision == revision
            assert checkpoint.checkpoint_time == to_timestamp(Micros(START + 1))
            await client.upsert({"a": {"plan": "pro"}})
            resumed = await begun(client, position=checkpoint.position)
            assert await transitions(resumed, 1) == await transitions(call, 1)

    run(test())


def test_a_watch_waits_for_the_revision_that_it_names(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            revision = (await client.define("pro", PRO)).revision
            call = watch(client, min_revision=revision + 1, start=SNAPSHOT)
            await client.upsert({"a": {"plan": "pro"}})
            members, end = await snapshot(call)
            assert (members, end.revision) == ({"pro": ["a"]}, revision + 1)
            refused = await refusal(
                client.memberships.WatchTransitions(
                    pb.WatchTransitionsRequest(min_revision=revision + 9), timeout=0.3
                ).read()
            )
            assert (refused.code, refused.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "REVISION_NOT_REACHED")

    run(test())


SECONDS = duration_pb2.Duration


@pytest.mark.parametrize(
    ("request_", "reason", "fields"),
    [
        ({"segment_ids": ["nowhere"]}, "SEGMENT_NOT_FOUND", []),
        ({"segment_ids": ["pro", ""]}, "INVALID_REQUEST", ["segment_ids[1]"]),
        ({"user_ids": ["x" * 257, "\n"]}, "INVALID_REQUEST", ["user_ids[0]", "user_ids[1]"]),
        ({"user_ids": ["x"] * 10_001}, "BATCH_TOO_LARGE", ["user_ids"]),
        ({"segment_ids": ["x"] * 10_001}, "BATCH_TOO_LARGE", ["segment_ids"]),
        ({"start": 9}, "INVALID_REQUEST", ["start"]),
        ({"start": LOG, "position": "x"}, "INVALID_REQUEST", ["start"]),
        ({"position": "x"}, "POSITION_INVALID", ["position"]),
        ({"position": "A" * 1_000_000}, "POSITION_INVALID", ["position"]),
        ({"min_revision": -1}, "INVALID_REQUEST", ["min_revision"]),
        ({"checkpoint_interval": SECONDS()}, "INVALID_REQUEST", ["checkpoint_interval"]),
        ({"checkpoint_interval": SECONDS(nanos=999_999_999)}, "INVALID_REQUEST", ["checkpoint_interval"]),
        ({"checkpoint_interval": SECONDS(seconds=3_601)}, "INVALID_REQUEST", ["checkpoint_interval"]),
        ({"checkpoint_interval": SECONDS(seconds=-5)}, "INVALID_REQUEST", ["checkpoint_interval"]),
        ({"checkpoint_interval": SECONDS(seconds=2**62)}, "INVALID_REQUEST", ["checkpoint_interval"]),
        ({"checkpoint_interval": SECONDS(seconds=5, nanos=-1)}, "INVALID_REQUEST", ["checkpoint_interval.nanos"]),
    ],
)
def test_a_request_at_fault_is_refused_by_field(
    tmp_path: Path, request_: dict[str, object], reason: str, fields: list[str]
) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            refused = await refusal(watch(client, **request_).read())
            assert (refused.reason, list(refused.violations)) == (reason, fields)

    run(test())


def test_a_position_of_another_database_or_of_the_future_is_refused(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "one") as one, serving(tmp_path / "other") as other:
            for client in (one, other):
                await client.define("pro", PRO)
            await one.upsert({"a": {"plan": "pro"}})
            (move,) = await transitions(await begun(one, start=LOG), 1)
            refused = await refusal(watch(other, position=move.position).read())
            assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "POSITION_INVALID")
            assert "another database" in refused.violations["position"]

    run(test())


def test_a_database_put_back_to_an_earlier_state_refuses_later_positions(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
        copy = tmp_path / "copy"
        copy.write_bytes((tmp_path / "db").read_bytes())
        async with serving(tmp_path / "db") as client:
            await client.upsert({"a": {"plan": "pro"}})
            (move,) = await transitions(await begun(client, start=LOG), 1)
        async with serving(copy) as client:
            refused = await refusal(watch(client, position=move.position).read())
            assert refused.reason == "POSITION_INVALID"
            assert "ahead of the log" in refused.violations["position"]

    run(test())
