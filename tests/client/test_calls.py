"""The client against a whole server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import grpc
import pytest
from tests.cli.running import serving

import segmentd.client
from segmentd.client import (
    ArgumentOutOfRange,
    ArgumentRefused,
    AsyncClient,
    CallFailed,
    Client,
    as_instant,
    as_json,
    as_struct,
    as_timestamp,
    item_fault,
)
from segmentd.v1 import membership_pb2, profile_pb2, profile_service_pb2, segment_pb2

AT = 1_767_139_200_000_000
"""2025-12-31T00:00:00Z."""
SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("server")) as address, Client(address) as connected:
        yield connected


def define(client: Client, segment_id: str) -> segment_pb2.Segment:
    rule = as_struct({"behavioral": {"event": "X", "within": "7d"}})
    return client.create_segment(segment_pb2.Segment(id=segment_id, rule=rule)).segment


def test_public_names_are_all_there() -> None:
    assert segmentd.client.__all__ == sorted(segmentd.client.__all__)
    assert all(hasattr(segmentd.client, name) for name in segmentd.client.__all__)


def test_a_write_is_seen_by_the_next_question(client: Client) -> None:
    define(client, "seen")
    event = profile_pb2.Event(user_id="u1", name="X", event_time=as_timestamp(AT))
    stored = client.ingest_events([event])
    assert stored.results[0].outcome == profile_service_pb2.INGEST_OUTCOME_STORED
    answer = client.check("u1", "seen", stored.revision)
    assert answer.membership == membership_pb2.MEMBERSHIP_MEMBER
    assert as_instant(answer.holds_until_time) == AT + 7 * 86_400_000_000
    assert [each.user_id for each in client.members("seen")] == ["u1"]
    assert client.check_several("u1", ["seen", "none"]).memberships[1].HasField("error")
    assert client.explain("u1", "seen").explanation.segment_id == "seen"
    assert client.count_members({"behavioral": {"event": "X"}}).member_count == 1
    assert client.status().event_count >= 1


def test_an_event_without_message_id_gets_one(client: Client) -> None:
    event = profile_pb2.Event(user_id="u2", name="Y", event_time=as_timestamp(AT))
    request = [event, event]
    outcomes = [result.outcome for result in client.ingest_events(request).results]
    assert outcomes == [profile_service_pb2.INGEST_OUTCOME_STORED] * 2
    assert event.message_id == ""


def test_a_stream_of_events_is_answered_batch_by_batch(client: Client) -> None:
    batches = ([profile_pb2.Event(user_id="u3", name="Z")] * size for size in (1, 3))
    answers = [[result.outcome for result in answer.results] for answer in client.stream_events(batches)]
    assert answers == [[profile_service_pb2.INGEST_OUTCOME_STORED] * size for size in (1, 3)]


def test_all_pages_are_read(client: Client) -> None:
    users = [profile_service_pb2.ProfileUpsert(user_id=f"page-{number}") for number in range(10_000)]
    client.upsert_profiles(users)
    rule = as_struct({"list": {"percentage": {"salt": "s", "from": 0, "to": 10_000}}})
    client.create_segment(segment_pb2.Segment(id="everybody", rule=rule))
    client.upsert_profiles([profile_service_pb2.ProfileUpsert(user_id="one-more")])
    members = {each.user_id for each in client.members("everybody")}
    assert members >= {user.user_id for user in users}


def test_definitions_change_and_end(client: Client) -> None:
    first = define(client, "edited")
    changed = client.update_segment(segment_pb2.Segment(id="edited", name="New", etag=first.etag), ["name"])
    assert (changed.segment.version, changed.segment.name) == (2, "New")
    with pytest.raises(CallFailed) as stale:
        client.update_segment(segment_pb2.Segment(id="edited", name="Newer", etag=first.etag), ["name"])
    assert (stale.value.code, stale.value.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert [each.version for each in client.segment_versions("edited")] == [2, 1]
    archived = client.archive_segment("edited", author="ann", note="over").segment
    assert (archived.state, archived.author, archived.note) == (segment_pb2.SEGMENT_STATE_ARCHIVED, "ann", "over")
    assert "edited" not in [each.id for each in client.list_segments()]
    assert "edited" in [each.id for each in client.list_segments(with_archived=True)]
    assert client.restore_segment_version("edited", 1, validate_only=True).segment.version == 4
    restored = client.restore_segment_version("edited", 1, archived.etag, author="bob")
    assert (restored.segment.version, restored.segment.name, restored.segment.author) == (4, first.name, "bob")
    assert not list(client.segment_models("edited"))
    assert client.delete_segment("edited").revision > restored.revision
    assert "edited" not in [each.id for each in client.list_segments(with_archived=True)]


def test_edits_are_tried_first(client: Client) -> None:
    everybody = as_struct({"list": {"percentage": {"salt": "s", "from": 0, "to": 10_000}}})
    client.upsert_profiles([profile_service_pb2.ProfileUpsert(user_id=f"t{i}") for i in range(3)])
    tried = client.create_segment(segment_pb2.Segment(id="tried", rule=everybody), validate_only=True, sample_size=2)
    [change] = tried.preview.changes
    assert (change.entering_count, len(change.entering_user_ids)) == (change.size, 2)
    define(client, "tried")
    update = client.update_segment(segment_pb2.Segment(id="tried", rule=everybody), ["rule"], validate_only=True)
    assert (update.segment.version, update.segment.etag) == (2, "")
    assert client.get_segment("tried").segment.version == 1


def test_profiles_and_attributes(client: Client) -> None:
    item = profile_service_pb2.ProfileUpsert(user_id="p1", attributes=as_struct({"age": 42, "tags": ["a", "b"]}))
    bad = profile_service_pb2.ProfileUpsert(user_id="p2", attributes=as_struct({"age": "old"}))
    good, refused = client.upsert_profiles([item, bad]).results
    assert good.created
    fault = item_fault(refused.error)
    assert (fault.reason, fault.violations[0].field) == ("WRONG_TYPE", "profiles[1].attributes.age")
    assert as_json(client.get_profile("p1").profile.attributes) == {"age": 42, "tags": ["a", "b"]}
    declared = profile_pb2.Attribute(name="shoe", kind=profile_pb2.ATTRIBUTE_KIND_NUMBER)
    assert not client.declare_attributes([declared]).results[0].HasField("error")
    assert "shoe" in [each.name for each in client.list_attributes()]


def test_arguments_that_cannot_be_sent_are_refused_by_name(client: Client) -> None:
    for call in (
        lambda: client.check_at("u1", "s", 10**30),
        lambda: client.migration_matrix(["s"], -(10**40), 0),
        lambda: client.advance_clock_to(10**5000),
        lambda: client.restore_segment_version("s", 2**31),
        lambda: client.replay_dead_letters("crm", [10**5000]),
        lambda: client.discard_dead_letters("crm", [2**63]),
    ):
        with pytest.raises(ArgumentOutOfRange, match=r"^(at|start|instant|version|dead_letter_ids): "):
            call()
    text: Any = "now"
    for wrong in (lambda: client.check_at("u1", "s", text), lambda: client.restore_segment_version("s", text)):
        with pytest.raises(TypeError, match=r"^(at: 'now' is no instant|version: 'now' is no whole number)"):
            wrong()
    target: Any = None
    with pytest.raises(TypeError, match="target: None is no address"):
        Client(target)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_target_has_a_port(kind: type[Client | AsyncClient]) -> None:
    for target in ("localhost", "", "localhost:", "localhost:70000", "http://localhost:50051", "[::1]"):
        with pytest.raises(
            ValueError, match=f"target: {re.escape(repr(target))} is not HOST:PORT, as in localhost:50051"
        ):
            kind(target)
    for target in ("localhost:50051", "[::1]:50051", "unix:/run/segmentd", "unix:segmentd", "dns:///segmentd:50051"):
        kind(target)


def test_is_member_is_the_answer_of_check_as_a_bool(client: Client) -> None:
    define(client, "bought")
    stored = client.ingest_events([profile_pb2.Event(user_id="buyer", name="X", event_time=as_timestamp(AT))])
    assert client.is_member("buyer", "bought", stored.revision) is True
    assert client.is_member("visitor", "bought", min_revision=stored.revision) is False
    with pytest.raises(CallFailed) as missing:
        client.is_member("buyer", "none")
    assert missing.value.reason == "SEGMENT_NOT_FOUND"


def test_a_refused_call_says_why(client: Client) -> None:
    with pytest.raises(CallFailed) as missing:
        client.check("u1", "none")
    assert (missing.value.code, missing.value.reason) == (grpc.StatusCode.NOT_FOUND, "SEGMENT_NOT_FOUND")
    assert missing.value.metadata == {"segment_id": "none"}
    rule = as_struct({"all": [{"behavioral": {"event": "X", "within": "7x"}}, {"nothing": {}}]})
    with pytest.raises(CallFailed) as faulty:
        client.create_segment(segment_pb2.Segment(id="faulty", rule=rule))
    assert faulty.value.reason == "INVALID_RULE"
    fields = [violation.field for violation in faulty.value.violations]
    assert any(field.endswith("rule.all[0].behavioral.within") for field in fields)
    assert any(field.endswith("rule.all[1]") for field in fields)


def test_the_clock_is_moved(client: Client) -> None:
    first = as_instant(client.advance_clock_by(1_500_000).clock_time)
    assert as_instant(client.advance_clock_by(1).clock_time) == first + 1
    assert as_instant(client.advance_clock_to(first + 10).clock_time) == first + 10
    later = datetime.fromtimestamp(first // SECOND + 20, UTC)
    assert as_instant(client.advance_clock_to(later).clock_time) == (first // SECOND + 20) * SECOND
    moved = client.advance_clock_by(timedelta(microseconds=5))
    assert as_instant(moved.clock_time) == (first // SECOND + 20) * SECOND + 5


def test_instants_are_microseconds_or_datetimes(client: Client) -> None:
    define(client, "dated")
    event = profile_pb2.Event(user_id="u9", name="X", event_time=as_timestamp(AT))
    client.ingest_events([event])
    now = as_instant(client.advance_clock_by(1).clock_time)
    then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now - 1)
    abroad = then.astimezone(timezone(timedelta(hours=-7)))
    assert client.check_at("u9", "dated", then) == client.check_at("u9", "dated", abroad)
    assert client.check_at("u9", "dated", then) == client.check_at("u9", "dated", now - 1)
    told, counted = (
        list(client.membership_history(user_id="u9", start=start, end=end)) for start, end in ((0, now), (EPOCH, then))
    )
    assert told == counted
    assert client.migration_matrix(["dated"], EPOCH, then) == client.migration_matrix(["dated"], 0, now - 1)


def test_a_datetime_without_a_time_zone_is_refused(client: Client) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  (that is the test)
    with pytest.raises(ArgumentRefused, match="at: 2026-01-01 00:00:00 has no time zone"):
        client.check_at("u1", "s", naive)
    segment: Any = 17
    with pytest.raises(TypeError, match="segment_id: 17 is no text"):
        next(iter(client.membership_history(segment_id=segment, start=EPOCH)))
