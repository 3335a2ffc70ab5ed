"""Nested JSON objects become dotted names: `{"address": {"city": "Bonn"}}` is `address.city`.

All raise ValueError for too deep a nesting, and for a name that is given twice, nested and dotted: the order of an
object's keys, which nobody keeps, would decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from segmentd.population.kinds import Json

MAX_DEPTH: Final = 8
_PLAIN: Final = frozenset([str, int, float, bool])
"""The types of values that are not looked into."""


def flatten_attributes(values: Mapping[str, Json], prefix: str = "") -> dict[str, Json]:
    """Dotted names and their values; None stays (it removes an attribute), lists stay lists."""
    if not prefix and _plain(values):
        return dict(values)
    flat: dict[str, Json] = {}
    for name, value in _walk(values, prefix, MAX_DEPTH):
        _add(flat, name, value)
    return flat


def flatten_properties(values: Mapping[str, Json]) -> dict[str, Json]:
    """The same for properties; a list of objects gives one list a key: `products.sku` = all skus, without nulls."""
    if _plain(values):
        return dict(values)
    flat: dict[str, Json] = {}
    for name, value in _walk(values, "", MAX_DEPTH):
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for key, items in _fan_out(name, value).items():
                _add(flat, key, items)
        elif value is not None:
            _add(flat, name, value)
    return flat


def _plain(values: Mapping[str, Json]) -> bool:
    """Whether no value is an object, a list or null: then the names are flat as they are."""
    return _PLAIN.issuperset(map(type, values.values()))


def _add(flat: dict[str, Json], name: str, value: Json) -> None:
    if name in flat:
        raise ValueError(f"{name[:80]} is given twice, nested and dotted")
    flat[name] = value


def _walk(values: Mapping[str, Json], prefix: str, depth: int) -> Iterator[tuple[str, Json]]:
    if depth == 0:
        raise ValueError(f"{prefix[:-1]} is nested deeper than {MAX_DEPTH} levels")
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _walk(value, f"{prefix}{key}.", depth - 1)
        else:
            yield prefix + key, value


def _fan_out(name: str, items: list[Json]) -> dict[str, Json]:
    lists: dict[str, list[Json]] = {}
    for item in items:
        if isinstance(item, dict):
            for key, value in _walk(item, f"{name}.", MAX_DEPTH - 1):
                if value is not None:
                    lists.setdefault(key, []).append(value)
    return dict(lists)
