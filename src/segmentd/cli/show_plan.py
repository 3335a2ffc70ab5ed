"""What `apply` will change, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from segmentd.cli.definitions.applying import Applied
from segmentd.cli.definitions.plan import Action, GroupStep, Plan, kind_name
from segmentd.cli.definitions.trying import Trial
from segmentd.cli.message_json import message_json
from segmentd.cli.output import counted
from segmentd.cli.show_answers import state_name
from segmentd.cli.show_segment import preview_lines
from segmentd.v1 import segment_pb2

_SIGNS: Final = {Action.CREATE: ("+", "green"), Action.UPDATE: ("~", "yellow"), Action.UNCHANGED: ("=", "dim")}


def plan_lines(
    plan: Plan, tried: Trial, before: Mapping[str, segment_pb2.Segment], *, dry_run: bool
) -> Iterator[RenderableType]:
    """A line for each change with what it would do, where that was tried, and a sum; of unchanged ones only that."""
    for attribute in plan.attributes:
        if attribute.action is not Action.UNCHANGED:
            kind = kind_name(attribute.attribute.kind)
            was = f" (was {attribute.before})" if attribute.before not in ("", kind) else ""
            yield _line(attribute.action, f"attribute {attribute.attribute.name}: {kind}{was}")
    for event in plan.events:
        if event.changes:
            kept = f"kept for {event.events.keep or 'ever'} (was {event.before or 'ever'})"
            yield _line(Action.UPDATE, f"events {event.events.name}: {kept}")
    for step in plan.segments:
        if step.action is not Action.UNCHANGED:
            changed = f" ({', '.join(step.changed)})" if step.changed else ""
            yield _line(step.action, f"segment {step.definition.segment.id}{changed}")
            yield from _tried(tried.segments.get(step.definition.segment.id))
    for group in plan.groups:
        if group.action is not Action.UNCHANGED:
            changed = f" ({', '.join(group.changed)})" if group.changed else ""
            names = " > ".join(group.definition.group.segment_ids)
            yield _line(group.action, f"exclusive group {group.definition.group.id}{changed}: {names}")
            yield from _tried(tried.groups.get(group.definition.group.id))
            yield from _let_go(group, before) if dry_run else ()
    sums = (plan.count(Action.CREATE), plan.count(Action.UPDATE), plan.count(Action.UNCHANGED))
    yield "{}: {} to create, {} to update, {} unchanged".format("dry run" if dry_run else "plan", *sums)


def outcome_lines(plan: Plan, applied: Applied) -> Iterator[RenderableType]:
    """What stands after the changes: a line for each segment that is not active, with its reason, and a sum.

    Where not all of them were made, each is named.
    """
    for segment in applied.segments.values():
        if segment.state != segment_pb2.SEGMENT_STATE_ACTIVE:
            yield f"segment {segment.id} is {state_name(segment)}: {segment.state_reason}"
    done = len(applied.done)
    if applied.faults:
        yield f"applied {done} of {counted(plan.count(Action.CREATE) + plan.count(Action.UPDATE), 'change')}"
        yield f"applied: {', '.join(applied.done) or 'nothing'}"
        if applied.unknown:
            yield f"applied or not, no answer came: {', '.join(applied.unknown)}"
        yield f"not applied: {', '.join(applied.left) or 'nothing'}"
    elif done:
        yield f"applied {counted(done, 'change')}"


def plan_json(plan: Plan, applied: Applied, tried: Trial, *, dry_run: bool) -> dict[str, Any]:
    """The same as one document. `applied`, `not_applied` and `unknown` name the changes (`segment vip`)."""
    return {
        "dry_run": dry_run,
        "applied": applied.done,
        "not_applied": applied.left,
        "unknown": applied.unknown,
        "attributes": [
            {"name": step.attribute.name, "kind": kind_name(step.attribute.kind), "action": step.action.value}
            for step in plan.attributes
        ],
        "events": [
            {"name": step.events.name, "keep": step.events.keep, "action": "update" if step.changes else "unchanged"}
            for step in plan.events
        ],
        "segments": [
            {
                "id": step.definition.segment.id,
                "action": step.action.value,
                "changed": list(step.changed),
                **_after(applied.segments.get(step.definition.segment.id)),
                "preview": _preview_json(tried.segments.get(step.definition.segment.id)),
            }
            for step in plan.segments
        ],
        "exclusive_groups": [
            {
                "id": step.definition.group.id,
                "action": step.action.value,
                "changed": list(step.changed),
                "preview": _preview_json(tried.groups.get(step.definition.group.id)),
            }
            for step in plan.groups
        ],
    }


def _tried(preview: segment_pb2.EditPreview | str | None) -> Iterator[str]:
    if isinstance(preview, str):
        yield f"    {preview}"
    elif preview is not None:
        yield from preview_lines(preview)


def _let_go(step: GroupStep, before: Mapping[str, segment_pb2.Segment]) -> Iterator[str]:
    """A line for each segment that the group no longer makes; its members leave."""
    group = step.definition.group
    kept = {f"{group.id}/{name}" for name in group.segment_ids}
    for name, segment in before.items():
        if segment.managed_by == group.id and name not in kept and step.action is not Action.UNCHANGED:
            yield f"    {name} would be deleted, {segment.size:,} would leave"


def _preview_json(preview: segment_pb2.EditPreview | str | None) -> dict[str, Any] | None:
    return message_json(preview) if isinstance(preview, segment_pb2.EditPreview) else None


def _after(segment: segment_pb2.Segment | None) -> dict[str, Any]:
    if segment is None:
        return {"state": None, "state_reason": None, "version": None}
    return {"state": state_name(segment).upper(), "state_reason": segment.state_reason, "version": segment.version}


def _line(action: Action, text: str) -> Text:
    sign, style = _SIGNS[action]
    return Text(f"{sign} {text}", style=style)
