"""What applying a file would change: each definition compared with what the server has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from segmentd.cli.definitions.references import in_order
from segmentd.cli.definitions.segments_file import Definition, SegmentsFile
from segmentd.v1 import profile_pb2, segment_pb2

FIELDS: Final = ("name", "description", "owner", "labels", "rule", "include_user_ids", "exclude_user_ids")


class Action(StrEnum):
    """What becomes of a segment or a declaration."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class SegmentStep:
    """One segment, what is done with it, and the fields that differ."""

    definition: Definition
    action: Action
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttributeStep:
    """One declaration, and the kind that the attribute has now."""

    attribute: profile_pb2.Attribute
    action: Action
    before: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps; segments in the order in which they are applied."""

    attributes: list[AttributeStep]
    segments: list[SegmentStep]

    def count(self, action: Action) -> int:
        """How many steps do this."""
        actions = [step.action for step in self.attributes] + [step.action for step in self.segments]
        return actions.count(action)


def make_plan(
    file: SegmentsFile, segments: Mapping[str, segment_pb2.Segment], attributes: Iterable[profile_pb2.Attribute]
) -> Plan:
    """Compare a file with the segments and attributes of the server. Raises FileFaults for circles."""
    known = {each.name: each for each in attributes}
    return Plan(
        [_attribute_step(each, known.get(each.name)) for each in file.attributes],
        [_segment_step(each, segments.get(each.segment.id)) for each in in_order(file)],
    )


def kind_name(kind: int) -> str:
    """The name of a kind as files write it (`number`)."""
    return profile_pb2.AttributeKind.Name(kind).removeprefix("ATTRIBUTE_KIND_").lower()  # type: ignore[arg-type]  # an enum value is an int on the wire


def _segment_step(definition: Definition, before: segment_pb2.Segment | None) -> SegmentStep:
    if before is None:
        return SegmentStep(definition, Action.CREATE)
    changed = tuple(name for name in FIELDS if _differs(name, definition.segment, before))
    return SegmentStep(definition, Action.UPDATE if changed else Action.UNCHANGED, changed)


def _differs(name: str, after: segment_pb2.Segment, before: segment_pb2.Segment) -> bool:
    if name.endswith("_user_ids"):
        return set(getattr(after, name)) != set(getattr(before, name))
    return bool(getattr(after, name) != getattr(before, name))


def _attribute_step(attribute: profile_pb2.Attribute, before: profile_pb2.Attribute | None) -> AttributeStep:
    if before is None or before.kind == profile_pb2.ATTRIBUTE_KIND_UNSPECIFIED:
        return AttributeStep(attribute, Action.CREATE)
    # A kind that its first value decided is declared on purpose now, though it stays what it is.
    if before.kind == attribute.kind and before.source != profile_pb2.ATTRIBUTE_SOURCE_FIRST_VALUE:
        return AttributeStep(attribute, Action.UNCHANGED, kind_name(before.kind))
    return AttributeStep(attribute, Action.UPDATE, kind_name(before.kind))
