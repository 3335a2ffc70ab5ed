"""What the client puts on the wire, seen from a channel that a test answers by hand."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc_testing
import pytest

from segmentd.client import CallFailed, Client
from segmentd.v1 import membership_pb2, profile_pb2
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import profile_service_pb2 as profiles

SERVICES = (
    profiles.DESCRIPTOR.services_by_name["ProfileService"],
    questions.DESCRIPTOR.services_by_name["MembershipService"],
)
INGEST = SERVICES[0].methods_by_name["IngestEvents"]
CHECK = SERVICES[1].methods_by_name["CheckMembership"]


@pytest.fixture
def channel() -> grpc_testing.Channel:
    return grpc_testing.channel(SERVICES, grpc_testing.strict_fake_time(0))


@pytest.fixture
def client(channel: grpc_testing.Channel) -> Client:
    return Client(channel=channel, timeout=7)


@pytest.fixture
def caller() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_an_event_without_a_message_id_gets_one_and_a_given_one_stays(
    channel: grpc_testing.Channel, client: Client, caller: ThreadPoolExecutor
) -> None:
    events = [profile_pb2.Event(user_id="ada", name="Seen", message_id=each) for each in ("", "", "mine")]
    answer = caller.submit(client.ingest_events, events)
    _, request, call = channel.take_unary_unary(INGEST)
    call.terminate(profiles.IngestEventsResponse(revision=3), (), grpc.StatusCode.OK, "")
    first, second, mine = (event.message_id for event in request.events)
    assert first
    assert second
    assert first != second
    assert mine == "mine"
    assert answer.result().revision == 3
    assert [event.message_id for event in events] == ["", "", "mine"]


def test_a_question_names_user_segment_and_revision(
    channel: grpc_testing.Channel, client: Client, caller: ThreadPoolExecutor
) -> None:
    answer = caller.submit(client.check, "ada", "vip", 12)
    _, request, call = channel.take_unary_unary(CHECK)
    call.terminate(questions.CheckMembershipResponse(revision=12), (), grpc.StatusCode.OK, "")
    assert (request.user_id, request.segment_id, request.min_revision) == ("ada", "vip", 12)
    assert answer.result().revision == 12


@pytest.mark.parametrize(
    ("membership", "member"),
    [(membership_pb2.MEMBERSHIP_MEMBER, True), (membership_pb2.MEMBERSHIP_NOT_MEMBER, False)],
)
def test_is_member_asks_the_same_and_answers_a_bool(
    channel: grpc_testing.Channel,
    client: Client,
    caller: ThreadPoolExecutor,
    membership: membership_pb2.Membership.ValueType,
    member: bool,
) -> None:
    answer = caller.submit(client.is_member, "ada", "vip", 12)
    _, request, call = channel.take_unary_unary(CHECK)
    call.terminate(questions.CheckMembershipResponse(membership=membership), (), grpc.StatusCode.OK, "")
    assert (request.user_id, request.segment_id, request.min_revision) == ("ada", "vip", 12)
    assert answer.result() is member


def test_an_answer_that_says_neither_is_no_bool(
    channel: grpc_testing.Channel, client: Client, caller: ThreadPoolExecutor
) -> None:
    answer = caller.submit(client.is_member, "ada", "vip")
    _, _, call = channel.take_unary_unary(CHECK)
    call.terminate(questions.CheckMembershipResponse(), (), grpc.StatusCode.OK, "")
    with pytest.raises(CallFailed, match="neither"):
        answer.result()


def test_a_status_without_details_still_is_the_one_error(
    channel: grpc_testing.Channel, client: Client, caller: ThreadPoolExecutor
) -> None:
    answer = caller.submit(client.check, "ada", "vip")
    _, _, call = channel.take_unary_unary(CHECK)
    call.terminate(None, (), grpc.StatusCode.PERMISSION_DENIED, "a proxy says no")
    with pytest.raises(CallFailed, match="a proxy says no") as failed:
        answer.result()
    assert failed.value.code is grpc.StatusCode.PERMISSION_DENIED
