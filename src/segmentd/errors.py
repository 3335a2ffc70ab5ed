"""Every error that segmentd raises on purpose, as one tree. Only the server knows their gRPC codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The published reasons; `ErrorReason` of the proto has the same names."""

    INVALID_REQUEST = "INVALID_REQUEST"
    INVALID_RULE = "INVALID_RULE"
    WRONG_TYPE = "WRONG_TYPE"
    UNKNOWN_CURRENCY = "UNKNOWN_CURRENCY"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    PAGE_TOKEN_MISMATCH = "PAGE_TOKEN_MISMATCH"  # noqa: S105  (a reason, no secret)
    SEGMENT_NOT_FOUND = "SEGMENT_NOT_FOUND"
    USER_NOT_FOUND = "USER_NOT_FOUND"
    SEGMENT_EXISTS = "SEGMENT_EXISTS"
    MESSAGE_ID_REUSED = "MESSAGE_ID_REUSED"
    ETAG_MISMATCH = "ETAG_MISMATCH"
    SEGMENT_PENDING = "SEGMENT_PENDING"
    SEGMENT_FAILED = "SEGMENT_FAILED"
    SEGMENT_ARCHIVED = "SEGMENT_ARCHIVED"
    SEGMENT_REFERENCED = "SEGMENT_REFERENCED"
    NO_MODEL = "NO_MODEL"
    CLOCK_NOT_FROZEN = "CLOCK_NOT_FROZEN"
    REVISION_NOT_REACHED = "REVISION_NOT_REACHED"
    OVERLOADED = "OVERLOADED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    STORAGE_FAILED = "STORAGE_FAILED"
    PLUGIN_BROKEN = "PLUGIN_BROKEN"
    EVALUATION_FAILED = "EVALUATION_FAILED"
    INTERNAL = "INTERNAL"
    POSITION_INVALID = "POSITION_INVALID"
    POSITION_COMPACTED = "POSITION_COMPACTED"
    HISTORY_COMPACTED = "HISTORY_COMPACTED"
    WATCH_TOO_SLOW = "WATCH_TOO_SLOW"
    VERSION_NOT_FOUND = "VERSION_NOT_FOUND"
    SEGMENT_MANAGED = "SEGMENT_MANAGED"
    GROUP_NOT_FOUND = "GROUP_NOT_FOUND"
    GROUP_EXISTS = "GROUP_EXISTS"
    LIST_NOT_FOUND = "LIST_NOT_FOUND"
    LIST_REFERENCED = "LIST_REFERENCED"
    USER_ERASED = "USER_ERASED"
    RETENTION_TOO_SHORT = "RETENTION_TOO_SHORT"
    CONSUMER_NOT_FOUND = "CONSUMER_NOT_FOUND"
    DEAD_LETTER_NOT_FOUND = "DEAD_LETTER_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One fault of the input: `field` is its path (`rule.all[1].behavioral.within`)."""

    field: str
    description: str


class SegmentdError(Exception):
    """The root: a message for people, a reason and metadata for programs."""

    def __init__(self, reason: Reason, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})


class InvalidInput(SegmentdError):
    """The request can never succeed as it is; `violations` name every fault."""

    def __init__(
        self,
        violations: Sequence[FieldViolation],
        reason: Reason = Reason.INVALID_REQUEST,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason, "; ".join(f"{v.field}: {v.description}" for v in violations), metadata)
        self.violations = tuple(violations)

    @classmethod
    def at(cls, field: str, description: str, reason: Reason = Reason.INVALID_REQUEST) -> InvalidInput:
        """One fault at one field."""
        return cls([FieldViolation(field, description)], reason)

    def below(self, prefix: str) -> InvalidInput:
        """The same faults of something that stands at `prefix` (`events[3].`) of something larger."""
        found = [FieldViolation(prefix + each.field, each.description) for each in self.violations]
        return InvalidInput(found, self.reason, self.metadata)


class NotFound(SegmentdError):
    """What was named does not exist."""


class AlreadyExists(SegmentdError):
    """What was to be created is there, or an id is used again for something else."""


class Conflict(SegmentdError):
    """Somebody else changed it first (etag)."""


class FailedPrecondition(SegmentdError):
    """The request is sound, but not in the present state of what it names."""


class ResourceExhausted(SegmentdError):
    """A limit was reached; the message says which."""


class OutOfRange(SegmentdError):
    """What was asked for lies before what is still kept; ask for something later."""


class Unavailable(SegmentdError):
    """Not now; the same call may succeed later."""


class DeadlineExceeded(SegmentdError):
    """What the call waited for did not happen before its deadline."""


class Internal(SegmentdError):
    """segmentd or a plugin is at fault."""


class StorageFailed(Internal):
    """The database could not be opened, read or written."""

    def __init__(self, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(Reason.STORAGE_FAILED, message, metadata)


class MovesWait(StorageFailed):
    """Moves that are due cannot be recorded, and wait; nothing was changed, and memory is as of the last commit."""


class PluginBroken(Internal):
    """A plugin does not keep the contract; the message names it and the rule it broke."""

    def __init__(self, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(Reason.PLUGIN_BROKEN, message, metadata)
