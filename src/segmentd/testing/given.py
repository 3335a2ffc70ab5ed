"""Users and events from plain values, and the population that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from segmentd.population.build import GivenEvent, GivenUser, build_dataset
from segmentd.population.kinds import Kind
from segmentd.population.schema import Schema
from segmentd.times import Micros, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segmentd.population.kinds import Json
    from segmentd.population.views import UsersView

Instant: TypeAlias = "str | int"
"""RFC 3339 text, or microseconds UTC."""
AttributeKinds: TypeAlias = "Mapping[str, Kind]"
PropertyKinds: TypeAlias = "Mapping[tuple[str, str], Kind]"


def instant(given: Instant) -> Micros:
    """Microseconds UTC of RFC 3339 text, or of themselves."""
    return parse_instant(given) if isinstance(given, str) else Micros(given)


def event(name: str, time: Instant, properties: Mapping[str, Json] | None = None) -> GivenEvent:
    """An event as plain values: `event("Order Completed", "2026-11-21T10:00:00Z", {"revenue": 12})`."""
    return GivenEvent(name, instant(time), properties or {})


def user(
    user_id: str, attributes: Mapping[str, Json] | None = None, *events: GivenEvent, lists: Iterable[str] = ()
) -> GivenUser:
    """A user as plain values, with events in order of arrival: `user("ada", {"plan": "pro"}, event(…))`.

    `lists` are the ids of the user lists that the user is in.
    """
    return GivenUser(user_id, attributes or {}, events, tuple(lists))


def population(
    users: Iterable[GivenUser],
    at: Instant | Sequence[Instant],
    attributes: AttributeKinds | None = None,
    properties: PropertyKinds | None = None,
) -> UsersView:
    """These users at one instant, or each at its own.

    `attributes` and `properties` ((event, property)) fix kinds that the Segment spec leaves open; else the first
    value of a name does. Raises ValueError where a value is of another kind than its name.
    """
    dataset = build_dataset(users, schema(attributes, properties))
    if isinstance(at, str | int):
        return dataset.everyone(instant(at))
    return dataset.view(np.arange(len(dataset)), np.array([instant(each) for each in at], dtype=np.int64))


def check_fixed(attributes: Mapping[Any, Any], properties: Mapping[Any, Any]) -> None:
    """Raise TypeError, which says what to write, where a kind is none or a property has no event."""
    for option, kinds in (("attributes", attributes), ("properties", properties)):
        for name, kind in kinds.items():
            if not isinstance(kind, Kind):
                known = ", ".join(f"Kind.{each.name}" for each in Kind)
                near = f"write Kind.{kind.upper()}" if kind in list(Kind) else f"the kinds are {known}"
                raise TypeError(f"{option}[{name!r}] is {kind!r}, which is no Kind; {near} (of segmentd.api)")
    for name in properties:
        if not (isinstance(name, tuple) and len(name) == 2):
            raise TypeError(f"properties[{name!r}]: a property belongs to an event; write (EVENT, PROPERTY): Kind")


def schema(attributes: AttributeKinds | None = None, properties: PropertyKinds | None = None) -> Schema:
    """A schema in which these names have these kinds."""
    check_fixed(attributes or {}, properties or {})
    kinds = Schema()
    for name, kind in (attributes or {}).items():
        kinds.set_attribute(name, kind)
    for (name, key), kind in (properties or {}).items():
        kinds.set_property(name, key, kind)
    return kinds
