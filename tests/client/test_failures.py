"""The client against servers that fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial, reduce
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.client.answering import answering, mute_server

import segmentd.v1
from segmentd.client import CallFailed, Client, Json, as_json, as_struct, as_value_json
from segmentd.client.channel import service_config
from segmentd.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    profile_pb2,
    profile_service_pb2,
    segment_pb2,
)


class Failing(admin_service_pb2_grpc.AdminServiceServicer):
    """Refuses so many calls with a code, then answers."""

    def __init__(self, code: grpc.StatusCode, times: int) -> None:
        self.code, self.left, self.calls = code, times, 0

    def _answer(self, context: Any) -> None:
        self.calls += 1
        if self.left:
            self.left -= 1
            context.abort(self.code, "not now")

    def GetStatus(self, request: Any, context: Any) -> admin_service_pb2.GetStatusResponse:
        self._answer(context)
        return admin_service_pb2.GetStatusResponse(revision=7)

    def AdvanceClock(self, request: Any, context: Any) -> admin_service_pb2.AdvanceClockResponse:
        self._answer(context)
        return admin_service_pb2.AdvanceClockResponse(revision=8)


def served(servicer: Failing | Unavailable) -> AbstractContextManager[str]:
    """The address of a server."""
    if isinstance(servicer, Failing):
        return answering(partial(admin_service_pb2_grpc.add_AdminServiceServicer_to_server, servicer))
    return answering(lambda server: server.add_generic_rpc_handlers((servicer,)))


@contextmanager
def calling(servicer: Failing | Unavailable, timeout: float = 30.0) -> Iterator[Client]:
    with served(servicer) as address, Client(address, timeout=timeout) as client:
        yield client


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_what_passes_is_tried_again(code: grpc.StatusCode) -> None:
    servicer = Failing(code, 2)
    with calling(servicer) as client:
        assert client.status().revision == 7
    assert servicer.calls == 3


class Unavailable(grpc.GenericRpcHandler):
    """Refuses every call of every method."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self.code, self.calls = code, 0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        self.calls += 1
        return grpc.unary_unary_rpc_method_handler(lambda _, context: context.abort(self.code, "not now"))


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.advance_clock_by(1),
        lambda client: client.create_segment(segment_pb2.Segment(id="a")),
        lambda client: client.update_segment(segment_pb2.Segment(id="a", etag="e"), ["*"]),
        lambda client: client.restore_segment_version("a", 1),
        lambda client: client.archive_segment("a"),
        lambda client: client.delete_segment("a"),
        lambda client: client.refit_segment("a"),
    ],
)
@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_what_must_be_made_once_is_made_once(call: Callable[[Client], Any], code: grpc.StatusCode) -> None:
    refusing = Unavailable(code)
    with calling(refusing) as client:
        client.caller.pool.reached = True
        with pytest.raises(CallFailed):
            call(client)
    assert refusing.calls == 1


def test_other_codes_are_not_tried_again() -> None:
    servicer = Failing(grpc.StatusCode.INTERNAL, 1)
    with calling(servicer) as client, pytest.raises(CallFailed) as failed:
        client.status()
    assert servicer.calls == 1
    assert (failed.value.code, failed.value.reason, failed.value.message) == (grpc.StatusCode.INTERNAL, "", "not now")


def test_a_server_that_is_not_there_is_one_kind_of_error_too() -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(CallFailed) as failed:
        client.status()
    assert (failed.value.code, failed.value.reason) == (grpc.StatusCode.UNAVAILABLE, "")


def test_a_call_that_is_given_up_has_failed() -> None:
    asked = threading.Event()
    with mute_server(asked) as address, Client(address) as client:
        pending = client.start_upsert_profiles([profile_service_pb2.ProfileUpsert(user_id="ada")])
        assert asked.wait(30)
        assert not pending.wait(0)
        pending.cancel()
        assert pending.wait(30)
        with pytest.raises(CallFailed) as given_up:
            pending.result()
        assert given_up.value.code is grpc.StatusCode.CANCELLED


def test_every_method_of_the_retry_configuration_exists() -> None:
    folder = Path(segmentd.v1.__path__[0])
    modules = [import_module(f"segmentd.v1.{file.stem}") for file in folder.glob("*_service_pb2.py")]
    services = {
        service.full_name: {method.name for method in service.methods}
        for module in modules
        for service in module.DESCRIPTOR.services_by_name.values()
    }
    retried, once = json.loads(service_config())["methodConfig"]
    assert {each["service"] for each in retried["name"]} == services.keys()
    assert all(each["method"] in services[each["service"]] for each in once["name"])


def lists(levels: int) -> Json:
    return [lists(levels - 1)] if levels else []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: as_struct({"a": [1, float("nan")]}), r"a\[1\]: nan"),
        (lambda: as_struct({"a": {"b": 2**53 + 1}}, "rule"), r"rule\.a\.b: .* cannot be held exactly"),
        (lambda: as_struct({"a": object()}), "a: object is no JSON value"),  # type: ignore[dict-item]  # that is the test
        (lambda: as_struct({"a": "\ud800"}), "a: the text is not Unicode"),
        (lambda: as_struct(reduce(lambda inner, _: {"a": inner}, range(31), {})), r"a\.a: it is nested too deeply"),
        (lambda: as_struct({"a": lists(45)}), r"\[0\]: it is nested too deeply"),
    ],
)
def test_what_a_struct_cannot_hold_is_refused_by_path(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(("wrap", "levels"), [(lambda inner: {"a": inner}, 30), (lambda inner: {"a": [inner]}, 18)])
def test_what_a_struct_takes_can_be_sent(wrap: Callable[[Any], Any], levels: int) -> None:
    struct = as_struct(reduce(lambda inner, _: wrap(inner), range(levels), {}))
    event = profile_pb2.Event(properties=struct)
    request = profile_service_pb2.IngestEventsRequest(events=[event])
    assert profile_service_pb2.IngestEventsRequest.FromString(request.SerializeToString()) == request


def test_a_struct_keeps_values() -> None:
    values: dict[str, Json] = {"n": None, "t": True, "i": 3, "f": 0.5, "s": "x", "l": [1, {"a": []}], "o": {"p": {}}}
    assert as_json(as_struct(values)) == values
    assert as_value_json(as_struct({"v": 2**53}).fields["v"]) == 2**53
