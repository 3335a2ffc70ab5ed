import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from segmentd.v1 import item_error_pb2 as _item_error_pb2
from segmentd.v1 import membership_pb2 as _membership_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_KIND_UNSPECIFIED: _ClassVar[NodeKind]
    NODE_KIND_ALL: _ClassVar[NodeKind]
    NODE_KIND_ANY: _ClassVar[NodeKind]
    NODE_KIND_NOT: _ClassVar[NodeKind]
    NODE_KIND_SEGMENT: _ClassVar[NodeKind]
    NODE_KIND_CONDITION: _ClassVar[NodeKind]
    NODE_KIND_INCLUDE: _ClassVar[NodeKind]
    NODE_KIND_EXCLUDE: _ClassVar[NodeKind]
NODE_KIND_UNSPECIFIED: NodeKind
NODE_KIND_ALL: NodeKind
NODE_KIND_ANY: NodeKind
NODE_KIND_NOT: NodeKind
NODE_KIND_SEGMENT: NodeKind
NODE_KIND_CONDITION: NodeKind
NODE_KIND_INCLUDE: NodeKind
NODE_KIND_EXCLUDE: NodeKind

class Explanation(_message.Message):
    __slots__ = ("kind", "path", "text", "segment_id", "membership", "holds_until_time", "reasons", "children", "error")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    HOLDS_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    kind: NodeKind
    path: str
    text: str
    segment_id: str
    membership: _membership_pb2.Membership
    holds_until_time: _timestamp_pb2.Timestamp
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    children: _containers.RepeatedCompositeFieldContainer[Explanation]
    error: _item_error_pb2.ItemError
    def __init__(self, kind: _Optional[_Union[NodeKind, str]] = ..., path: _Optional[str] = ..., text: _Optional[str] = ..., segment_id: _Optional[str] = ..., membership: _Optional[_Union[_membership_pb2.Membership, str]] = ..., holds_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., children: _Optional[_Iterable[_Union[Explanation, _Mapping]]] = ..., error: _Optional[_Union[_item_error_pb2.ItemError, _Mapping]] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("subject", "operator", "observed", "threshold", "member")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    subject: str
    operator: str
    observed: _struct_pb2.Value
    threshold: _struct_pb2.Value
    member: bool
    def __init__(self, subject: _Optional[str] = ..., operator: _Optional[str] = ..., observed: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., threshold: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., member: _Optional[bool] = ...) -> None: ...
