"""Which segments a rule refers to, and the order in which definitions can be applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from segmentd.cli.definitions.located import Plain, below
from segmentd.cli.definitions.segments_file import Definition, SegmentsFile
from segmentd.cli.faults import FileFaults


def references(rule: Plain, path: str = "rule") -> Iterator[tuple[str, str]]:
    """The ids of the segments that a rule names, with the path of each; parts of another form are passed over."""
    if not isinstance(rule, dict):
        return
    for key, value in rule.items():
        here = below(path, key)
        if key == "segment" and isinstance(value, str):
            yield value, here
        elif key == "not":
            yield from references(value, here)
        elif key in ("all", "any") and isinstance(value, list):
            for index, item in enumerate(value):
                yield from references(item, below(here, index))


def in_order(file: SegmentsFile) -> list[Definition]:
    """The definitions, those that others refer to first, else in the order of the file.

    Raises FileFaults where some refer to each other in a circle; the message names it.
    """
    walk = _Walk({each.segment.id: each for each in file.definitions}, file)
    for each in file.definitions:
        walk.visit(each)
    return walk.ordered


class _Walk:
    def __init__(self, definitions: Mapping[str, Definition], file: SegmentsFile) -> None:
        self.ordered: list[Definition] = []
        self._definitions = definitions
        self._file = file
        self._done: set[str] = set()

    def visit(self, start: Definition) -> None:
        """Add a definition after all that it refers to; without recursion, since chains may be long."""
        trail: list[tuple[Definition, Iterator[tuple[str, str]]]] = []
        self._enter(start, trail)
        while trail:
            definition, rest = trail[-1]
            for target_id, path in rest:
                target = self._definitions.get(target_id)
                if target is not None and target_id not in self._done:
                    self._refuse_circle(definition, target_id, path, trail)
                    self._enter(target, trail)
                    break
            else:
                trail.pop()
                self._done.add(definition.segment.id)
                self.ordered.append(definition)

    def _enter(self, definition: Definition, trail: list[tuple[Definition, Iterator[tuple[str, str]]]]) -> None:
        if definition.segment.id not in self._done:
            trail.append((definition, references(definition.rule)))

    def _refuse_circle(
        self,
        definition: Definition,
        target_id: str,
        path: str,
        trail: list[tuple[Definition, Iterator[tuple[str, str]]]],
    ) -> None:
        ids = [each.segment.id for each, _ in trail]
        if target_id in ids:
            circle = " → ".join([*ids[ids.index(target_id) :], target_id])
            raise FileFaults(
                self._file.name, [self._file.fault(definition, path, f"the segments refer in a circle: {circle}")]
            )
