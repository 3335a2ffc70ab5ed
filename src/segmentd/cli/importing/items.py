"""Rows as the items of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from segmentd.cli.importing.cells import moment
from segmentd.cli.importing.message_ids import MessageIds
from segmentd.cli.importing.rows import BadRow
from segmentd.client import Json, as_struct, as_timestamp
from segmentd.limits import id_fault
from segmentd.service.items import CONTEXT
from segmentd.times import Micros, from_datetime, parse_instant
from segmentd.v1 import profile_pb2, profile_service_pb2

EVENT_FIELDS: Final = ("userId", "event", "messageId", "timestamp", "receivedAt", "sentAt", "originalTimestamp")
PROFILE_FIELDS: Final = ("userId", "timestamp")
_TIMES: Final = {
    "timestamp": "event_time",
    "originalTimestamp": "original_time",
    "sentAt": "sent_time",
    "receivedAt": "received_time",
}
_PASSED_OVER: Final = frozenset(
    ["type", "anonymousId", "channel", "integrations", "version", "writeKey", "projectId", "messageId", *_TIMES]
)
"""Fields of the convention without a meaning here; any other unknown one refuses its row."""


class Items:
    """Makes items of rows; where `naive_is_utc` is false, times need an offset."""

    def __init__(self, *, naive_is_utc: bool) -> None:
        self._naive_is_utc = naive_is_utc
        self._ids = MessageIds()

    def event(self, values: Mapping[str, Any]) -> profile_pb2.Event:
        """The event of a row. Raises BadRow."""
        _check_names(values, {*EVENT_FIELDS, "properties", "context"}, "track")
        name = _text(values, "event")
        times = {key: self._time(key, values[key]) for key in _TIMES if values.get(key) is not None}
        if not times.keys() & {"timestamp", "originalTimestamp", "receivedAt"}:
            raise BadRow("no time", "an event has a timestamp, or originalTimestamp, or receivedAt")
        given = {name: _object(values, name) for name in ("properties", "context")}
        user, message = _text(values, "userId"), values.get("messageId")
        if message is not None and not isinstance(message, str):
            raise BadRow("messageId is no text", f"messageId: {message!r} is no text")
        # Before the id, which is made of them: what cannot be sent cannot be hashed either.
        sent = {name: _struct(each, name) if each else None for name, each in given.items()}
        stated = [user, name, times.get("timestamp"), times.get("originalTimestamp"), times.get("receivedAt")]
        return profile_pb2.Event(
            user_id=user,
            name=name,
            message_id=message or self._ids.of([*stated, *given.values()]),
            properties=sent["properties"],
            context=sent["context"],
            **{_TIMES[key]: as_timestamp(instant) for key, instant in times.items()},
        )

    def profile(self, values: Mapping[str, Any]) -> profile_service_pb2.ProfileUpsert:
        """The profile of a row: its traits, and what its context says about the user. Raises BadRow."""
        _check_names(values, {"userId", "traits", "context"}, "identify")
        context = {key: value for key, value in _object(values, "context").items() if key.split(".")[0] in CONTEXT}
        attributes = {**context, **_object(values, "traits")}
        return profile_service_pb2.ProfileUpsert(
            user_id=_text(values, "userId"), attributes=_struct(attributes, "traits") if attributes else None
        )

    def _time(self, key: str, value: Any) -> Micros:
        if not isinstance(value, str):
            raise BadRow(f"{key} is no instant", f"{key}: {value!r} is no text")
        try:
            return from_datetime(moment(key, value)) if self._naive_is_utc else parse_instant(value)
        except ValueError as error:
            raise BadRow(f"{key} is no instant", str(error)) from None


def _check_names(values: Mapping[str, Any], known: set[str], call: str) -> None:
    unknown = sorted(values.keys() - known - _PASSED_OVER)
    if unknown:
        raise BadRow(f"the field {unknown[0]} is not known", f"{unknown[0]} is none of {', '.join(sorted(known))}")
    if values.get("type", call) != call:
        raise BadRow("another type of call", f"type is {values['type']!r}, and this import takes {call} calls")


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None or value == "":
        raise BadRow(f"no {name}", f"{name} is missing")
    if not isinstance(value, str):
        raise BadRow(f"{name} is no text", f"{name}: {str(value)[:80]} is no text; quote it")
    fault = id_fault(value)
    if fault is not None:
        raise BadRow(f"{name} is malformed", f"{name}: {fault}")
    return value


def _object(values: Mapping[str, Any], name: str) -> Mapping[str, Json]:
    value = values.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRow(f"{name} is no object", f"{name} is an object of names and values")
    return value


def _struct(values: Mapping[str, Json], name: str) -> Any:
    try:
        return as_struct(values, name)
    except ValueError as error:
        raise BadRow("a value cannot be sent", str(error)) from None
