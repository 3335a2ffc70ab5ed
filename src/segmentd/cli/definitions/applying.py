"""Doing what a plan says, one change after the other, up to the first that is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from segmentd.cli.definitions.checking import call_faults, item_message, violations
from segmentd.cli.definitions.events import EventStep
from segmentd.cli.definitions.groups import group_call_fault, write_group
from segmentd.cli.definitions.plan import Action, AttributeStep, GroupStep, Plan, SegmentStep
from segmentd.cli.definitions.segments_file import SegmentsFile
from segmentd.cli.faults import Fault
from segmentd.client import CallFailed, Client, item_fault
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1 import segment_pb2


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changes, and why; and whether attributes may get another kind."""

    author: str = ""
    note: str = ""
    retype: bool = False


@dataclass(slots=True)
class Applied:
    """How far a plan came. Changes are named as `segment vip`, `exclusive group g`, `events Buy`, `attribute age`."""

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """The change whose answer did not come: it may have been made."""
    segments: dict[str, segment_pb2.Segment] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Change:
    name: str
    make: Callable[[], list[Fault]]
    """Returns what was refused. Raises CallFailed."""
    faults: Callable[[CallFailed], list[Fault]]


def apply_plan(
    client: Client, file: SegmentsFile, plan: Plan, before: Mapping[str, segment_pb2.Segment], edit: Edit
) -> Applied:
    """Make the changes of the plan; after one that is refused, none."""
    applied = Applied()
    applied.segments = {
        name: before[name]
        for step in plan.segments
        if step.action is Action.UNCHANGED and (name := step.definition.segment.id)
    }
    for change in _changes(client, file, plan, before, edit, applied):
        if applied.faults:
            applied.left.append(change.name)
            continue
        try:
            applied.faults += change.make()
        except CallFailed as error:
            applied.faults += change.faults(error)
            (applied.left if error.reason else applied.unknown).append(change.name)
            continue
        (applied.left if applied.faults else applied.done).append(change.name)
    return applied


def _changes(
    client: Client,
    file: SegmentsFile,
    plan: Plan,
    before: Mapping[str, segment_pb2.Segment],
    edit: Edit,
    applied: Applied,
) -> Iterator[_Change]:
    """In their order. Events are kept shorter last, since what is taken out then does not come back."""
    yield from (_declaration(client, step, edit) for step in plan.attributes if step.action is not Action.UNCHANGED)
    events = [_keeping(client, file, step) for step in plan.events if step.changes and step.longer]
    shorter = [_keeping(client, file, step) for step in plan.events if step.changes and not step.longer]
    steps = [step for step in plan.segments if step.action is not Action.UNCHANGED]
    early = [step for step in steps if step.definition.segment.id not in plan.after_groups]
    late = [step for step in steps if step.definition.segment.id in plan.after_groups]
    yield from events
    yield from (_definition(client, file, step, before, edit, applied) for step in early)
    yield from (_group(client, file, step, edit) for step in plan.groups if step.action is not Action.UNCHANGED)
    yield from (_definition(client, file, step, before, edit, applied) for step in late)
    yield from shorter


def _declaration(client: Client, step: AttributeStep, edit: Edit) -> _Change:
    place = f"attributes.{step.attribute.name}"

    def make() -> list[Fault]:
        [result] = client.declare_attributes([step.attribute], retype=edit.retype).results
        return [Fault(item_message(item_fault(result.error)), place)] if result.HasField("error") else []

    return _Change(f"attribute {step.attribute.name}", make, lambda error: _faults_at(place, 0, error))


def _keeping(client: Client, file: SegmentsFile, step: EventStep) -> _Change:
    name = step.events.name
    place, line = f"events.{name}", file.located.line(f"events.{name}")

    def make() -> list[Fault]:
        [result] = client.declare_events([profiles.EventDeclaration(name=name, keep=step.events.keep)]).results
        return [Fault(item_message(item_fault(result.error)), place, line=line)] if result.HasField("error") else []

    return _Change(f"events {name}", make, lambda error: _faults_at(place, line, error))


def _definition(
    client: Client,
    file: SegmentsFile,
    step: SegmentStep,
    before: Mapping[str, segment_pb2.Segment],
    edit: Edit,
    applied: Applied,
) -> _Change:
    segment_id = step.definition.segment.id

    def make() -> list[Fault]:
        applied.segments[segment_id] = _write(client, step, before, edit)
        return []

    return _Change(f"segment {segment_id}", make, lambda error: call_faults(file, step.definition, error))


def _group(client: Client, file: SegmentsFile, step: GroupStep, edit: Edit) -> _Change:
    def make() -> list[Fault]:
        write_group(client, step, edit.author, edit.note)
        return []

    def faults(error: CallFailed) -> list[Fault]:
        return [group_call_fault(file, step, each) for each in violations(error)]

    return _Change(f"exclusive group {step.definition.group.id}", make, faults)


def _faults_at(place: str, line: int, error: CallFailed) -> list[Fault]:
    return [Fault(each.description, place, line=line) for each in violations(error)]


def _write(
    client: Client, step: SegmentStep, before: Mapping[str, segment_pb2.Segment], edit: Edit
) -> segment_pb2.Segment:
    segment = segment_pb2.Segment()
    segment.CopyFrom(step.definition.segment)
    segment.author, segment.note = edit.author, edit.note
    if step.action is Action.CREATE:
        return client.create_segment(segment).segment
    # What was compared is what is changed: an edit by somebody else in between is refused, not overwritten.
    segment.etag = before[segment.id].etag
    return client.update_segment(segment, ["*"]).segment
