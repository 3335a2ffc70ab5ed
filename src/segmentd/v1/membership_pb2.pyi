import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from segmentd.v1 import item_error_pb2 as _item_error_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Membership(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBERSHIP_UNSPECIFIED: _ClassVar[Membership]
    MEMBERSHIP_MEMBER: _ClassVar[Membership]
    MEMBERSHIP_NOT_MEMBER: _ClassVar[Membership]
MEMBERSHIP_UNSPECIFIED: Membership
MEMBERSHIP_MEMBER: Membership
MEMBERSHIP_NOT_MEMBER: Membership

class SegmentMembership(_message.Message):
    __slots__ = ("segment_id", "membership", "holds_until_time", "error")
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    HOLDS_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    segment_id: str
    membership: Membership
    holds_until_time: _timestamp_pb2.Timestamp
    error: _item_error_pb2.ItemError
    def __init__(self, segment_id: _Optional[str] = ..., membership: _Optional[_Union[Membership, str]] = ..., holds_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[_Union[_item_error_pb2.ItemError, _Mapping]] = ...) -> None: ...

class UserSegment(_message.Message):
    __slots__ = ("segment_id", "name", "labels", "holds_until_time", "leaves_time", "leaves_time_is_lower_bound")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    HOLDS_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    LEAVES_TIME_FIELD_NUMBER: _ClassVar[int]
    LEAVES_TIME_IS_LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    segment_id: str
    name: str
    labels: _containers.ScalarMap[str, str]
    holds_until_time: _timestamp_pb2.Timestamp
    leaves_time: _timestamp_pb2.Timestamp
    leaves_time_is_lower_bound: bool
    def __init__(self, segment_id: _Optional[str] = ..., name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., holds_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., leaves_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., leaves_time_is_lower_bound: _Optional[bool] = ...) -> None: ...

class SegmentError(_message.Message):
    __slots__ = ("segment_id", "error")
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    segment_id: str
    error: _item_error_pb2.ItemError
    def __init__(self, segment_id: _Optional[str] = ..., error: _Optional[_Union[_item_error_pb2.ItemError, _Mapping]] = ...) -> None: ...

class SegmentMember(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...
