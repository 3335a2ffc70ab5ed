"""The exclusive groups of a file: what is wrong with them, what they would change, and doing it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import grpc

from segmentd.cli.definitions.checking import violations
from segmentd.cli.definitions.plan import Action, GroupStep
from segmentd.cli.definitions.segments_file import SegmentsFile
from segmentd.cli.faults import Fault
from segmentd.client import CallFailed, Client, FieldFault
from segmentd.v1 import exclusive_group_pb2, segment_pb2


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


@dataclass(frozen=True, slots=True)
class GroupTrial:
    """What a change of a group would do, or why that cannot be said yet; and what would be refused."""

    preview: segment_pb2.EditPreview | str
    faults: list[Fault]


def try_group(
    client: Client, file: SegmentsFile, step: GroupStep, known: Collection[str], updated: Collection[str]
) -> GroupTrial:
    """Ask the server about one group beside what it has: `known` segments, of which the file changes `updated`.

    Raises CallFailed where the server does not judge, as it is not there.
    """
    group = step.definition.group
    new = [place for place, name in enumerate(group.segment_ids) if name not in known]
    words = f"not judged yet: it refers to {group.segment_ids[new[0]]}, which this file creates" if new else ""
    create = step.action is Action.CREATE
    try:
        answer = (
            client.create_exclusive_group(group, validate_only=True)
            if create
            else client.update_exclusive_group(group, ["*"], validate_only=True)
        )
        return GroupTrial(answer.preview, [])
    except CallFailed as error:
        if not error.reason or error.code is grpc.StatusCode.UNAVAILABLE:
            raise
        if error.reason == "SEGMENT_REFERENCED" and updated:
            return GroupTrial("not judged yet: a segment refers to it that this file changes", [])
        absent = {f"group.segment_ids[{place}]" for place in new}
        found = [each for each in violations(error) if each.field not in absent and not _circle_now(each, updated)]
        faults = [group_call_fault(file, step, each) for each in found]
        return GroupTrial(words or "not judged yet: it refers to a segment that this file changes", faults)


def group_call_fault(file: SegmentsFile, step: GroupStep, found: FieldFault) -> Fault:
    """What the server says of a group, at its place in the file."""
    path = found.field.removeprefix("group.").replace("segment_ids", "segments")
    return file.group_fault(step.definition, path, found.description)


def _circle_now(found: FieldFault, updated: Collection[str]) -> bool:
    """Whether it is a circle that the file may open; those that it leaves or closes are found in the file itself."""
    return bool(updated) and found.field == "group.segment_ids" and "closes a circle" in found.description


def write_group(client: Client, step: GroupStep, author: str, note: str) -> None:
    """Create or update one group. Raises CallFailed."""
    group = exclusive_group_pb2.ExclusiveGroup()
    group.CopyFrom(step.definition.group)
    # What was compared is what is changed: an edit by somebody else in between is refused, not overwritten.
    group.author, group.note, group.etag = author, note, step.etag
    if step.action is Action.CREATE:
        client.create_exclusive_group(group)
    elif step.action is Action.UPDATE:
        client.update_exclusive_group(group, ["*"])
