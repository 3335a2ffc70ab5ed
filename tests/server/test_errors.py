"""Every error arrives with its code, its reason and its details; an unexpected one gives nothing away."""

from __future__ import annotations

import logging

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from tests.server.live import admin_server, channel_to, run
from tests.server.toys import Toy, detail_in, status_in, violations_in

from segmentd import errors
from segmentd.errors import FieldViolation, Reason, SegmentdError
from segmentd.server.errors import DOMAIN, item_error_of, shortened, status_of
from segmentd.v1 import admin_service_pb2 as pb
from segmentd.v1 import admin_service_pb2_grpc, error_reason_pb2

KINDS: list[tuple[SegmentdError, grpc.StatusCode]] = [
    (errors.InvalidInput.at("rule.all[1]", "no"), grpc.StatusCode.INVALID_ARGUMENT),
    (errors.NotFound(Reason.SEGMENT_NOT_FOUND, "no x", {"segment_id": "x"}), grpc.StatusCode.NOT_FOUND),
    (errors.AlreadyExists(Reason.SEGMENT_EXISTS, "x is there"), grpc.StatusCode.ALREADY_EXISTS),
    (errors.Conflict(Reason.ETAG_MISMATCH, "changed"), grpc.StatusCode.ABORTED),
    (errors.FailedPrecondition(Reason.SEGMENT_PENDING, "pending"), grpc.StatusCode.FAILED_PRECONDITION),
    (errors.ResourceExhausted(Reason.OVERLOADED, "too much"), grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.OutOfRange(Reason.POSITION_COMPACTED, "too old"), grpc.StatusCode.OUT_OF_RANGE),
    (errors.Unavailable(Reason.SHUTTING_DOWN, "going down"), grpc.StatusCode.UNAVAILABLE),
    (errors.DeadlineExceeded(Reason.REVISION_NOT_REACHED, "late"), grpc.StatusCode.DEADLINE_EXCEEDED),
    (errors.StorageFailed("disk"), grpc.StatusCode.INTERNAL),
    (errors.PluginBroken("rfm lies"), grpc.StatusCode.INTERNAL),
]


async def failure(error: BaseException) -> grpc.aio.AioRpcError:
    """What a client sees when a handler raises `error`."""

    async def fail() -> pb.GetStatusResponse:
        raise error

    async with channel_to(admin_server(Toy(fail))) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await admin_service_pb2_grpc.AdminServiceStub(channel).GetStatus(pb.GetStatusRequest())
        return seen.value


@pytest.mark.parametrize(("error", "code"), KINDS, ids=lambda value: type(value).__name__)
def test_each_kind_of_error_has_its_code_reason_and_message(error: SegmentdError, code: grpc.StatusCode) -> None:
    seen = run(failure(error))
    info = detail_in(seen, error_details_pb2.ErrorInfo)
    assert (seen.code(), seen.details()) == (code, error.message)
    assert (info.reason, info.domain, dict(info.metadata)) == (error.reason.value, DOMAIN, error.metadata)


def test_every_class_of_error_is_mapped() -> None:
    tried = {type(error) for error, _ in KINDS}
    assert all(any(issubclass(kind, direct) for kind in tried) for direct in SegmentdError.__subclasses__())


def test_every_reason_is_published_with_the_same_name() -> None:
    published = {name.removeprefix("ERROR_REASON_") for name in error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name}
    assert published == {reason.value for reason in Reason} | {"UNSPECIFIED"}


def test_violations_name_their_fields() -> None:
    faults = [FieldViolation("user_id", "it is empty"), FieldViolation("labels.a", "it is long")]
    assert violations_in(run(failure(errors.InvalidInput(faults)))) == {
        "user_id": "it is empty",
        "labels.a": "it is long",
    }


def test_overload_says_when_to_try_again() -> None:
    seen = run(failure(errors.ResourceExhausted(Reason.OVERLOADED, "too much")))
    assert detail_in(seen, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() > 0


def test_a_thousand_faults_arrive_cut_short_and_say_how_many_there_are() -> None:
    faults = [FieldViolation(f"events[{index}].properties.größe", "ö" * 200) for index in range(1000)]
    seen = run(failure(errors.InvalidInput(faults, metadata={"long": "ü" * 5000})))
    named = violations_in(seen)
    assert seen.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert named["…"] == f"and {1000 - len(named) + 1} more faults"


@pytest.mark.parametrize(
    ("error", "traceback"),
    [
        (errors.PluginBroken("rfm lies"), [True]),
        (errors.StorageFailed("disk"), [False]),
        (errors.MovesWait("disk"), []),
        (errors.Unavailable(Reason.OVERLOADED, "busy"), []),
    ],
)
def test_a_fault_of_the_server_is_logged_unless_it_was_told_before(
    error: SegmentdError, traceback: list[bool], caplog: pytest.LogCaptureFixture
) -> None:
    run(failure(error))
    assert [bool(each.exc_info) for each in caplog.records if error.message in each.getMessage()] == traceback


def test_an_unexpected_exception_is_an_incident_that_only_the_log_explains(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        seen = run(failure(KeyError("secret")))
    incident = detail_in(seen, error_details_pb2.ErrorInfo).metadata["incident"]
    assert seen.code() == grpc.StatusCode.INTERNAL
    assert "secret" not in str(status_in(seen))
    assert incident in (seen.details() or "")
    (record,) = [record for record in caplog.records if incident in record.getMessage()]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], KeyError)


def test_an_error_of_segmentds_own_fault_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    run(failure(errors.StorageFailed("the disk is full")))
    assert "the disk is full" in caplog.text


def test_an_item_error_has_the_same_facts_under_the_path_of_the_item() -> None:
    item = item_error_of(errors.InvalidInput.at("properties.total", "not money", Reason.WRONG_TYPE), "events[3].")
    assert item.reason == error_reason_pb2.ERROR_REASON_WRONG_TYPE
    assert [(found.field, found.description) for found in item.field_violations] == [
        ("events[3].properties.total", "not money")
    ]


def test_text_that_utf8_cannot_hold_does_not_break_the_answer() -> None:
    assert status_of(errors.NotFound(Reason.USER_NOT_FOUND, "no \ud800", {"user_id": "\ud800"})).message == "no ?"


def test_shortened_text_is_valid_and_within_its_limit() -> None:
    short = shortened("ü" * 100, 20)
    assert short.endswith("…")
    assert len(short.encode()) <= 20


def test_equal_errors_are_equal_bytes() -> None:
    names = [f"name{number}" for number in range(20)]
    both = [dict.fromkeys(order, "x") for order in (names, names[::-1])]
    first, second = (status_of(errors.NotFound(Reason.SEGMENT_NOT_FOUND, "no x", metadata)) for metadata in both)
    assert first.SerializeToString() == second.SerializeToString()
