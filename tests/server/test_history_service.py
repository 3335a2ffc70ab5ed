"""HistoryService through a real channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.server.live import run
from tests.server.served import MEMBER, NOT_MEMBER, START, Client, event, refusal, serving

from segmentd.server.instants import to_timestamp
from segmentd.times import DAY, HOUR, Micros
from segmentd.v1 import history_service_pb2 as pb
from segmentd.v1 import transition_pb2

NEWEST = pb.HISTORY_ORDER_NEWEST_FIRST
RULES: dict[str, Any] = {
    "buyers": {"behavioral": {"event": "Order Completed", "within": "3d"}},
    "rich": {"attribute": {"points": {"at_least": 5}}},
}


async def shop(client: Client) -> None:
    """At START ada and bob get points; an hour later ada orders; a day later bob loses his points."""
    for name, rule in RULES.items():
        await client.define(name, rule)
    await client.upsert({"ada": {"points": 9}, "bob": {"points": 5}})
    await client.advance(HOUR)
    await client.ingest(event("ada", "Order Completed", "m1", Micros(START + HOUR)))
    await client.advance(23 * HOUR)
    await client.upsert({"bob": {"points": 1}, "eve": {"points": 7}})
    await client.advance(4 * DAY)


def listing(**fields: Any) -> pb.ListMembershipHistoryRequest:
    return pb.ListMembershipHistoryRequest(**fields)


def at(instant: int, user: str = "ada", segment: str = "buyers") -> pb.CheckMembershipAtRequest:
    return pb.CheckMembershipAtRequest(user_id=user, segment_id=segment, at_time=to_timestamp(Micros(instant)))


def matrix(*segments: str, start: int = START, end: int = START + DAY) -> pb.GetMigrationMatrixRequest:
    times = (to_timestamp(Micros(each)) for each in (start, end))
    return pb.GetMigrationMatrixRequest(segment_ids=segments, **dict(zip(("from_time", "to_time"), times, strict=True)))


def told(transition: transition_pb2.Transition) -> tuple[str, str, str, str, int]:
    """(user, move, segment, cause, seconds after START)."""
    moves = {transition_pb2.MOVE_ENTERED: "entered", transition_pb2.MOVE_LEFT: "left"}
    cause = transition_pb2.TransitionCause.Name(transition.cause).removeprefix("TRANSITION_CAUSE_")
    seconds = transition.effective_time.seconds - START // 1_000_000
    return transition.user_id, moves[transition.move], transition.segment_id, cause, seconds


def test_history_lists_the_moves_of_a_user_and_of_a_segment(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            answer = await client.history.ListMembershipHistory(listing(user_id="ada"))
            first, bought, left = answer.transitions
            assert told(first)[:4] == ("ada", "entered", "rich", "ATTRIBUTE")
            assert told(bought) == ("ada", "entered", "buyers", "EVENT", 3600)
            assert (bought.message_id, bought.segment_version, bought.user_key) == ("m1", 1, first.user_key)
            assert told(left) == ("ada", "left", "buyers", "TIME", 3600 + 3 * 86_400)
            assert (answer.user_id, answer.HasField("oldest_time")) == ("ada", False)
            assert first.revision < bought.revision < left.revision <= answer.revision
            newest = await client.history.ListMembershipHistory(listing(user_id="ada", order=NEWEST))
            assert list(newest.transitions) == [left, bought, first]
            rich = await client.history.ListMembershipHistory(listing(segment_id="rich"))
            assert [each[0:2] for each in map(told, rich.transitions)] == [
                ("ada", "entered"),
                ("bob", "entered"),
                ("bob", "left"),
                ("eve", "entered"),
            ]
            assert rich.user_id == ""

    run(scenario())


def test_pages_are_bound_to_their_request(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            pages, token = [], ""
            for _ in range(2):
                page = await client.history.ListMembershipHistory(
                    listing(segment_id="rich", page_size=2, page_token=token)
                )
                token = page.next_page_token
                pages += [each.user_id for each in page.transitions]
            assert (pages, token) == (["ada", "bob", "bob", "eve"], "")
            first = await client.history.ListMembershipHistory(listing(segment_id="rich", page_size=1))
            other = listing(segment_id="buyers", page_token=first.next_page_token)
            found = await refusal(client.history.ListMembershipHistory(other))
            assert (found.reason, found.metadata) == ("PAGE_TOKEN_MISMATCH", {"field": "segment_id"})
            found = await refusal(client.history.ListMembershipHistory(listing(segment_id="rich", page_token="x")))
            assert found.reason == "PAGE_TOKEN_MISMATCH"

    run(scenario())


def test_a_membership_at_an_instant_says_since_and_until_when(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            was = await client.history.CheckMembershipAt(at(START + HOUR))
            assert (was.membership, was.segment_version, was.user_id, was.user_known) == (MEMBER, 1, "ada", True)
            assert was.since_time == to_timestamp(Micros(START + HOUR))
            assert was.until_time == to_timestamp(Micros(START + HOUR + 3 * DAY))
            before = await client.history.CheckMembershipAt(at(START + HOUR - 1))
            assert (before.membership, before.HasField("since_time")) == (NOT_MEMBER, False)
            assert before.until_time == was.since_time
            after = await client.history.CheckMembershipAt(at(START + HOUR + 3 * DAY))
            assert (after.membership, after.HasField("until_time")) == (NOT_MEMBER, False)
            early = await client.history.CheckMembershipAt(at(START - DAY, "eve"))
            assert (early.membership, early.segment_version, early.user_known) == (NOT_MEMBER, 0, False)

    run(scenario())


def test_a_matrix_counts_who_went_where(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            # The definitions took the first microseconds after START.
            answer = await client.history.GetMigrationMatrix(matrix("buyers", "rich", start=START + HOUR - 1))
            assert [(row.segment_id, row.user_count, list(row.counts)) for row in answer.rows] == [
                ("buyers", 0, [0, 0, 0]),
                ("rich", 2, [1, 1, 1]),
                ("", 1, [0, 1, 0]),
            ]
            assert [(each.segment_id, each.user_count, each.created_count) for each in answer.columns] == [
                ("buyers", 1, 0),
                ("rich", 2, 1),
                ("", 1, 0),
            ]
            counted = (answer.user_count, answer.created_count, answer.stayed_count, answer.moved_count)
            assert counted == (3, 1, 0, 3)

    run(scenario())


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (listing(), {"user_id"}),
        (listing(user_id="a\0", order=7, page_size=-1), {"user_id", "order", "page_size"}),
        (listing(user_id="a", start_time=to_timestamp(START), end_time=to_timestamp(START)), {"end_time"}),
        (listing(user_id="ada", end_time=to_timestamp(Micros(START + 9 * DAY))), {"end_time"}),
        (pb.CheckMembershipAtRequest(), {"user_id", "segment_id", "at_time"}),
        (at(START + 9 * DAY), {"at_time"}),
        (pb.GetMigrationMatrixRequest(), {"segment_ids", "from_time", "to_time"}),
        (matrix("rich", end=START), {"to_time"}),
        (matrix("rich", end=START + 9 * DAY), {"to_time"}),
        (matrix("rich", "rich"), {"segment_ids[1]"}),
        (matrix("rich", ""), {"segment_ids[1]"}),
        (matrix(*(f"s{number}" for number in range(101))), {"segment_ids"}),
    ],
)
def test_bad_requests_name_their_fields(tmp_path: Path, request_: Any, fields: set[str]) -> None:
    method = type(request_).__name__.removesuffix("Request")

    async def scenario() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            found = await refusal(getattr(client.history, method)(request_))
            assert set(found.violations) == fields

    run(scenario())


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (listing(user_id="nobody"), "USER_NOT_FOUND"),
        (listing(segment_id="nothing"), "SEGMENT_NOT_FOUND"),
        (at(START, "nobody"), "USER_NOT_FOUND"),
        (at(START, "ada", "nothing"), "SEGMENT_NOT_FOUND"),
        (matrix("rich", "nothing"), "SEGMENT_NOT_FOUND"),
    ],
)
def test_what_is_unknown_is_not_found(tmp_path: Path, request_: Any, reason: str) -> None:
    method = type(request_).__name__.removesuffix("Request")

    async def scenario() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            assert (await refusal(getattr(client.history, method)(request_))).reason == reason

    run(scenario())
