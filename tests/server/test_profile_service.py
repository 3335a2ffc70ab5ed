"""ProfileService through a real channel: items taken or refused one by one, profiles and kinds."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from tests.server.live import run
from tests.server.served import START, event, item_refusal, refusal, serving

from segmentd.server.instants import to_timestamp
from segmentd.service.value_types import Currencies
from segmentd.times import DAY, HOUR, SECOND, Micros
from segmentd.v1 import profile_pb2
from segmentd.v1 import profile_service_pb2 as pb

STORED, DUPLICATE, REFUSED = pb.INGEST_OUTCOME_STORED, pb.INGEST_OUTCOME_DUPLICATE, pb.INGEST_OUTCOME_REFUSED
SOURCES = profile_pb2.AttributeSource


def test_attributes_are_merged_and_removed(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            first = await client.upsert({"u": {"plan": "pro", "address": {"city": "Bonn"}, "tags": ["a", "b"]}})
            assert [each.created for each in first.results] == [True]
            second = await client.upsert({"u": {"plan": None, "age": 41}})
            assert [each.created for each in second.results] == [False]
            got = await client.profiles.GetProfile(pb.GetProfileRequest(user_id="u", min_revision=second.revision))
            attributes = MessageToDict(got.profile.attributes)
            assert attributes == {"address.city": "Bonn", "age": 41.0, "tags": ["a", "b"]}
            assert got.profile.create_time.seconds == START // SECOND
            unknown = await refusal(client.profiles.GetProfile(pb.GetProfileRequest(user_id="nobody")))
            assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND")

    run(test())


def test_good_items_are_kept_beside_bad_ones(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.upsert({"u": {"score": 1}})
            answer = await client.ingest(
                event("u", "A", "m1"),
                event("", "A"),
                event("u", "A", "m1"),
                event("u", "A", "m1", x=1),
                event("u", "A", revenue="much"),
                event("u", "A", m=float(1)),
                event("u", "\x07"),
            )
            assert [each.outcome for each in answer.results] == [
                STORED,
                REFUSED,
                DUPLICATE,
                REFUSED,
                REFUSED,
                STORED,
                REFUSED,
            ]
            refused = [item_refusal(each.error) for each in answer.results if each.outcome == REFUSED]
            assert [each.reason for each in refused] == [
                "INVALID_REQUEST",
                "MESSAGE_ID_REUSED",
                "WRONG_TYPE",
                "INVALID_REQUEST",
            ]
            assert [list(each.violations) for each in refused] == [
                ["events[1].user_id"],
                [],
                ["events[4].properties.revenue"],
                ["events[6].name"],
            ]
            assert refused[1].metadata == {"message_id": "m1"}
            assert refused[2].metadata == {"name": "revenue", "kind": "money", "given": "text"}
            profiles = await client.upsert({"u": {"score": "high"}, "v": {"score": 2}})
            assert item_refusal(profiles.results[0].error).violations.keys() == {"profiles[0].attributes.score"}
            assert profiles.results[1].created

    run(test())


def test_money_of_an_unknown_currency_is_refused(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db", currencies=Currencies("EUR", {"USD": Decimal("0.5")})) as client:
            answer = await client.ingest(
                event("u", "Order Completed", revenue=10, currency="USD"),
                event("u", "Order Completed", revenue=10, currency="XAU"),
            )
            assert answer.results[0].outcome == STORED
            refused = item_refusal(answer.results[1].error)
            assert (refused.reason, refused.metadata) == ("UNKNOWN_CURRENCY", {"currency": "XAU"})
            assert list(refused.violations) == ["events[1].properties.currency"]

    run(test())


@pytest.mark.parametrize(
    ("times", "counted"),
    [
        ({"event_time": -2 * HOUR}, -2 * HOUR),
        ({"original_time": -HOUR, "sent_time": 4 * DAY - 10, "received_time": 4 * DAY}, -HOUR + 10),
        ({"received_time": -3 * HOUR}, -3 * HOUR),
        ({"event_time": 4 * SECOND}, 1),
    ],
)
def test_the_time_of_an_event_is_reckoned(tmp_path: Path, times: dict[str, int], counted: int) -> None:
    """The event leaves a window of a day exactly a day after its reckoned time."""

    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            given = profile_pb2.Event(user_id="u", name="A")
            for name, value in times.items():
                getattr(given, name).CopyFrom(to_timestamp(Micros(START + value)))
            answer = await client.ingest(given)
            assert answer.results[0].outcome == STORED
            await client.define("day", {"behavioral": {"event": "A", "count": {"at_least": 1}, "within": "1d"}})
            end = START + counted + DAY
            check = await client.check("u", "day")
            assert check.holds_until_time.seconds in (end // SECOND, (end + 1) // SECOND)

    run(test())


def test_kinds_are_declared_and_listed(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.upsert({"u": {"points": 1, "joined": "2026-01-01"}})
            wanted = [
                ("vip", profile_pb2.ATTRIBUTE_KIND_FLAG),
                ("points", profile_pb2.ATTRIBUTE_KIND_TEXT),
                ("birthday", profile_pb2.ATTRIBUTE_KIND_TEXT),
                ("x", profile_pb2.ATTRIBUTE_KIND_UNSPECIFIED),
                ("", profile_pb2.ATTRIBUTE_KIND_TEXT),
                ("y", 99),
            ]
            request = pb.DeclareAttributesRequest(
                attributes=[profile_pb2.Attribute(name=name, kind=kind) for name, kind in wanted]  # type: ignore[arg-type]  # an unknown number on purpose
            )
            answer = await client.profiles.DeclareAttributes(request)
            found = [item_refusal(each.error) if each.HasField("error") else None for each in answer.results]
            assert [None if each is None else (each.reason, list(each.violations)) for each in found] == [
                None,
                ("WRONG_TYPE", ["attributes[1].kind"]),
                ("WRONG_TYPE", ["attributes[2].kind"]),
                ("INVALID_REQUEST", ["attributes[3].kind"]),
                ("INVALID_REQUEST", ["attributes[4].name"]),
                ("INVALID_REQUEST", ["attributes[5].kind"]),
            ]
            known = await attributes(client)
            assert known["vip"] == (profile_pb2.ATTRIBUTE_KIND_FLAG, SOURCES.ATTRIBUTE_SOURCE_DECLARED)
            assert known["points"] == (profile_pb2.ATTRIBUTE_KIND_NUMBER, SOURCES.ATTRIBUTE_SOURCE_FIRST_VALUE)
            assert known["birthday"] == (profile_pb2.ATTRIBUTE_KIND_DATE, SOURCES.ATTRIBUTE_SOURCE_CONVENTION)
            assert known["os.name"][1] == SOURCES.ATTRIBUTE_SOURCE_DERIVED
            assert list(known) == sorted(known)

    run(test())


def test_a_kind_can_be_changed_on_purpose(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.upsert({"u": {"joined": "2026-01-01"}})
            request = pb.DeclareAttributesRequest(
                attributes=[profile_pb2.Attribute(name="joined", kind=profile_pb2.ATTRIBUTE_KIND_DATE)], retype=True
            )
            answer = await client.profiles.DeclareAttributes(request)
            assert not answer.results[0].HasField("error")
            bad = await client.upsert({"v": {"joined": "soon"}})
            assert item_refusal(bad.results[0].error).reason == "WRONG_TYPE"

    run(test())


async def attributes(client: Any) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    request = pb.ListAttributesRequest(page_size=7)
    while True:
        page = await client.profiles.ListAttributes(request)
        found |= {each.name: (each.kind, each.source) for each in page.attributes}
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return found
