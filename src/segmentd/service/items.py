"""What callers write: profiles and events as plain values, checked for form before they queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

import orjson

from segmentd.errors import FieldViolation, InvalidInput, SegmentdError
from segmentd.limits import id_fault, message_id_fault, name_fault
from segmentd.population.flatten import flatten_attributes, flatten_properties
from segmentd.population.kinds import Json
from segmentd.population.listed import reserved_fault
from segmentd.times import MAX_INSTANT, MIN_INSTANT, Micros

MAX_NAMES: Final = 1_000
_SHORT_NAMES: Final = 1_024
"""Names are remembered together where they have no more characters than this."""
_SHORT_CONTEXT: Final = 4_096
"""A longer context, in bytes of JSON, is not remembered."""
_NO_TIMES: Final = (None, None, None)
_TIMES: Final = ("time", "original_time", "sent_time", "received_time")
CONTEXT: Final = frozenset(
    [
        "device",
        "os",
        "app",
        "browser",
        "locale",
        "timezone",
        "ip",
        "location",
        "network",
        "screen",
        "userAgent",
        "campaign",
    ]
)
"""The parts of an event's context that become attributes of its user."""


_NOTHING: Final[Mapping[str, Json]] = {}
_NO_JSON: Final = b"{}"


class ProfileWrite(NamedTuple):
    """Attributes to merge into one profile, nested or dotted; None removes one."""

    user_id: str
    attributes: Mapping[str, Json] = _NOTHING


class EventWrite(NamedTuple):
    """One event; times in microseconds UTC. Without `time`, it is reckoned from the other three."""

    user_id: str
    name: str
    message_id: str = ""
    time: Micros | None = None
    properties: Mapping[str, Json] = _NOTHING
    context: Mapping[str, Json] = _NOTHING
    original_time: Micros | None = None
    sent_time: Micros | None = None
    received_time: Micros | None = None


class ItemResult(NamedTuple):
    """What became of one item; `error` where it was refused."""

    created: bool = False
    duplicate: bool = False
    error: SegmentdError | None = None


class PreparedProfile(NamedTuple):
    """A profile write of sound form, attributes flat."""

    user_id: str
    attributes: Mapping[str, Json]


class PreparedEvent(NamedTuple):
    """An event of sound form: flat properties and context attributes, and its content as sent."""

    user_id: str
    name: str
    message_id: str
    time: Micros | None
    properties: Mapping[str, Json]
    context: Mapping[str, Json]
    raw_properties: bytes
    raw_context: bytes
    stated: bytes
    """What the message id stands for, in canonical form; it begins with the user's id."""
    digest: bytes | None
    """16 bytes over `stated`; None without a message id."""

    def stated_by(self, user_id: str) -> bytes:
        """The same as stated by a user of another id."""
        return b"[" + orjson.dumps(user_id) + self.stated[1 + len(orjson.dumps(self.user_id)) :]


def prepare_profile(write: ProfileWrite) -> PreparedProfile:
    """Check and flatten. Raises InvalidInput naming the field."""
    check_id("user_id", write.user_id)
    attributes = _flat("attributes", write.attributes, nulls=True)
    _check_reserved("attributes", attributes)
    return PreparedProfile(write.user_id, attributes)


def prepare_event(write: EventWrite) -> PreparedEvent:
    """Check and flatten. Raises InvalidInput naming the field."""
    user_id, name, message_id, time, given, given_context, original_time, _, _ = write
    check_id("user_id", user_id)
    check_id("name", name)
    fault = message_id_fault(message_id)
    if fault is not None:
        raise InvalidInput.at("message_id", fault)
    _check_times(write)
    properties = _flat("properties", given, nulls=False) if given else _NOTHING
    raw_properties = _dump("properties", given) if given else _NO_JSON
    raw_context = _dump("context", given_context) if given_context else _NO_JSON
    context = _context(raw_context, given_context) if given_context else _NOTHING
    # A client that sends again states the same event and the same time, but not the same time of sending.
    stated = orjson.dumps((user_id, name, time, original_time)) + raw_properties + raw_context
    return PreparedEvent(
        user_id,
        name,
        message_id,
        time if time is not None else event_time(write),
        properties,
        context,
        raw_properties,
        raw_context,
        stated,
        digest_of(stated) if message_id else None,
    )


