"""The published table of segment types: JSON Schema of the parameters, what they read, which operators they have."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from segmentd.plugins.host import GROUP
from segmentd.plugins.segment_type import SegmentType, description_of
from segmentd.population.kinds import Json
from segmentd.server.structs import to_struct
from segmentd.v1 import segment_type_pb2


def segment_types(
    types: Mapping[str, SegmentType[Any]], origins: Mapping[str, str]
) -> list[segment_type_pb2.SegmentType]:
    """All types by name; `origins` has the plugin of each."""
    brought = {point.name: point.dist for point in entry_points(group=GROUP)}
    plugins = {name: f"{dist.name} {dist.version}" for name, dist in brought.items() if dist is not None}
    return [_segment_type(types[name], plugins.get(origins[name], origins[name])) for name in sorted(types)]


def _segment_type(segment_type: SegmentType[Any], plugin: str) -> segment_type_pb2.SegmentType:
    schema = segment_type.Params.model_json_schema()
    return segment_type_pb2.SegmentType(
        name=segment_type.name,
        version=segment_type.version,
        description=_first_paragraph(description_of(segment_type)),
        plugin=plugin,
        parameters_schema=to_struct(_in_doubles(schema), "parameters_schema"),
        population_relative=type(segment_type).model_params is not SegmentType.model_params,
        parameters=_parameters(segment_type, schema),
    )


def _parameters(segment_type: SegmentType[Any], schema: Mapping[str, Any]) -> list[segment_type_pb2.Parameter]:
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    table = segment_type.attributes_table()
    parameters = []
    for name in dict.fromkeys([*properties, *table]):
        attributes, operators = table.get(name, ((), ()))
        description = str(properties.get(name, {}).get("description", ""))
        parameters.append(
            segment_type_pb2.Parameter(name=name, description=description, attributes=attributes, operators=operators)
        )
    return parameters


def _in_doubles(value: Any) -> Any:
    """JSON with every whole number as the nearest double, which is what a Struct can hold."""
    if isinstance(value, Mapping):
        return {key: _in_doubles(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_doubles(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else _plain(value)


def _plain(value: Any) -> Json:
    return value if value is None or isinstance(value, bool | float | str) else str(value)


def _first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n", 1)[0].split())
