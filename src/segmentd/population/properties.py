"""One property of many events, as `flatten_properties` names it, without making all the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat

from segmentd.population.flatten import flatten_properties
from segmentd.population.kinds import Json


def property_values(events: Sequence[Mapping[str, Json]], name: str) -> list[Json]:
    """The value of the property `name` of each event, None where it has none.

    Where the value is an object or a list of objects, rules know it by other names; here it stands as it is, and no
    kind of values takes it.
    """
    if "." not in name:
        return list(map(dict.get, events, repeat(name)))  # type: ignore[arg-type]
    head = name.partition(".")[0]
    return [_nested(event, name, head) for event in events]


def _nested(event: Mapping[str, Json], name: str, head: str) -> Json:
    """A dotted name may be written as it is, nested, or partly so."""
    value = event.get(name)
    if value is not None:
        return value
    inside = {key: given for key, given in event.items() if key.partition(".")[0] == head}
    return flatten_properties(inside).get(name) if inside else None