def digest_of(stated: bytes) -> bytes:
    """The 16 bytes by which the content of an event is known."""
    return blake2b(stated, digest_size=16).digest()


def event_time(write: EventWrite) -> Micros | None:
    """When the event happened by its times: as stated, or corrected for a client's wrong clock; else None."""
    if write.time is not None:
        return write.time
    if write.original_time is not None and write.sent_time is not None and write.received_time is not None:
        time = write.received_time - (write.sent_time - write.original_time)
        return Micros(min(max(time, MIN_INSTANT), MAX_INSTANT))
    return write.original_time if write.original_time is not None else write.received_time


def check_id(field_name: str, text: str) -> None:
    """Ids and names: 1 to 256 bytes of UTF-8 without control characters. Raises InvalidInput."""
    fault = id_fault(text)
    if fault is not None:
        raise InvalidInput.at(field_name, fault)


def _check_reserved(field_name: str, names: Iterable[str]) -> None:
    """Raises InvalidInput where a name of an attribute is not to be given."""
    faults = [
        FieldViolation(f"{field_name}.{name[:80]}", f"is no name: {fault}")
        for name in names
        if (fault := reserved_fault(name)) is not None
    ]
    if faults:
        raise InvalidInput(faults)


def _check_times(write: EventWrite) -> None:
    if write.time is not None and MIN_INSTANT <= write.time <= MAX_INSTANT and write[6:] == _NO_TIMES:
        return
    for name, value in zip(_TIMES, (write.time, *write[6:]), strict=True):
        if value is not None and not MIN_INSTANT <= value <= MAX_INSTANT:
            raise InvalidInput.at(name, "is outside the years 1 to 9999")


def _context(raw: bytes, given: Mapping[str, Json]) -> Mapping[str, Json]:
    """What of an event's context becomes attributes of its user, flat; `raw` is the same as JSON."""
    # A device sends the same with each event. What is no number is null in JSON, so it cannot be told from it.
    remembered = len(raw) <= _SHORT_CONTEXT and b"null" not in raw
    return _remembered_attributes(raw) if remembered else _attributes_of(given)


def _attributes_of(given: Mapping[str, Json]) -> Mapping[str, Json]:
    _check_reserved("context", given)
    taken = {key: value for key, value in given.items() if key.split(".")[0] in CONTEXT}
    return {key: value for key, value in _flat("context", taken, nulls=False).items() if value is not None}


@lru_cache(maxsize=4_096)
def _remembered_attributes(raw: bytes) -> Mapping[str, Json]:
    return _attributes_of(orjson.loads(raw))


def forget_contexts() -> None:
    """Remember none of the contexts that came so far: a user who is erased may have sent them."""
    _remembered_attributes.cache_clear()


def _flat(field_name: str, values: Mapping[str, Json], *, nulls: bool) -> dict[str, Json]:
    try:
        flat = flatten_attributes(values) if nulls else flatten_properties(values)
    except ValueError as error:
        raise InvalidInput.at(field_name, str(error)) from None
    if len(flat) > MAX_NAMES:
        raise InvalidInput.at(field_name, f"has {len(flat):,} names; at most {MAX_NAMES:,} are allowed")
    names = tuple(flat)
    faults = _remembered_faults(names) if sum(map(len, names)) <= _SHORT_NAMES else _faults_of(names)
    if faults:
        raise InvalidInput([FieldViolation(f"{field_name}.{name[:80]}", f"is no name: {why}") for name, why in faults])
    return flat


def _faults_of(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The names that are none, each with the reason."""
    return tuple((name, fault) for name in names if (fault := name_fault(name)) is not None)


# Events of one kind come with the same names again and again.
_remembered_faults: Final = lru_cache(maxsize=4_096)(_faults_of)


def _dump(field_name: str, values: Mapping[str, Json]) -> bytes:
    try:
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise InvalidInput.at(field_name, f"cannot be stored as JSON: {error}") from None
