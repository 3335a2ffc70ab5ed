import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from segmentd.v1 import explanation_pb2 as _explanation_pb2
from segmentd.v1 import item_error_pb2 as _item_error_pb2
from segmentd.v1 import membership_pb2 as _membership_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckMembershipRequest(_message.Message):
    __slots__ = ("user_id", "segment_id", "min_revision")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    segment_id: str
    min_revision: int
    def __init__(self, user_id: _Optional[str] = ..., segment_id: _Optional[str] = ..., min_revision: _Optional[int] = ...) -> None: ...

class CheckMembershipResponse(_message.Message):
    __slots__ = ("membership", "revision", "evaluate_time", "holds_until_time", "user_known")
    MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_TIME_FIELD_NUMBER: _ClassVar[int]
    HOLDS_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    USER_KNOWN_FIELD_NUMBER: _ClassVar[int]
    membership: _membership_pb2.Membership
    revision: int
    evaluate_time: _timestamp_pb2.Timestamp
    holds_until_time: _timestamp_pb2.Timestamp
    user_known: bool
    def __init__(self, membership: _Optional[_Union[_membership_pb2.Membership, str]] = ..., revision: _Optional[int] = ..., evaluate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., holds_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., user_known: _Optional[bool] = ...) -> None: ...

class CheckMembershipsRequest(_message.Message):
    __slots__ = ("user_id", "segment_ids", "min_revision")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    segment_ids: _containers.RepeatedScalarFieldContainer[str]
    min_revision: int
    def __init__(self, user_id: _Optional[str] = ..., segment_ids: _Optional[_Iterable[str]] = ..., min_revision: _Optional[int] = ...) -> None: ...

class CheckMembershipsResponse(_message.Message):
    __slots__ = ("memberships", "revision", "evaluate_time", "user_known")
    MEMBERSHIPS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_TIME_FIELD_NUMBER: _ClassVar[int]
    USER_KNOWN_FIELD_NUMBER: _ClassVar[int]
    memberships: _containers.RepeatedCompositeFieldContainer[_membership_pb2.SegmentMembership]
    revision: int
    evaluate_time: _timestamp_pb2.Timestamp
    user_known: bool
    def __init__(self, memberships: _Optional[_Iterable[_Union[_membership_pb2.SegmentMembership, _Mapping]]] = ..., revision: _Optional[int] = ..., evaluate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., user_known: _Optional[bool] = ...) -> None: ...

class BatchCheckMembershipsRequest(_message.Message):
    __slots__ = ("user_ids", "segment_ids", "min_revision")
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    segment_ids: _containers.RepeatedScalarFieldContainer[str]
    min_revision: int
    def __init__(self, user_ids: _Optional[_Iterable[str]] = ..., segment_ids: _Optional[_Iterable[str]] = ..., min_revision: _Optional[int] = ...) -> None: ...

