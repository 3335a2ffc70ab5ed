import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttributeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTE_KIND_UNSPECIFIED: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_NUMBER: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_MONEY: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_FLAG: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_TEXT: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_DATE: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_INSTANT: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_TAGS: _ClassVar[AttributeKind]

class AttributeSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTE_SOURCE_UNSPECIFIED: _ClassVar[AttributeSource]
    ATTRIBUTE_SOURCE_CONVENTION: _ClassVar[AttributeSource]
    ATTRIBUTE_SOURCE_DECLARED: _ClassVar[AttributeSource]
    ATTRIBUTE_SOURCE_FIRST_VALUE: _ClassVar[AttributeSource]
    ATTRIBUTE_SOURCE_DERIVED: _ClassVar[AttributeSource]
ATTRIBUTE_KIND_UNSPECIFIED: AttributeKind
ATTRIBUTE_KIND_NUMBER: AttributeKind
ATTRIBUTE_KIND_MONEY: AttributeKind
ATTRIBUTE_KIND_FLAG: AttributeKind
ATTRIBUTE_KIND_TEXT: AttributeKind
ATTRIBUTE_KIND_DATE: AttributeKind
ATTRIBUTE_KIND_INSTANT: AttributeKind
ATTRIBUTE_KIND_TAGS: AttributeKind
ATTRIBUTE_SOURCE_UNSPECIFIED: AttributeSource
ATTRIBUTE_SOURCE_CONVENTION: AttributeSource
ATTRIBUTE_SOURCE_DECLARED: AttributeSource
ATTRIBUTE_SOURCE_FIRST_VALUE: AttributeSource
ATTRIBUTE_SOURCE_DERIVED: AttributeSource

class Profile(_message.Message):
    __slots__ = ("user_id", "attributes", "create_time", "update_time")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    attributes: _struct_pb2.Struct
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, user_id: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("user_id", "name", "message_id", "event_time", "properties", "context", "original_time", "sent_time", "received_time")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_TIME_FIELD_NUMBER: _ClassVar[int]
    SENT_TIME_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_TIME_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    name: str
    message_id: str
    event_time: _timestamp_pb2.Timestamp
    properties: _struct_pb2.Struct
    context: _struct_pb2.Struct
    original_time: _timestamp_pb2.Timestamp
    sent_time: _timestamp_pb2.Timestamp
    received_time: _timestamp_pb2.Timestamp
    def __init__(self, user_id: _Optional[str] = ..., name: _Optional[str] = ..., message_id: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., properties: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., original_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sent_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Attribute(_message.Message):
    __slots__ = ("name", "kind", "source")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: AttributeKind
    source: AttributeSource
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[AttributeKind, str]] = ..., source: _Optional[_Union[AttributeSource, str]] = ...) -> None: ...
