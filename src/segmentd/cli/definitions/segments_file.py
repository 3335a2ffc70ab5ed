"""A file of segments and attribute kinds: every key known, every id once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from segmentd.cli.definitions.located import Located, Plain
from segmentd.cli.definitions.reading import read_values
from segmentd.cli.faults import Fault, FileFaults
from segmentd.client import as_struct
from segmentd.times import parse_duration
from segmentd.v1 import exclusive_group_pb2, profile_pb2, segment_pb2

_TEXTS: Final = ("name", "description", "owner")
_KEYS: Final = ("id", *_TEXTS, "labels", "rule", "include", "exclude")
_GROUP_KEYS: Final = ("id", *_TEXTS, "labels", "segments")
_TOP: Final = ("segments", "exclusive_groups", "attributes", "events")
_KINDS: Final = {
    name.removeprefix("ATTRIBUTE_KIND_").lower(): value
    for name, value in profile_pb2.AttributeKind.items()
    if value != profile_pb2.ATTRIBUTE_KIND_UNSPECIFIED
}


@dataclass(frozen=True, slots=True)
class Definition:
    """One segment of a file, and where it stands there (`segments[3]`)."""

    segment: segment_pb2.Segment
    rule: Plain
    path: str


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """One exclusive group of a file, and where it stands there (`exclusive_groups[0]`)."""

    group: exclusive_group_pb2.ExclusiveGroup
    path: str


@dataclass(frozen=True, slots=True)
class KeptEvents:
    """A name of events, and for how long they are kept; "" is for ever."""

    name: str
    keep: str


@dataclass(frozen=True, slots=True)
class SegmentsFile:
    """The segments and exclusive groups of a file in its order, and what it declares of attributes and events."""

    name: str
    located: Located
    definitions: list[Definition] = field(default_factory=list)
    attributes: list[profile_pb2.Attribute] = field(default_factory=list)
    groups: list[GroupDefinition] = field(default_factory=list)
    events: list[KeptEvents] = field(default_factory=list)

    def fault(self, definition: Definition, path: str, message: str) -> Fault:
        """A fault of one segment, with its line."""
        line = self.located.line(f"{definition.path}.{path}")
        return Fault(message, path, definition.segment.id, line)

    def managed_ids(self) -> set[str]:
        """The segments that the groups of the file make."""
        return {f"{each.group.id}/{name}" for each in self.groups for name in each.group.segment_ids}

    def group_fault(self, definition: GroupDefinition, path: str, message: str) -> Fault:
        """A fault of one exclusive group, with its line."""
        place = f"{definition.path}.{path}" if path else definition.path
        return Fault(f"{definition.group.id}: {message}", place, line=self.located.line(place))


def read_segments(path: Path) -> SegmentsFile:
    """What a file defines. Raises FileFaults with every fault, CommandFailed where it cannot be read."""
    located = read_values(path)
    reader = _Reader(SegmentsFile(str(path), located))
    reader.read()
    if reader.faults:
        raise FileFaults(str(path), reader.faults)
    return reader.file


class _Reader:
    """Collects what is sound, and every fault."""

    def __init__(self, file: SegmentsFile) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._places: dict[str, int] = {}

    def read(self) -> None:
        """Fill `file`."""
        value = self.file.located.value
        if not isinstance(value, dict):
            self._fault(
                "", "", f"a file of segments has at least one of the keys {', '.join(f'`{key}`' for key in _TOP)}"
            )
            return
        self._known("", "", value, _TOP)
        segments, attributes = value.get("segments"), value.get("attributes")
        if all(value.get(key) is None for key in _TOP):
            self._fault("", "", f"it defines nothing: there is none of {', '.join(_TOP)}")
        for index, item in enumerate(self._list("segments", segments)):
            self._segment(f"segments[{index}]", item)
        for name, kind in self._mapping("", "attributes", attributes).items():
            self._attribute(name, kind)
        for name, declared in self._mapping("", "events", value.get("events")).items():
            self._event(name, declared)
        for index, item in enumerate(self._list("exclusive_groups", value.get("exclusive_groups"))):
            self._group(f"exclusive_groups[{index}]", item)

    def _segment(self, place: str, item: Plain) -> None:
        if not isinstance(item, dict):
            self._fault(place, "", "a segment is a mapping with an id and a rule")
            return
        segment_id = item.get("id")
        if not isinstance(segment_id, str) or not segment_id:
            self._fault(place, "id", "a segment has an id, which is text")
            return
        before = len(self.faults)
        line = self.file.located.line(place)
        if segment_id in self._places:
            where = f" (line {self._places[segment_id]})" if self._places[segment_id] else ""
            self._fault(place, "id", f"the id is there twice{where}", segment_id)
        self._places.setdefault(segment_id, line)
        self._known(place, segment_id, item, _KEYS)
        segment = segment_pb2.Segment(id=segment_id)
        for key in _TEXTS:
            setattr(segment, key, self._text(place, key, item.get(key), segment_id))
        for key, label in self._mapping(place, "labels", item.get("labels"), segment_id).items():
            segment.labels[key] = self._text(place, f"labels.{key}", label, segment_id)
        segment.include_user_ids.extend(self._users(place, "include", item, segment_id))
        segment.exclude_user_ids.extend(self._users(place, "exclude", item, segment_id))
        self._rule(place, item.get("rule"), segment)
        if len(self.faults) == before:
            self.file.definitions.append(Definition(segment, item.get("rule"), place))

    def _group(self, place: str, item: Plain) -> None:
        group_id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(group_id, str) or not group_id:
            self._fault(place, "", "an exclusive group is a mapping with an id, which is text, and segments")
            return
        if group_id in {each.group.id for each in self.file.groups}:
            self._fault(place, "id", f"the group {group_id!r} is there twice")
        self._known(place, "", item, _GROUP_KEYS)
        group = exclusive_group_pb2.ExclusiveGroup(id=group_id)
        for key in _TEXTS:
            setattr(group, key, self._text(place, key, item.get(key), ""))
        for key, label in self._mapping(place, "labels", item.get("labels")).items():
            group.labels[key] = self._text(place, f"labels.{key}", label, "")
        for index, name in enumerate(self._list("segments", item.get("segments"), place)):
            group.segment_ids.append(self._text(place, f"segments[{index}]", name, ""))
        if not group.segment_ids:
            self._fault(place, "segments", "an exclusive group has at least one segment")
        self.file.groups.append(GroupDefinition(group, place))

    def _rule(self, place: str, rule: Plain, segment: segment_pb2.Segment) -> None:
        if rule is None:
            if not segment.include_user_ids:
                self._fault(place, "rule", "a segment has a rule, or `include`", segment.id)
        elif not isinstance(rule, dict):
            self._fault(place, "rule", "a rule is a mapping with one key", segment.id)
        else:
            try:
                segment.rule.CopyFrom(as_struct(rule, "rule"))
            except ValueError as error:
                path, _, message = str(error).partition(": ")
                self._fault(place, path, message, segment.id)

    def _users(self, place: str, key: str, item: Mapping[str, Plain], segment_id: str) -> Iterator[str]:
        below = self._mapping(place, key, item.get(key), segment_id)
        self._known(place, segment_id, below, ("users",), f"{key}.")
        for index, user in enumerate(self._list(f"{key}.users", below.get("users"), place, segment_id)):
            yield self._text(place, f"{key}.users[{index}]", user, segment_id)

    def _attribute(self, name: str, kind: Plain) -> None:
        if not isinstance(kind, str) or kind not in _KINDS:
            self._fault("attributes", name, f"the kind of an attribute is one of {', '.join(_KINDS)}")
            return
        self.file.attributes.append(profile_pb2.Attribute(name=name, kind=_KINDS[kind]))

    def _event(self, name: str, declared: Plain) -> None:
        below = self._mapping("events", name, declared)
        self._known("events", "", below, ("keep",), f"{name}.")
        keep = below.get("keep")
        if keep is not None and not isinstance(keep, str):
            self._fault("events", f"{name}.keep", "it is no duration such as 400d; leave it out for ever")
            return
        fault = _length_fault(keep) if keep else None
        if fault is not None:
            self._fault("events", f"{name}.keep", fault)
        else:
            self.file.events.append(KeptEvents(name, keep or ""))

    def _known(
        self, place: str, segment: str, found: Mapping[str, Any], keys: tuple[str, ...], prefix: str = ""
    ) -> None:
        for key in found:
            if key not in keys:
                self._fault(place, prefix + key, f"the key is not known; there are {', '.join(keys)}", segment)

    def _text(self, place: str, path: str, value: Plain, segment: str) -> str:
        if value is not None and not isinstance(value, str):
            self._fault(place, path, "it is no text; quote it", segment)
            return ""
        try:
            (value or "").encode()
        except UnicodeEncodeError:
            self._fault(place, path, "it is not Unicode text (a lone surrogate)", segment)
            return ""
        return value or ""

    def _list(self, path: str, value: Plain, place: str = "", segment: str = "") -> list[Plain]:
        if value is not None and not isinstance(value, list):
            self._fault(place, path, "it is no list", segment)
        return value if isinstance(value, list) else []

    def _mapping(self, place: str, path: str, value: Plain, segment: str = "") -> dict[str, Plain]:
        if value is not None and not isinstance(value, dict):
            self._fault(place, path, "it is no mapping of keys to values", segment)
        return value if isinstance(value, dict) else {}

    def _fault(self, place: str, path: str, message: str, segment: str = "") -> None:
        whole = ".".join(part for part in (place, path) if part)
        shown = path if segment else whole
        self.faults.append(Fault(message, shown, segment, self.file.located.line(whole)))


def _length_fault(text: str) -> str | None:
    """What is wrong with a length of time that is to be the same everywhere."""
    try:
        calendar = parse_duration(text).months > 0
    except ValueError as error:
        return str(error)
    return f"{text!r} goes by the calendar; write days or weeks, as in 400d" if calendar else None