class BatchCheckMembershipsResponse(_message.Message):
    __slots__ = ("member_bits", "bytes_per_user", "unknown_user_indexes", "user_errors", "segment_errors", "revision", "evaluate_time", "holds_until_time")
    MEMBER_BITS_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_USER_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_USER_INDEXES_FIELD_NUMBER: _ClassVar[int]
    USER_ERRORS_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ERRORS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_TIME_FIELD_NUMBER: _ClassVar[int]
    HOLDS_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    member_bits: bytes
    bytes_per_user: int
    unknown_user_indexes: _containers.RepeatedScalarFieldContainer[int]
    user_errors: _containers.RepeatedCompositeFieldContainer[IndexedError]
    segment_errors: _containers.RepeatedCompositeFieldContainer[IndexedError]
    revision: int
    evaluate_time: _timestamp_pb2.Timestamp
    holds_until_time: _timestamp_pb2.Timestamp
    def __init__(self, member_bits: _Optional[bytes] = ..., bytes_per_user: _Optional[int] = ..., unknown_user_indexes: _Optional[_Iterable[int]] = ..., user_errors: _Optional[_Iterable[_Union[IndexedError, _Mapping]]] = ..., segment_errors: _Optional[_Iterable[_Union[IndexedError, _Mapping]]] = ..., revision: _Optional[int] = ..., evaluate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., holds_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IndexedError(_message.Message):
    __slots__ = ("index", "error")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    index: int
    error: _item_error_pb2.ItemError
    def __init__(self, index: _Optional[int] = ..., error: _Optional[_Union[_item_error_pb2.ItemError, _Mapping]] = ...) -> None: ...

class ListUserSegmentsRequest(_message.Message):
    __slots__ = ("user_id", "labels", "with_leaves_time", "min_revision", "page_size", "page_token")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    WITH_LEAVES_TIME_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    labels: _containers.ScalarMap[str, str]
    with_leaves_time: bool
    min_revision: int
    page_size: int
    page_token: str
    def __init__(self, user_id: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., with_leaves_time: _Optional[bool] = ..., min_revision: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListUserSegmentsResponse(_message.Message):
    __slots__ = ("segments", "errors", "revision", "evaluate_time", "user_known", "next_page_token")
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_TIME_FIELD_NUMBER: _ClassVar[int]
    USER_KNOWN_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[_membership_pb2.UserSegment]
    errors: _containers.RepeatedCompositeFieldContainer[_membership_pb2.SegmentError]
    revision: int
    evaluate_time: _timestamp_pb2.Timestamp
    user_known: bool
    next_page_token: str
    def __init__(self, segments: _Optional[_Iterable[_Union[_membership_pb2.UserSegment, _Mapping]]] = ..., errors: _Optional[_Iterable[_Union[_membership_pb2.SegmentError, _Mapping]]] = ..., revision: _Optional[int] = ..., evaluate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., user_known: _Optional[bool] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListSegmentMembersRequest(_message.Message):
    __slots__ = ("segment_id", "min_revision", "page_size", "page_token")
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    segment_id: str
    min_revision: int
    page_size: int
    page_token: str
    def __init__(self, segment_id: _Optional[str] = ..., min_revision: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSegmentMembersResponse(_message.Message):
    __slots__ = ("members", "total_size", "revision", "evaluate_time", "next_page_token")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_TIME_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[_membership_pb2.SegmentMember]
    total_size: int
    revision: int
    evaluate_time: _timestamp_pb2.Timestamp
    next_page_token: str
    def __init__(self, members: _Optional[_Iterable[_Union[_membership_pb2.SegmentMember, _Mapping]]] = ..., total_size: _Optional[int] = ..., revision: _Optional[int] = ..., evaluate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ExplainMembershipRequest(_message.Message):
    __slots__ = ("user_id", "segment_id", "with_leaves_time", "min_revision")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    WITH_LEAVES_TIME_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    segment_id: str
    with_leaves_time: bool
    min_revision: int
    def __init__(self, user_id: _Optional[str] = ..., segment_id: _Optional[str] = ..., with_leaves_time: _Optional[bool] = ..., min_revision: _Optional[int] = ...) -> None: ...

class ExplainMembershipResponse(_message.Message):
    __slots__ = ("membership", "explanation", "segment_version", "revision", "evaluate_time", "holds_until_time", "leaves_time", "leaves_time_is_lower_bound", "user_known")
    MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_TIME_FIELD_NUMBER: _ClassVar[int]
    HOLDS_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    LEAVES_TIME_FIELD_NUMBER: _ClassVar[int]
    LEAVES_TIME_IS_LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    USER_KNOWN_FIELD_NUMBER: _ClassVar[int]
    membership: _membership_pb2.Membership
    explanation: _explanation_pb2.Explanation
    segment_version: int
    revision: int
    evaluate_time: _timestamp_pb2.Timestamp
    holds_until_time: _timestamp_pb2.Timestamp
    leaves_time: _timestamp_pb2.Timestamp
    leaves_time_is_lower_bound: bool
    user_known: bool
    def __init__(self, membership: _Optional[_Union[_membership_pb2.Membership, str]] = ..., explanation: _Optional[_Union[_explanation_pb2.Explanation, _Mapping]] = ..., segment_version: _Optional[int] = ..., revision: _Optional[int] = ..., evaluate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., holds_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., leaves_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., leaves_time_is_lower_bound: _Optional[bool] = ..., user_known: _Optional[bool] = ...) -> None: ...
