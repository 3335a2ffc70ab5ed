"""google.protobuf.Struct to and from plain Python: dict, list, str, bool, int, float and None."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeAlias

from google.protobuf import struct_pb2

from segmentd import limits
from segmentd.errors import InvalidInput
from segmentd.population.kinds import Json
from segmentd.server.faults import Faults

Path: TypeAlias = "str | tuple[Path, str | int]"
"""Where a value stands: a path, or a key or an index below one. It is written out only where there is a fault."""
_SHORT: Final = limits.MAX_TEXT_BYTES // 4
"""A text of so many characters is within the limit, whatever they are."""
EXACT_INT: Final = 2**53
"""Whole numbers up to this size are exact in a Struct, whose numbers are doubles."""


def from_struct(struct: struct_pb2.Struct, field: Path, faults: Faults) -> dict[str, Json]:
    """The object that `struct` stands for; each fault goes to `faults` by its path, with None in its place.

    Whole numbers up to 2**53 come out as int, so that a rule can tell `3` from `3.5`. NaN, infinities, values of no
    kind, and keys or text beyond the limits are faults.
    """
    values: dict[str, Json] = {}
    for key, value in _items(struct):
        kind = value.WhichOneof("kind")
        step = key if limits.name_fault(key) is None else _key(key, field, faults)
        # What nearly all values are comes first, without the path that only a fault needs.
        if kind == "string_value" and len(text := value.string_value) <= _SHORT:
            values[key] = text
        elif kind == "number_value" and -EXACT_INT <= (number := value.number_value) <= EXACT_INT:
            values[key] = int(number) if number.is_integer() else number
        else:
            values[key] = from_value(value, (field, step), faults)
    return values


def from_value(value: struct_pb2.Value, path: Path, faults: Faults) -> Json:
    """What `value` stands for; faults as in `from_struct`."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return _text(value.string_value, path, faults)
    if kind == "number_value":
        return _number(value.number_value, path, faults)
    if kind == "bool_value":
        return value.bool_value
    if kind == "struct_value":
        return from_struct(value.struct_value, path, faults)
    if kind == "list_value":
        return [from_value(item, (path, index), faults) for index, item in enumerate(value.list_value.values)]
    if kind is None:
        faults.add(_written(path), "it has no value; removing is written as null")
    return None


def to_struct(value: Mapping[str, Json], field: str = "value") -> struct_pb2.Struct:
    """The Struct that stands for an object. Raises InvalidInput at the path of what a Struct cannot hold exactly."""
    struct = struct_pb2.Struct()
    for key, item in value.items():
        _fill(struct.fields[key], item, f"{field}.{key}")
    return struct


def to_value(value: Json, field: str = "value") -> struct_pb2.Value:
    """The Value that stands for `value`; errors as in `to_struct`."""
    filled = struct_pb2.Value()
    _fill(filled, value, field)
    return filled


def _items(struct: struct_pb2.Struct) -> list[tuple[str, struct_pb2.Value]]:
    # Maps have no order on the wire; sorted, the same request has the same faults in the same order.
    return sorted(struct.fields.items())


def _key(key: str, field: Path, faults: Faults) -> str:
    fault = limits.name_fault(key)
    if fault is not None:
        faults.add(_written(field), f"a key is refused: {fault}")
        return "?"
    return key


def _text(text: str, path: Path, faults: Faults) -> str | None:
    fault = limits.text_fault(text)
    if fault is not None:
        faults.add(_written(path), fault)
        return None
    return text


def _written(path: Path) -> str:
    """`((("events[3].properties", "products"), 0), "sku")` as `events[3].properties.products[0].sku`."""
    if isinstance(path, str):
        return path
    above, step = path
    return f"{_written(above)}[{step}]" if isinstance(step, int) else f"{_written(above)}.{step}"


def _number(number: float, path: Path, faults: Faults) -> int | float | None:
    if not math.isfinite(number):
        faults.add(_written(path), f"{number} is not a number that can be compared")
        return None
    return int(number) if number.is_integer() and abs(number) <= EXACT_INT else number


def _fill(target: struct_pb2.Value, value: Json, path: str) -> None:
    if value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = _exact(value, path)
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Mapping):
        target.struct_value.CopyFrom(to_struct(value, path))
    else:
        target.list_value.SetInParent()
        for index, item in enumerate(value):
            _fill(target.list_value.values.add(), item, f"{path}[{index}]")


def _exact(number: int | float, path: str) -> float:
    try:
        exact = float(number)
    except OverflowError:
        exact = math.inf
    if not math.isfinite(exact) or exact != number:
        raise InvalidInput.at(path, f"{number} cannot be held exactly in double precision")
    return exact
