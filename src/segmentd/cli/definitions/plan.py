"""What applying a file would change: each definition compared with what the server has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from segmentd.cli.definitions.events import EventStep, event_steps
from segmentd.cli.definitions.references import in_order, references
from segmentd.cli.definitions.segments_file import Definition, GroupDefinition, SegmentsFile
from segmentd.v1 import exclusive_group_pb2, profile_pb2, profile_service_pb2, segment_pb2

FIELDS: Final = ("name", "description", "owner", "labels", "rule", "include_user_ids", "exclude_user_ids")
GROUP_FIELDS: Final = ("name", "description", "owner", "labels", "segment_ids")


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
class GroupStep:
    """One exclusive group, what is done with it, the fields that differ, and the etag that it has now."""

    definition: GroupDefinition
    action: Action
    changed: tuple[str, ...] = ()
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps; segments in the order in which they are applied, those that need the groups of the file last."""

    attributes: list[AttributeStep]
    segments: list[SegmentStep]
    groups: list[GroupStep] = field(default_factory=list)
    after_groups: frozenset[str] = frozenset()
    """The segments that need the groups of the file."""
    events: list[EventStep] = field(default_factory=list)

    def count(self, action: Action) -> int:
        """How many steps do this."""
        steps: list[AttributeStep | SegmentStep | GroupStep] = [*self.attributes, *self.segments, *self.groups]
        kept = [Action.UPDATE if step.changes else Action.UNCHANGED for step in self.events]
        return [*(step.action for step in steps), *kept].count(action)


def make_plan(
    file: SegmentsFile,
    segments: Mapping[str, segment_pb2.Segment],
    attributes: Iterable[profile_pb2.Attribute],
    groups: Iterable[exclusive_group_pb2.ExclusiveGroup] = (),
    events: Iterable[profile_service_pb2.EventName] = (),
) -> Plan:
    """Compare a file with what the server has. Raises FileFaults for circles."""
    known, there = {each.name: each for each in attributes}, {each.id: each for each in groups}
    ordered = in_order(file)
    late = _after_groups(file, ordered)
    ordered.sort(key=lambda each: each.segment.id in late)
    return Plan(
        [_attribute_step(each, known.get(each.name)) for each in file.attributes],
        [_segment_step(each, segments.get(each.segment.id)) for each in ordered],
        [_group_step(each, there.get(each.group.id)) for each in file.groups],
        late,
        event_steps(file, events),
    )


def kind_name(kind: int) -> str:
    """The name of a kind as files write it (`number`)."""
    return profile_pb2.AttributeKind.Name(kind).removeprefix("ATTRIBUTE_KIND_").lower()  # type: ignore[arg-type]  # an enum value is an int on the wire


def _after_groups(file: SegmentsFile, ordered: Iterable[Definition]) -> frozenset[str]:
    """The segments that refer to one that a group of the file makes, directly or not."""
    made, late = file.managed_ids(), set[str]()
    for each in ordered:
        if {target for target, _ in references(each.rule)} & (made | late):
            late.add(each.segment.id)
    return frozenset(late)


def _group_step(definition: GroupDefinition, before: exclusive_group_pb2.ExclusiveGroup | None) -> GroupStep:
    if before is None:
        return GroupStep(definition, Action.CREATE)
    changed = tuple(name for name in GROUP_FIELDS if getattr(definition.group, name) != getattr(before, name))
    return GroupStep(definition, Action.UPDATE if changed else Action.UNCHANGED, changed, before.etag)


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
