"""Trying all of a file on the server before anything is changed: what would be refused, and who would move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import grpc

from segmentd.cli.definitions.checking import call_faults, item_message
from segmentd.cli.definitions.groups import GroupTrial, try_group
from segmentd.cli.definitions.located import Plain
from segmentd.cli.definitions.plan import Action, Plan, SegmentStep
from segmentd.cli.definitions.references import references
from segmentd.cli.definitions.segments_file import SegmentsFile
from segmentd.cli.faults import Fault
from segmentd.client import CallFailed, Client, as_struct, item_fault
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1 import segment_pb2
from segmentd.v1 import segment_service_pb2 as segments

Before: TypeAlias = Mapping[str, segment_pb2.Segment]
_REFUSALS: Final = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ABORTED,
)
_NEUTRAL: Final[Plain] = {"list": {"users": ["in place of a segment that is not there yet"]}}
"""Stands for a segment that cannot be referred to yet, so that the rest of the rule can be tried."""


@dataclass(slots=True)
class Trial:
    """What each change would do, by the id of the segment or group, or why that cannot be said; and what is refused."""

    segments: dict[str, segment_pb2.EditPreview | str] = field(default_factory=dict)
    groups: dict[str, segment_pb2.EditPreview | str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def try_plan(client: Client, file: SegmentsFile, plan: Plan, before: Before, *, retype: bool) -> Trial:
    """Try every change of the plan. Raises CallFailed where the server does not judge, as it is not there."""
    trial = Trial()
    trial.faults += _attribute_faults(client, plan, retype=retype)
    trial.faults += _event_faults(client, file, plan)
    for step in plan.segments:
        if step.action is not Action.UNCHANGED:
            _try_segment(client, file, plan, before, step, trial)
    updated = {step.definition.segment.id for step in plan.segments if step.action is Action.UPDATE}
    for group in plan.groups:
        if group.action is not Action.UNCHANGED:
            found: GroupTrial = try_group(client, file, group, before.keys(), updated)
            trial.groups[group.definition.group.id] = found.preview
            trial.faults += found.faults
    return trial


def _attribute_faults(client: Client, plan: Plan, *, retype: bool) -> list[Fault]:
    attributes = [step.attribute for step in plan.attributes if step.action is not Action.UNCHANGED]
    if not attributes:
        return []
    results = client.declare_attributes(attributes, retype=retype, validate_only=True).results
    return [
        Fault(item_message(item_fault(result.error)), f"attributes.{attribute.name}")
        for attribute, result in zip(attributes, results, strict=True)
        if result.HasField("error")
    ]


def _event_faults(client: Client, file: SegmentsFile, plan: Plan) -> list[Fault]:
    """What is refused on account of others than the segments that the file changes: those are tried themselves."""
    wanted = [each.events for each in plan.events if each.changes]
    if not wanted:
        return []
    updated = {step.definition.segment.id for step in plan.segments if step.action is Action.UPDATE}
    declarations = [profiles.EventDeclaration(name=each.name, keep=each.keep) for each in wanted]
    faults = []
    for each, result in zip(wanted, client.declare_events(declarations, validate_only=True).results, strict=True):
        if not result.HasField("error"):
            continue
        error = item_fault(result.error)
        if error.reason != "RETENTION_TOO_SHORT" or set(error.metadata.get("segments", "").split(",")) - updated:
            place = f"events.{each.name}"
            faults.append(Fault(item_message(error), place, line=file.located.line(place)))
    return faults


def _try_segment(
    client: Client, file: SegmentsFile, plan: Plan, before: Before, step: SegmentStep, trial: Trial
) -> None:
    definition = step.definition
    targets = sorted({target for target, _ in references(definition.rule)})
    new = [target for target in targets if target not in before]
    if new:
        trial.segments[definition.segment.id] = f"not judged yet: it refers to {new[0]}, which this file creates"
        _, error = _ask(client, plan, step, set(new))
    else:
        preview, error = _ask(client, plan, step, set())
        if preview is not None:
            trial.segments[definition.segment.id] = preview
    changed = {each.definition.segment.id for each in plan.segments if each.action is Action.UPDATE} & set(targets)
    if error is not None and changed:
        # What it refers to may be what closes a circle now, and no longer when its own change is made.
        trial.segments[definition.segment.id] = f"not judged yet: it refers to {min(changed)}, which this file changes"
        _, error = _ask(client, plan, step, {*new, *changed})
    if error is not None:
        trial.faults += call_faults(file, definition, error)


def _ask(
    client: Client, plan: Plan, step: SegmentStep, absent: set[str]
) -> tuple[segment_pb2.EditPreview | None, CallFailed | None]:
    segment = segment_pb2.Segment()
    segment.CopyFrom(step.definition.segment)
    if absent:
        rule = _without(step.definition.rule, absent)
        segment.rule.CopyFrom(as_struct(rule if isinstance(rule, dict) else {}, "rule"))
    assumed = _assumptions(plan)
    try:
        if step.action is Action.CREATE:
            return client.create_segment(segment, validate_only=True, assumptions=assumed).preview, None
        return client.update_segment(segment, ["*"], validate_only=True, assumptions=assumed).preview, None
    except CallFailed as error:
        if not error.reason or error.code not in _REFUSALS:
            raise
        return None, error


def _assumptions(plan: Plan) -> segments.Assumptions:
    """What the file declares besides."""
    return segments.Assumptions(
        attributes=[step.attribute for step in plan.attributes if step.action is not Action.UNCHANGED],
        events=[
            profiles.EventDeclaration(name=each.events.name, keep=each.events.keep)
            for each in plan.events
            if each.changes
        ],
    )


def _without(rule: Plain, absent: set[str]) -> Plain:
    """The rule with something else for each reference to one of these segments."""
    if not isinstance(rule, dict):
        return rule
    if isinstance(rule.get("segment"), str) and rule["segment"] in absent:
        return {**{key: value for key, value in rule.items() if key != "segment"}, **_NEUTRAL}  # type: ignore[dict-item]  # a mapping
    replaced: dict[str, Plain] = {}
    for key, value in rule.items():
        if key in ("all", "any") and isinstance(value, list):
            replaced[key] = [_without(part, absent) for part in value]
        else:
            replaced[key] = _without(value, absent) if key == "not" else value
    return replaced
