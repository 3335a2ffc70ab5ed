"""What a failed call says, read from the details of its status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from segmentd.v1 import error_reason_pb2, item_error_pb2


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One fault of the input: `field` is its path in the request (`rule.all[1].behavioral.within`)."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class ItemFault:
    """Why one item of a call was refused."""

    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[FieldFault, ...] = ()


class CallFailed(Exception):
    """A call was refused or did not arrive.

    `reason` is a name of ErrorReason without its prefix (`SEGMENT_NOT_FOUND`), or empty where no segmentd answered.
    `retry_after` is in seconds where the server asks for the same call again, else None.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldFault, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = violations
        self.retry_after = retry_after

    @classmethod
    def of(cls, error: grpc.RpcError) -> CallFailed:
        """What a failed call of grpc says; `error` is at once the call."""
        code, message = error.code(), error.details() or ""
        status = _status(error)
        if status is None:
            return cls(code, "", message)
        found = cls(code, "", status.message or message)
        for detail in status.details:
            found._take(detail)
        return found

    def _take(self, detail: object) -> None:
        """Keep what one detail says; details of other kinds are passed over."""
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info):  # type: ignore[attr-defined]  # google.rpc has no stubs; it is a protobuf Any
            self.reason, self.metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):  # type: ignore[attr-defined]  # the same
            self.violations = tuple(FieldFault(each.field, each.description) for each in bad.field_violations)
        elif detail.Unpack(retry):  # type: ignore[attr-defined]  # the same
            self.retry_after = _seconds(retry.retry_delay)


class ClientClosed(ValueError):
    """The client, or its local copy, was asked after `close`."""


def item_fault(error: item_error_pb2.ItemError) -> ItemFault:
    """The error of one item of an answer."""
    return ItemFault(
        error_reason_pb2.ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_"),
        error.message,
        dict(error.metadata),
        tuple(FieldFault(each.field, each.description) for each in error.field_violations),
    )


def _status(error: grpc.RpcError) -> error_details_pb2.Status | None:
    """The google.rpc.Status of a call; None where it has none, or one that contradicts the call."""
    try:
        return rpc_status.from_call(error)  # type: ignore[arg-type]  # errors of calls are calls
    except ValueError:
        return None


def _seconds(duration: duration_pb2.Duration) -> float:
    return duration.seconds + duration.nanos / 1e9
