"""The exclusive groups of a file: what is wrong with them, what they would change, and doing it."""

from __future__ import annotations

from collections.abc import Iterator

from segmentd.cli.definitions.plan import Action, GroupStep, Plan
from segmentd.cli.definitions.segments_file import SegmentsFile
from segmentd.cli.faults import Fault
from segmentd.client import CallFailed, Client
from segmentd.v1 import exclusive_group_pb2


def group_faults(file: SegmentsFile, known: set[str]) -> Iterator[Fault]:
    """Segments that neither the file nor the server (`known`) has, and those that are there twice."""
    own = {each.segment.id for each in file.definitions} | file.managed_ids()
    for each in file.groups:
        names = list(each.group.segment_ids)
        for index, name in enumerate(names):
            if name not in own and name not in known:
                yield file.group_fault(each, f"segments[{index}]", f"no segment has the id {name!r}")
            elif name in names[:index]:
                yield file.group_fault(each, f"segments[{index}]", f"{name!r} is there twice")


def apply_groups(client: Client, file: SegmentsFile, plan: Plan, author: str, note: str) -> list[Fault]:
    """Create and update; what was refused."""
    faults: list[Fault] = []
    for step in plan.groups:
        try:
            _write(client, step, author, note)
        except CallFailed as error:
            found = [(each.field, each.description) for each in error.violations]
            for field, message in found or [("", f"{error.message} ({error.reason or error.code.name})")]:
                path = field.removeprefix("group.").replace("segment_ids", "segments")
                faults.append(file.group_fault(step.definition, path, message))
    return faults


def _write(client: Client, step: GroupStep, author: str, note: str) -> None:
    group = exclusive_group_pb2.ExclusiveGroup()
    group.CopyFrom(step.definition.group)
    # What was compared is what is changed: an edit by somebody else in between is refused, not overwritten.
    group.author, group.note, group.etag = author, note, step.etag
    if step.action is Action.CREATE:
        client.create_exclusive_group(group)
    elif step.action is Action.UPDATE:
        client.update_exclusive_group(group, ["*"])
