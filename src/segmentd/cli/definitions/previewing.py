"""Asking the server what each change of a file would do, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping

from segmentd.cli.definitions.plan import Action, Plan
from segmentd.cli.definitions.references import references
from segmentd.client import CallFailed, Client
from segmentd.v1 import segment_pb2


def previews(
    client: Client, plan: Plan, before: Mapping[str, segment_pb2.Segment]
) -> dict[str, segment_pb2.EditPreview | str]:
    """Segment id → what its change would do beside what the server has now, or why that cannot be said yet."""
    found: dict[str, segment_pb2.EditPreview | str] = {}
    for step in plan.segments:
        segment = step.definition.segment
        if step.action is Action.UNCHANGED:
            continue
        new = sorted({target for target, _ in references(step.definition.rule)} - before.keys())
        if new:
            found[segment.id] = f"not judged yet: it refers to {new[0]}, which this file creates"
            continue
        try:
            if step.action is Action.CREATE:
                found[segment.id] = client.create_segment(segment, validate_only=True).preview
            else:
                found[segment.id] = client.update_segment(segment, ["*"], validate_only=True).preview
        except CallFailed as error:
            if not error.reason:
                raise
            found[segment.id] = f"not judged yet: {error.message}"
    return found
