from google.protobuf import struct_pb2 as _struct_pb2
from segmentd.v1 import item_error_pb2 as _item_error_pb2
from segmentd.v1 import profile_pb2 as _profile_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IngestOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INGEST_OUTCOME_UNSPECIFIED: _ClassVar[IngestOutcome]
    INGEST_OUTCOME_STORED: _ClassVar[IngestOutcome]
    INGEST_OUTCOME_DUPLICATE: _ClassVar[IngestOutcome]
    INGEST_OUTCOME_REFUSED: _ClassVar[IngestOutcome]
INGEST_OUTCOME_UNSPECIFIED: IngestOutcome
INGEST_OUTCOME_STORED: IngestOutcome
INGEST_OUTCOME_DUPLICATE: IngestOutcome
INGEST_OUTCOME_REFUSED: IngestOutcome

class UpsertProfilesRequest(_message.Message):
    __slots__ = ("profiles",)
    PROFILES_FIELD_NUMBER: _ClassVar[int]
    profiles: _containers.RepeatedCompositeFieldContainer[ProfileUpsert]
    def __init__(self, profiles: _Optional[_Iterable[_Union[ProfileUpsert, _Mapping]]] = ...) -> None: ...

class ProfileUpsert(_message.Message):
    __slots__ = ("user_id", "attributes")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    attributes: _struct_pb2.Struct
    def __init__(self, user_id: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class UpsertProfilesResponse(_message.Message):
    __slots__ = ("results", "revision")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[UpsertProfileResult]
    revision: int
    def __init__(self, results: _Optional[_Iterable[_Union[UpsertProfileResult, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class UpsertProfileResult(_message.Message):
    __slots__ = ("created", "error")
    CREATED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    created: bool
    error: _item_error_pb2.ItemError
    def __init__(self, created: _Optional[bool] = ..., error: _Optional[_Union[_item_error_pb2.ItemError, _Mapping]] = ...) -> None: ...

class IngestEventsRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_profile_pb2.Event]
    def __init__(self, events: _Optional[_Iterable[_Union[_profile_pb2.Event, _Mapping]]] = ...) -> None: ...

class IngestEventsResponse(_message.Message):
    __slots__ = ("results", "revision")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[IngestEventResult]
    revision: int
    def __init__(self, results: _Optional[_Iterable[_Union[IngestEventResult, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class IngestEventResult(_message.Message):
    __slots__ = ("outcome", "error")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    outcome: IngestOutcome
    error: _item_error_pb2.ItemError
    def __init__(self, outcome: _Optional[_Union[IngestOutcome, str]] = ..., error: _Optional[_Union[_item_error_pb2.ItemError, _Mapping]] = ...) -> None: ...

class GetProfileRequest(_message.Message):
    __slots__ = ("user_id", "min_revision")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    min_revision: int
    def __init__(self, user_id: _Optional[str] = ..., min_revision: _Optional[int] = ...) -> None: ...

class GetProfileResponse(_message.Message):
    __slots__ = ("profile", "revision")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    profile: _profile_pb2.Profile
    revision: int
    def __init__(self, profile: _Optional[_Union[_profile_pb2.Profile, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class ListAttributesRequest(_message.Message):
    __slots__ = ("min_revision", "page_size", "page_token")
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    min_revision: int
    page_size: int
    page_token: str
    def __init__(self, min_revision: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAttributesResponse(_message.Message):
    __slots__ = ("attributes", "revision", "next_page_token")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    attributes: _containers.RepeatedCompositeFieldContainer[_profile_pb2.Attribute]
    revision: int
    next_page_token: str
    def __init__(self, attributes: _Optional[_Iterable[_Union[_profile_pb2.Attribute, _Mapping]]] = ..., revision: _Optional[int] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeclareAttributesRequest(_message.Message):
    __slots__ = ("attributes", "retype")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    RETYPE_FIELD_NUMBER: _ClassVar[int]
    attributes: _containers.RepeatedCompositeFieldContainer[_profile_pb2.Attribute]
    retype: bool
    def __init__(self, attributes: _Optional[_Iterable[_Union[_profile_pb2.Attribute, _Mapping]]] = ..., retype: _Optional[bool] = ...) -> None: ...

class DeclareAttributesResponse(_message.Message):
    __slots__ = ("results", "revision")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[DeclareAttributeResult]
    revision: int
    def __init__(self, results: _Optional[_Iterable[_Union[DeclareAttributeResult, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class DeclareAttributeResult(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: _item_error_pb2.ItemError
    def __init__(self, error: _Optional[_Union[_item_error_pb2.ItemError, _Mapping]] = ...) -> None: ...
