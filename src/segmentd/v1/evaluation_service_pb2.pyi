import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from segmentd.v1 import item_error_pb2 as _item_error_pb2
from segmentd.v1 import membership_pb2 as _membership_pb2
from segmentd.v1 import profile_pb2 as _profile_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EvaluateSegmentsRequest(_message.Message):
    __slots__ = ("segment_ids", "rule", "stored_user", "given_profiles", "min_revision")
    SEGMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    STORED_USER_FIELD_NUMBER: _ClassVar[int]
    GIVEN_PROFILES_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    segment_ids: _containers.RepeatedScalarFieldContainer[str]
    rule: _struct_pb2.Struct
    stored_user: StoredUser
    given_profiles: GivenProfiles
    min_revision: int
    def __init__(self, segment_ids: _Optional[_Iterable[str]] = ..., rule: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., stored_user: _Optional[_Union[StoredUser, _Mapping]] = ..., given_profiles: _Optional[_Union[GivenProfiles, _Mapping]] = ..., min_revision: _Optional[int] = ...) -> None: ...

class StoredUser(_message.Message):
    __slots__ = ("user_id", "context")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    context: _struct_pb2.Struct
    def __init__(self, user_id: _Optional[str] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class GivenProfiles(_message.Message):
    __slots__ = ("profiles",)
    PROFILES_FIELD_NUMBER: _ClassVar[int]
    profiles: _containers.RepeatedCompositeFieldContainer[GivenProfile]
    def __init__(self, profiles: _Optional[_Iterable[_Union[GivenProfile, _Mapping]]] = ...) -> None: ...

class GivenProfile(_message.Message):
    __slots__ = ("user_id", "attributes", "events")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    attributes: _struct_pb2.Struct
    events: _containers.RepeatedCompositeFieldContainer[_profile_pb2.Event]
    def __init__(self, user_id: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., events: _Optional[_Iterable[_Union[_profile_pb2.Event, _Mapping]]] = ...) -> None: ...

class EvaluateSegmentsResponse(_message.Message):
    __slots__ = ("evaluations", "revision", "evaluate_time")
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_TIME_FIELD_NUMBER: _ClassVar[int]
    evaluations: _containers.RepeatedCompositeFieldContainer[Evaluation]
    revision: int
    evaluate_time: _timestamp_pb2.Timestamp
    def __init__(self, evaluations: _Optional[_Iterable[_Union[Evaluation, _Mapping]]] = ..., revision: _Optional[int] = ..., evaluate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Evaluation(_message.Message):
    __slots__ = ("user_id", "memberships", "rule_membership", "error", "user_known")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIPS_FIELD_NUMBER: _ClassVar[int]
    RULE_MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    USER_KNOWN_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    memberships: _containers.RepeatedCompositeFieldContainer[_membership_pb2.SegmentMembership]
    rule_membership: RuleMembership
    error: _item_error_pb2.ItemError
    user_known: bool
    def __init__(self, user_id: _Optional[str] = ..., memberships: _Optional[_Iterable[_Union[_membership_pb2.SegmentMembership, _Mapping]]] = ..., rule_membership: _Optional[_Union[RuleMembership, _Mapping]] = ..., error: _Optional[_Union[_item_error_pb2.ItemError, _Mapping]] = ..., user_known: _Optional[bool] = ...) -> None: ...

class RuleMembership(_message.Message):
    __slots__ = ("membership", "holds_until_time", "error")
    MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    HOLDS_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    membership: _membership_pb2.Membership
    holds_until_time: _timestamp_pb2.Timestamp
    error: _item_error_pb2.ItemError
    def __init__(self, membership: _Optional[_Union[_membership_pb2.Membership, str]] = ..., holds_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[_Union[_item_error_pb2.ItemError, _Mapping]] = ...) -> None: ...

class CountMembersRequest(_message.Message):
    __slots__ = ("rule", "min_revision")
    RULE_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    rule: _struct_pb2.Struct
    min_revision: int
    def __init__(self, rule: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., min_revision: _Optional[int] = ...) -> None: ...

class CountMembersResponse(_message.Message):
    __slots__ = ("member_count", "user_count", "revision", "evaluate_time")
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    USER_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_TIME_FIELD_NUMBER: _ClassVar[int]
    member_count: int
    user_count: int
    revision: int
    evaluate_time: _timestamp_pb2.Timestamp
    def __init__(self, member_count: _Optional[int] = ..., user_count: _Optional[int] = ..., revision: _Optional[int] = ..., evaluate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
