"""A dataset from plain values: for tests of plugins, and for profiles that are judged without being saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from segmentd.population.dataset import Dataset
from segmentd.population.flatten import flatten_attributes, flatten_properties
from segmentd.population.kinds import Json, Kind, Stored, encode, kind_of
from segmentd.population.listed import list_attribute
from segmentd.population.schema import Schema
from segmentd.times import Micros


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """An event as plain values; `time` in microseconds UTC."""

    name: str
    time: Micros
    properties: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GivenUser:
    """A user as plain values: attributes nested or dotted, events in order of arrival, the user lists it is in."""

    user_id: str
    attributes: Mapping[str, Json] = field(default_factory=dict)
    events: Iterable[GivenEvent] = ()
    lists: Iterable[str] = ()


def build_dataset(users: Iterable[GivenUser], schema: Schema) -> Dataset:
    """A dataset with every property of every event; names of unknown kind are added to `schema`.

    Raises ValueError with the name and the reason where a value is of another kind than its name.
    """
    dataset = Dataset()
    given = list(users)
    for user in given:
        row = dataset.add_user(user.user_id)
        dataset.set_attributes(row, _attributes(user, schema))
    for row, user in enumerate(given):
        for event in user.events:
            _add_event(dataset, row, event, schema)
    return dataset


def _attributes(user: GivenUser, schema: Schema) -> dict[str, tuple[Kind, Stored] | None]:
    flat = flatten_attributes(user.attributes)
    values: dict[str, tuple[Kind, Stored] | None] = {}
    for name, value in flat.items():
        kind = schema.attribute(name) or kind_of(value)
        if value is not None and kind is not None:
            schema.set_attribute(name, kind)
            values[name] = kind, _encode(name, kind, value)
    return values | {list_attribute(name): (Kind.FLAG, 1) for name in user.lists}


def _add_event(dataset: Dataset, row: int, event: GivenEvent, schema: Schema) -> None:
    table = dataset.tables.get(event.name)
    if table is None:
        table = dataset.tables[event.name] = dataset.new_table({})
    values: dict[str, Stored] = {}
    for name, value in flatten_properties(event.properties).items():
        kind = schema.event_property(event.name, name) or kind_of(value)
        if kind is not None:
            schema.set_property(event.name, name, kind)
            if name not in table.columns:
                table.add_column(name, kind)
            values[name] = _encode(name, kind, value)
    table.add(row, event.time, values)


def _encode(name: str, kind: Kind, value: Json) -> Stored:
    try:
        return encode(kind, value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
