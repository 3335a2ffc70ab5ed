"""Segment types and the status of the server, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson
from rich.console import RenderableType
from rich.table import Table

from segmentd.cli.clock import clock_words
from segmentd.cli.instants import instant_text
from segmentd.cli.show_answers import add_row, grid
from segmentd.client import as_json
from segmentd.v1 import admin_service_pb2, segment_type_pb2


def overview(types: Iterable[segment_type_pb2.SegmentType]) -> Iterator[RenderableType]:
    """Every type in a line, with the names of its parameters."""
    table = grid("type", "judges", "parameters")
    for each in types:
        add_row(table, each.name, each.description, ", ".join(parameter.name for parameter in each.parameters))
    yield table


def details(found: segment_type_pb2.SegmentType) -> Iterator[RenderableType]:
    """One type: its parameters as a table, and the schema."""
    yield f"{found.name} (version {found.version}, {found.plugin}): {found.description}"
    if found.population_relative:
        yield "It learns from the population: its segments are pending until a model is fitted."
    table = grid("parameter", "reads", "operators", "meaning")
    for each in found.parameters:
        add_row(table, each.name, ", ".join(each.attributes), ", ".join(each.operators), each.description)
    yield table
    yield "JSON Schema of the parameters:"
    yield orjson.dumps(as_json(found.parameters_schema), option=orjson.OPT_INDENT_2).decode()


def status_table(answer: admin_service_pb2.GetStatusResponse) -> Table:
    """The status, a fact a row."""
    table = grid("", "")
    table.show_header = False
    clock = f"{instant_text(answer.clock_time)} ({clock_words(answer)})"
    troubles = [
        f"{number:,} {word}"
        for number, word in ((answer.failed_segment_count, "failed"), (answer.pending_segment_count, "pending"))
        if number
    ]
    segments = f"{answer.segment_count:,}" + (f" ({', '.join(troubles)})" if troubles else "")
    for name, value in (
        ("version", answer.version),
        ("revision", f"{answer.revision:,}"),
        ("clock", clock),
        ("users", f"{answer.user_count:,}"),
        ("events", f"{answer.event_count:,}"),
        ("segments", segments),
        ("started", instant_text(answer.start_time)),
    ):
        add_row(table, name, value)
    return table
