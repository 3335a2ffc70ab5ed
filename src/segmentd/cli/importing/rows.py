"""What sources give: rows, and what became of those that are no rows."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """One row by the names of the convention (`userId`, `properties`); `position` is its line or number, from 1."""

    position: int
    values: Mapping[str, Any]
    cells: Mapping[str, str] | None = None
    """The cells by their columns as they stood in the file; None where it has objects instead."""

    @property
    def written(self) -> Mapping[str, Any]:
        """The row for the rejects file."""
        return self.values if self.cells is None else self.cells


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is not stored. `reason` is what rejects are counted by, `detail` is about this one."""

    position: int
    reason: str
    detail: str
    row: Any


class BadRow(Exception):
    """The row cannot be an item; `reason` and `detail` as in Reject."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Source(Protocol):
    """A file that is read once, from its beginning."""

    naive_is_utc: bool
    """Whether times without an offset are taken as UTC; else they are refused."""
    counted_by: str
    """What positions count: `line` of the file, or `row` of what was selected from it."""

    def rows(self) -> Generator[Row | Reject, None, None]:
        """Every row. Raises CommandFailed where the file cannot be read on."""

    def progress(self) -> tuple[int, int]:
        """How much of how much was read, in a unit of the source's own."""
