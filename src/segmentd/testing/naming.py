"""Which kinds the names that a condition reads may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from segmentd.population.kinds import Kind
from segmentd.population.schema import Schema
from segmentd.testing.given import check_fixed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segmentd.plugins.segment_type import Reads, SegmentType
    from segmentd.testing.given import AttributeKinds, PropertyKinds

_MOST: Final = 9
Assigned = tuple[dict[str, Kind], dict[tuple[str, str], Kind]]


@dataclass(frozen=True)
class KnownKinds:
    """Kinds as a rule's check asks for them; every other name is unknown."""

    attributes: Mapping[str, Kind]
    properties: Mapping[tuple[str, str], Kind]

    def attribute(self, name: str) -> Kind | None:
        """The kind of an attribute."""
        return self.attributes.get(name)

    def event_property(self, event: str, name: str) -> Kind | None:
        """The kind of a property of an event."""
        return self.properties.get((event, name))


class NamedKinds:
    """The kinds that the author of a test fixes; the Segment spec fixes others."""

    def __init__(self, attributes: AttributeKinds | None, properties: PropertyKinds | None) -> None:
        check_fixed(attributes or {}, properties or {})
        self.attributes = dict(attributes or {})
        self.properties = dict(properties or {})

    def attribute(self, name: str) -> Kind | None:
        """The fixed kind of an attribute; None where it is free."""
        return self.attributes.get(name) or Schema().attribute(name)

    def event_property(self, event: str, name: str) -> Kind | None:
        """The fixed kind of a property; None where it is free."""
        return self.properties.get((event, name)) or Schema().event_property(event, name)


def applicable(segment_type: SegmentType[Any], params: Any, reads: Reads, fixed: NamedKinds) -> Iterator[Assigned]:
    """At least three assignments, in which every free name takes in turn each kind that `check` accepts."""
    attributes = {name: _kinds(segment_type, params, name, fixed) for name in sorted(reads.attributes)}
    properties = {
        (event, name): _property_kinds(segment_type, params, event, name, fixed)
        for event in sorted(reads.events)
        for name in sorted(reads.events[event])
    }
    most = max([3, *map(len, attributes.values()), *map(len, properties.values())])
    for turn in range(min(most, _MOST)):
        yield (
            {name: kinds[turn % len(kinds)] for name, kinds in attributes.items() if kinds},
            {pair: kinds[turn % len(kinds)] for pair, kinds in properties.items() if kinds},
        )


def _kinds(segment_type: SegmentType[Any], params: Any, name: str, fixed: NamedKinds) -> list[Kind]:
    kind = fixed.attribute(name)
    if kind is not None:
        return [kind]
    return [kind for kind in Kind if not list(segment_type.check(params, KnownKinds({name: kind}, {})))]


def _property_kinds(
    segment_type: SegmentType[Any], params: Any, event: str, name: str, fixed: NamedKinds
) -> list[Kind]:
    kind = fixed.event_property(event, name)
    if kind is not None:
        return [kind]
    return [kind for kind in Kind if not list(segment_type.check(params, KnownKinds({}, {(event, name): kind})))]
