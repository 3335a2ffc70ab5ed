"""A request that cannot be parsed is INVALID_ARGUMENT and names the field; the server goes on."""

from __future__ import annotations

import grpc
import grpc.aio
import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.server.live import channel_to, run
from tests.server.toys import CHECK, UPSERT, echo_server, send, violations_in

from segmentd.errors import InvalidInput
from segmentd.limits import MAX_RECEIVE_BYTES
from segmentd.server import wire
from segmentd.server.decode import decode
from segmentd.v1 import membership_service_pb2, profile_service_pb2

BAD = b"Z\xff\xfeZ"
MARK = b"MARK"


async def refusal(method: str, data: bytes) -> grpc.aio.AioRpcError:
    """How the server refuses `data`; afterwards it must still answer."""
    async with channel_to(echo_server()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await send(channel, method, data)
        assert await send(channel, CHECK, b"") == b""
        return seen.value


def upsert_with(attributes: struct_pb2.Struct) -> bytes:
    """An UpsertProfiles of two profiles, the second with `attributes`, in which MARK is replaced by invalid UTF-8."""
    upsert = profile_service_pb2.ProfileUpsert
    profiles = [upsert(user_id="u1"), upsert(user_id="u2", attributes=attributes)]
    data = profile_service_pb2.UpsertProfilesRequest(profiles=profiles).SerializeToString()
    return data.replace(MARK, BAD)


def nested(depth: int) -> struct_pb2.Struct:
    """Objects in objects, `depth` of them, under the key `a`."""
    struct = struct_pb2.Struct()
    inner = struct
    for _ in range(depth):
        inner = inner.fields["a"].struct_value
    inner.fields["end"].bool_value = True
    return struct


def test_garbage_is_refused() -> None:
    seen = run(refusal(CHECK, b"\xff\xff\xff garbage"))
    assert seen.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert list(violations_in(seen)) == ["request"]


def test_invalid_utf8_is_named_by_its_field() -> None:
    data = membership_service_pb2.CheckMembershipRequest(user_id="u", segment_id="MARK").SerializeToString()
    assert violations_in(run(refusal(CHECK, data.replace(MARK, BAD)))) == {
        "segment_id": "the text is not valid UTF-8 at byte 1"
    }


def test_invalid_utf8_deep_in_a_struct_is_named_as_the_json_it_stands_for() -> None:
    attributes = struct_pb2.Struct()
    attributes.update({"address": {"tags": ["ok", {"city": "MARK"}]}})
    assert list(violations_in(run(refusal(UPSERT, upsert_with(attributes))))) == [
        "profiles[1].attributes.address.tags[1].city"
    ]


def test_a_key_of_invalid_utf8_is_named_by_its_owner() -> None:
    attributes = struct_pb2.Struct()
    attributes.update({"address": {"MARK": 1}})
    assert list(violations_in(run(refusal(UPSERT, upsert_with(attributes))))) == ["profiles[1].attributes.address.?"]


@pytest.mark.parametrize("depth", [40, 200, 5000])
def test_nesting_beyond_the_limit_of_protobuf_is_named(depth: int) -> None:
    data = b""
    for _ in range(depth):
        data = length_delimited(1, length_delimited(1, b"a") + length_delimited(2, length_delimited(5, data)))
    request = length_delimited(1, length_delimited(2, data))
    (field, description), *rest = violations_in(run(refusal(UPSERT, request))).items()
    assert field.startswith("profiles[0].attributes.a.a.a")
    assert "nested" in description
    assert not rest


def test_nesting_within_the_limit_passes() -> None:
    data = upsert_with(nested(20))
    assert decode(profile_service_pb2.UpsertProfilesRequest, data).SerializeToString() == data


def test_a_message_that_is_cut_off_is_refused_with_the_path() -> None:
    data = length_delimited(1, b"\x0a\x20short")
    assert violations_in(run(refusal(UPSERT, data))) == {"profiles[0]": "the encoding ends too early"}


def test_a_message_beyond_the_size_limit_is_refused_by_its_size() -> None:
    seen = run(refusal(CHECK, length_delimited(1, b"x" * MAX_RECEIVE_BYTES)))
    assert seen.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert str(MAX_RECEIVE_BYTES) in (seen.details() or "")


def test_the_search_for_a_fault_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_BUDGET", 100)
    data = length_delimited(1, length_delimited(900, b"") * 200 + length_delimited(1, BAD))
    fault = wire.find_fault(profile_service_pb2.UpsertProfilesRequest, data)
    assert (fault.field, "too large" in fault.description) == ("profiles[0]", True)


def test_unknown_fields_are_ignored() -> None:
    message = decode(membership_service_pb2.CheckMembershipRequest, length_delimited(900, b"new"))
    assert message.SerializeToString() == length_delimited(900, b"new")


def parse_or_name(data: bytes) -> None:
    """Fails where `data` is refused without a field and a description."""
    request = profile_service_pb2.UpsertProfilesRequest
    try:
        decode(request, data)
    except InvalidInput as refused:
        (fault,) = refused.violations
        named = (fault.field, fault.description)
    else:
        named = ("none", "none")
    assert all(named)


@given(st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused_with_a_field(data: bytes) -> None:
    parse_or_name(data)


@given(st.data())
def test_a_damaged_request_is_parsed_or_refused_with_a_field(data: st.DataObject) -> None:
    sound = bytearray(upsert_with(nested(3)))
    for _ in range(data.draw(st.integers(1, 3))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    parse_or_name(bytes(sound))


def length_delimited(number: int, content: bytes) -> bytes:
    """A field of bytes, text or a message on the wire."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """A number on the wire."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
