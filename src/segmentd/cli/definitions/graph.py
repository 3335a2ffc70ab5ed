"""Which segments would refer to which, were a file applied: the server's, with those of the file over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from segmentd.cli.definitions.plan import Plan
from segmentd.cli.definitions.references import references
from segmentd.cli.definitions.segments_file import SegmentsFile
from segmentd.cli.faults import Fault
from segmentd.client import as_json
from segmentd.v1 import segment_pb2


@dataclass(frozen=True, slots=True)
class _Reference:
    target: str
    path: str


def reference_faults(file: SegmentsFile, plan: Plan, before: Mapping[str, segment_pb2.Segment]) -> Iterator[Fault]:
    """Names of nobody, and circles, also those that close through segments of the server or of exclusive groups."""
    graph = _graph(file, before)
    yield from _dangling(file, before, graph)
    yield from _too_early(file, plan, before)
    circle = _circle(graph)
    if circle:
        yield _circle_fault(file, graph, circle)


def _graph(file: SegmentsFile, before: Mapping[str, segment_pb2.Segment]) -> dict[str, list[_Reference]]:
    changed = {each.group.id for each in file.groups}
    rules = {
        name: as_json(each.rule) if each.HasField("rule") else None
        for name, each in before.items()
        if each.managed_by not in changed or not each.managed_by
    }
    rules.update((each.segment.id, each.rule) for each in file.definitions)  # type: ignore[misc]  # Plain is Json
    graph = {name: [_Reference(*found) for found in references(rule)] for name, rule in rules.items()}  # type: ignore[arg-type]  # the same
    for each in file.groups:
        names = list(each.group.segment_ids)
        for place, name in enumerate(names):
            graph[f"{each.group.id}/{name}"] = [_Reference(other, "segments") for other in names[: place + 1]]
    return graph


def _dangling(
    file: SegmentsFile, before: Mapping[str, segment_pb2.Segment], graph: Mapping[str, list[_Reference]]
) -> Iterator[Fault]:
    for each in file.definitions:
        for found in graph[each.segment.id]:
            if found.target not in graph:
                here = "the group lets it go" if found.target in before else "neither here nor on the server"
                yield file.fault(each, found.path, f"no segment has the id {found.target!r}, {here}")
    for group in file.groups:
        gone = {name for name, each in before.items() if each.managed_by == group.group.id} - graph.keys()
        own = {each.segment.id for each in file.definitions} | file.managed_ids()
        users = sorted(name for name in graph.keys() - own if any(found.target in gone for found in graph[name]))
        if users:
            yield file.group_fault(group, "segments", f"it lets a segment go to which {', '.join(users)} refers")
        for index, name in enumerate(group.group.segment_ids):
            managed = before.get(f"{group.group.id}/{name}")
            if managed is not None and managed.managed_by != group.group.id:
                words = f"there is a segment {managed.id!r}, an id that the group needs"
                yield file.group_fault(group, f"segments[{index}]", words)


def _too_early(file: SegmentsFile, plan: Plan, before: Mapping[str, segment_pb2.Segment]) -> Iterator[Fault]:
    """New segments that need a group of the file, and of which one of its groups is made."""
    later = file.managed_ids() - before.keys()
    for group in file.groups:
        for index, name in enumerate(group.group.segment_ids):
            if name not in before and (name in plan.after_groups or name in later):
                words = f"{name!r} needs a group that this file makes later: apply that group first, with another file"
                yield file.group_fault(group, f"segments[{index}]", words)
        later -= {f"{group.group.id}/{name}" for name in group.group.segment_ids}


def _circle(graph: Mapping[str, list[_Reference]]) -> list[str]:
    """The ids on a circle, the first one again at the end; empty where there is none. Chains may be long."""
    done: set[str] = set()
    for start in graph:
        trail: dict[str, Iterator[_Reference]] = {} if start in done else {start: iter(graph[start])}
        while trail:
            last = next(reversed(trail))
            for found in trail[last]:
                if found.target in trail:
                    ids = list(trail)
                    return [*ids[ids.index(found.target) :], found.target]
                if found.target in graph and found.target not in done:
                    trail[found.target] = iter(graph[found.target])
                    break
            else:
                done.add(last)
                del trail[last]
    return []


def _circle_fault(file: SegmentsFile, graph: Mapping[str, list[_Reference]], circle: list[str]) -> Fault:
    """At the first segment of the file that is on the circle, or else at a group."""
    words = f"the segments refer in a circle: {' → '.join(circle)}"
    for definition in file.definitions:
        if definition.segment.id in circle:
            after = circle[circle.index(definition.segment.id) + 1]
            path = next(found.path for found in graph[definition.segment.id] if found.target == after)
            return file.fault(definition, path, words)
    for group in file.groups:
        if any(f"{group.group.id}/{name}" in circle for name in group.group.segment_ids):
            return file.group_fault(group, "segments", words)
    return Fault(words)
