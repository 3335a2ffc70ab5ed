"""Exclusive groups for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.table import Table

from segmentd.cli.instants import instant_text
from segmentd.cli.show_answers import add_row, grid
from segmentd.v1 import exclusive_group_pb2, exclusive_group_service_pb2


def groups_table(groups: Iterable[exclusive_group_pb2.ExclusiveGroup]) -> Table:
    """Groups with their segments in order."""
    table = grid("group", "name", "version", "segments")
    for each in groups:
        add_row(table, each.id, each.name, str(each.version), " > ".join(each.segment_ids))
    return table


def report_parts(
    group: exclusive_group_pb2.ExclusiveGroup, answer: exclusive_group_service_pb2.GetExclusiveGroupReportResponse
) -> Iterator[RenderableType]:
    """The shares, the sums, and the overlaps."""
    report = answer.report
    yield f"{group.id}{f' ({group.name})' if group.name else ''} at {instant_text(answer.evaluate_time)}"
    yield _counts(
        ("segment", "matched", "claimed", "lost to earlier ones"),
        ((each.segment_id, each.matched_count, each.claimed_count, each.lost_count) for each in report.shares),
    )
    yield f"users in the group, each in one segment of it: {report.user_count:,}"
    if report.overlap_user_count:
        yield f"of them matching two or more segments: {report.overlap_user_count:,}"
        yield f"memberships withheld: {report.withheld_count:,}"
        yield _counts(
            ("segment", "overlaps with", "users"),
            ((each.first_segment_id, each.second_segment_id, each.user_count) for each in report.overlaps),
        )
    else:
        yield "nobody matches two of them"


def _counts(columns: tuple[str, ...], rows: Iterable[tuple[str | int, ...]]) -> Table:
    """A table whose numbers stand to the right."""
    table = grid(*columns)
    for row in rows:
        add_row(table, *(each if isinstance(each, str) else f"{each:,}" for each in row))
        for column, cell in zip(table.columns, row, strict=True):
            column.justify = "left" if isinstance(cell, str) else "right"
    return table
