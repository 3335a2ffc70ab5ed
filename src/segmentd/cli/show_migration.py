"""A migration matrix as a table whose cells are shaded by the share of their row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from segmentd.v1 import history_service_pb2 as history

NONE: Final = "(none)"
"""How the row and the column of users in none of the segments are called."""
_LIGHT: Final = (247, 251, 255)
_DARK: Final = (8, 64, 129)
_WHITE_FROM: Final = 0.65
"""The share from which on white figures are easier to read."""


def matrix_table(matrix: history.GetMigrationMatrixResponse) -> Table:
    """Rows are the segments before, columns those after; the last row has the sums."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column(Text("from ↓  to →"), overflow="fold")
    for column in matrix.columns:
        table.add_column(Text(name_of(column)), justify="right", overflow="fold")
    table.add_column("users", justify="right")
    for row in matrix.rows:
        shares = shares_of(row)
        cells = [_cell(count, share) for count, share in zip(row.counts, shares, strict=True)]
        table.add_row(Text(name_of(row), style="bold"), *cells, Text(f"{row.user_count:,}"))
    sums = [Text(f"{column.user_count:,}") for column in matrix.columns]
    table.add_row(Text("users", style="bold"), *sums, Text(f"{matrix.user_count:,}"))
    created = [Text(f"{column.created_count:,}", style="dim") for column in matrix.columns]
    table.add_row(Text("of them new", style="dim"), *created, Text(f"{matrix.created_count:,}", style="dim"))
    return table


def matrix_lines(matrix: history.GetMigrationMatrixResponse) -> Iterator[str]:
    """What the table does not say."""
    none = matrix.user_count - matrix.stayed_count - matrix.moved_count
    yield (
        f"users where they were: {matrix.stayed_count:,}; moved: {matrix.moved_count:,}; "
        f"in none of the segments at both instants: {none:,}"
    )


def name_of(line: history.MigrationRow | history.MigrationColumn) -> str:
    """The segment of a row or a column."""
    return line.segment_id or NONE


def shares_of(row: history.MigrationRow) -> Sequence[float]:
    """Each count of a row as share of the row's users, 0 to 1."""
    return [count / row.user_count if row.user_count else 0.0 for count in row.counts]


def _cell(count: int, share: float) -> Text:
    """A figure on a ground that is the darker the larger the share."""
    red, green, blue = (round(low + (high - low) * share) for low, high in zip(_LIGHT, _DARK, strict=True))
    ink = "white" if share >= _WHITE_FROM else "black"
    return Text(f" {count:,} {share:4.0%} ", style=f"{ink} on rgb({red},{green},{blue})")
