"""Doing what a plan says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from segmentd.cli.definitions.checking import call_faults
from segmentd.cli.definitions.events import declare_events
from segmentd.cli.definitions.groups import apply_groups
from segmentd.cli.definitions.plan import Action, Plan, SegmentStep
from segmentd.cli.definitions.references import references
from segmentd.cli.definitions.segments_file import SegmentsFile
from segmentd.cli.faults import Fault, FileFaults
from segmentd.client import CallFailed, Client, item_fault
from segmentd.v1 import segment_pb2


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changes, and why; and whether attributes may get another kind."""

    author: str = ""
    note: str = ""
    retype: bool = False


def apply_plan(
    client: Client, file: SegmentsFile, plan: Plan, before: Mapping[str, segment_pb2.Segment], edit: Edit
) -> list[segment_pb2.Segment]:
    """Declare, create and update; the segments as they are then, in the order of the plan.

    A segment that is refused does not keep those from being applied that do not depend on it. Raises FileFaults at the
    end with every fault.
    """
    declare(client, file, plan, retype=edit.retype)
    faults = declare_events(client, file, plan.events, longer=True)
    refused: set[str] = set()
    early = [step for step in plan.segments if step.definition.segment.id not in plan.after_groups]
    late = plan.segments[len(early) :]
    applied = _apply_segments(client, file, early, before, edit, faults, refused)
    faults += apply_groups(client, file, plan, edit.author, edit.note)
    applied += _apply_segments(client, file, late, before, edit, faults, refused)
    faults += declare_events(client, file, plan.events, longer=False)
    if faults:
        raise FileFaults(file.name, faults)
    return applied


def _apply_segments(
    client: Client,
    file: SegmentsFile,
    steps: Iterable[SegmentStep],
    before: Mapping[str, segment_pb2.Segment],
    edit: Edit,
    faults: list[Fault],
    refused: set[str],
) -> list[segment_pb2.Segment]:
    """Create and update in order; adds to `faults` and to the ids that were refused."""
    applied: list[segment_pb2.Segment] = []
    for step in steps:
        if step.action is Action.UNCHANGED:
            applied.append(before[step.definition.segment.id])
            continue
        waits_for = sorted({target for target, _ in references(step.definition.rule)} & refused)
        if waits_for:
            refused.add(step.definition.segment.id)
            faults.append(file.fault(step.definition, "", f"not applied, since {waits_for[0]} was refused"))
            continue
        try:
            applied.append(_write(client, step, before, edit))
        except CallFailed as error:
            refused.add(step.definition.segment.id)
            faults += call_faults(file, step.definition, error)
    return applied


def declare(client: Client, file: SegmentsFile, plan: Plan, *, retype: bool) -> None:
    """Declare the kinds that are not declared yet. Raises FileFaults with every declaration that was refused."""
    attributes = [step.attribute for step in plan.attributes if step.action is not Action.UNCHANGED]
    if not attributes:
        return
    results = client.declare_attributes(attributes, retype=retype).results
    faults = [
        Fault(item_fault(result.error).message, f"attributes.{attribute.name}")
        for attribute, result in zip(attributes, results, strict=True)
        if result.HasField("error")
    ]
    if faults:
        raise FileFaults(file.name, faults)


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
