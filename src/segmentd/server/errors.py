"""The one place that maps the errors of segmentd to gRPC status and to the errors of single items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import grpc
from google.protobuf import duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from segmentd import errors
from segmentd.errors import FieldViolation, Reason, SegmentdError
from segmentd.v1 import error_reason_pb2, item_error_pb2

DOMAIN: Final = "segmentd.dev"
DETAILS_KEY: Final = "grpc-status-details-bin"

# Clients take 8 KiB of metadata and drop the whole answer beyond. The details go in base64 (4/3), and the message goes
# twice: inside of the details and, percent-encoded (up to 3 bytes per byte), beside them.
_MAX_DETAILS: Final = 4_000
_MAX_MESSAGE: Final = 800
_MAX_METADATA_VALUE: Final = 300
_MAX_DESCRIPTION: Final = 500

_CODES: Final[tuple[tuple[type[SegmentdError], grpc.StatusCode], ...]] = (
    (errors.InvalidInput, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.NotFound, grpc.StatusCode.NOT_FOUND),
    (errors.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (errors.Conflict, grpc.StatusCode.ABORTED),
    (errors.FailedPrecondition, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.ResourceExhausted, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.OutOfRange, grpc.StatusCode.OUT_OF_RANGE),
    (errors.Unavailable, grpc.StatusCode.UNAVAILABLE),
    (errors.DeadlineExceeded, grpc.StatusCode.DEADLINE_EXCEEDED),
    (errors.Internal, grpc.StatusCode.INTERNAL),
)
_RETRY_MILLIS: Final = {Reason.OVERLOADED: 200, Reason.SHUTTING_DOWN: 1_000, Reason.WATCH_TOO_SLOW: 1_000}
"""After how many milliseconds a client should try again."""


def code_of(error: SegmentdError) -> grpc.StatusCode:
    """The canonical code of an error; INTERNAL for a class that is not mapped."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), grpc.StatusCode.INTERNAL)


def status_of(error: SegmentdError) -> status_pb2.Status:
    """The status with its details, cut to what fits into the trailing metadata of a call."""
    status = status_pb2.Status(code=code_of(error).value[0], message=shortened(error.message, _MAX_MESSAGE))
    _pack(status, _error_info(error))
    if error.reason in _RETRY_MILLIS:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(_RETRY_MILLIS[error.reason])
        _pack(status, error_details_pb2.RetryInfo(retry_delay=delay))
    violations = violations_of(error)
    if violations:
        _pack(status, _bad_request(violations, _MAX_DETAILS - status.ByteSize()))
    return status


def item_error_of(error: SegmentdError, prefix: str = "") -> item_error_pb2.ItemError:
    """The error of one item of a batch; `prefix` (`events[3].`) stands before the path of each violation."""
    return item_error_pb2.ItemError(
        reason=error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{error.reason.value}"),
        message=shortened(error.message, _MAX_MESSAGE),
        metadata={key: shortened(value, _MAX_METADATA_VALUE) for key, value in error.metadata.items()},
        field_violations=[
            item_error_pb2.FieldViolation(
                field=prefix + shortened(found.field, _MAX_DESCRIPTION),
                description=shortened(found.description, _MAX_DESCRIPTION),
            )
            for found in violations_of(error)
        ],
    )


def violations_of(error: SegmentdError) -> tuple[FieldViolation, ...]:
    """The faults of the input that an error names; none where it is about something else."""
    return error.violations if isinstance(error, errors.InvalidInput) else ()


def repathed(error: errors.InvalidInput, old: str, new: str) -> errors.InvalidInput:
    """The same faults where paths that begin with `old` begin with `new`: the service names fields in its own words."""
    found = [
        FieldViolation(new + each.field.removeprefix(old), each.description) if each.field.startswith(old) else each
        for each in error.violations
    ]
    return errors.InvalidInput(found, error.reason, error.metadata)


def shortened(text: str, limit: int) -> str:
    """`text` in at most `limit` bytes of valid UTF-8; what was cut is shown by an ellipsis."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return encoded.decode("utf-8")
    return encoded[: limit - 3].decode("utf-8", "ignore") + "…"


def _error_info(error: SegmentdError) -> error_details_pb2.ErrorInfo:
    metadata = {key: shortened(value, _MAX_METADATA_VALUE) for key, value in error.metadata.items()}
    return error_details_pb2.ErrorInfo(reason=error.reason.value, domain=DOMAIN, metadata=metadata)


def _bad_request(violations: tuple[FieldViolation, ...], room: int) -> error_details_pb2.BadRequest:
    """As many violations as fit into `room` bytes; the last one then says how many more there are."""
    bad = error_details_pb2.BadRequest()
    for index, violation in enumerate(_as_protos(violations)):
        if bad.ByteSize() + violation.ByteSize() > room - 100:
            rest = len(violations) - index
            bad.field_violations.add(field="…", description=f"and {rest} more faults")
            break
        bad.field_violations.append(violation)
    return bad


def _as_protos(violations: Iterable[FieldViolation]) -> Iterator[error_details_pb2.BadRequest.FieldViolation]:
    for found in violations:
        yield error_details_pb2.BadRequest.FieldViolation(
            field=shortened(found.field, _MAX_DESCRIPTION), description=shortened(found.description, _MAX_DESCRIPTION)
        )


def _pack(status: status_pb2.Status, detail: Message) -> None:
    # In one order of metadata in all processes, so that equal refusals are equal bytes.
    status.details.add().Pack(detail, deterministic=True)
