"""Definitions bound to models, for judging without an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segmentd.engine.compile import Definition, compile_plan, conditions, model_key, reads_of
from segmentd.engine.plan import Fitted, Plan
from segmentd.engine.rule import Node
from segmentd.plugins.segment_type import SegmentType
from segmentd.service.segment_info import SegmentSpec


class Rules:
    """Parsed once, bound as often as a model changes; the place of a segment is its number."""

    def __init__(self, specs: Sequence[SegmentSpec], types: Mapping[str, SegmentType[Any]]) -> None:
        self.names = [spec.segment_id for spec in specs]
        self._definitions = [_definition(number, spec, types) for number, spec in enumerate(specs)]

    def bind(self, number: int, plans: Mapping[int, Plan], fitted: Callable[[str], Fitted | None]) -> Plan:
        """The plan of a segment, given those of the segments before it."""
        return compile_plan(self._definitions[number], 0, {self.names[n]: each for n, each in plans.items()}, fitted)

    def models(self, number: int) -> set[str]:
        """The keys of the models that its own conditions need."""
        keys = {model_key(each) for each in conditions(self._definitions[number].rule)}
        return {key for key in keys if key is not None}

    def properties(self) -> dict[str, frozenset[str]]:
        """Every property that is read, by event."""
        found: dict[str, frozenset[str]] = {}
        for definition in self._definitions:
            for condition in conditions(definition.rule):
                for event, properties in reads_of(condition).events.items():
                    found[event] = found.get(event, frozenset()) | properties
        return found


def _definition(number: int, spec: SegmentSpec, types: Mapping[str, SegmentType[Any]]) -> Definition:
    rule: Node = spec.parse(types)
    return Definition(spec.segment_id, number, 1, rule, frozenset(spec.include), frozenset(spec.exclude))
