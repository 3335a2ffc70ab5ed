"""CSV: columns have the names of the convention, with dots (`properties.revenue`, `traits.address.city`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from segmentd.cli.faults import CommandFailed
from segmentd.cli.importing.cells import Kinds
from segmentd.cli.importing.files import CountedFile, readable
from segmentd.cli.importing.rows import Reject, Row

REQUIRED: Final = ("userId", "event")
"""Fields that no row can do without, as far as rows of its kind have them."""
_MAX_CELL: Final = 64 * 1024 * 1024
_SHOWN: Final = 200


class CsvFile:
    """A file of CSV in UTF-8 with a heading. An empty cell is absent. Times without an offset are UTC.

    White space around ids of users is no part of them. Rejects have the cells as they stand, by their columns.
    """

    naive_is_utc = True
    counted_by = "line"

    def __init__(
        self,
        path: Path,
        fields: Sequence[str],
        objects: Sequence[str],
        kinds: Kinds,
        *,
        ids: Collection[str] = ("userId",),
        others: bool = False,
    ) -> None:
        """`fields` are columns by their own name, `objects` those before the first dot of the others.

        `ids` are the columns that hold ids of users. With `others`, all fields are needed, and columns of other names
        are passed over.
        Raises CommandFailed where the heading has another column, or one twice, or lacks one that every row needs.
        """
        csv.field_size_limit(_MAX_CELL)
        self._path, self._kinds, self._ids = path, kinds, frozenset(ids)
        self._only = frozenset(fields) if others else None
        self._file = CountedFile(path)
        # What is no UTF-8 must spoil its own row only.
        text = io.TextIOWrapper(self._file.stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._reader = csv.reader(text)
        try:
            with readable(path):
                self._columns = next(self._reader, [])
            _check_columns(path, self._columns)
            if others:
                _check_needed(path, self._columns, fields)
            else:
                _check_known(path, self._columns, fields, objects)
        except BaseException:
            self._file.close()
            raise

    def rows(self) -> Generator[Row | Reject, None, None]:
        with self._file, readable(self._path):
            while True:
                position = self._reader.line_num + 1
                try:
                    cells = next(self._reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    yield Reject(position, "not CSV", str(error), None)
                    continue
                if cells:
                    yield self._row(position, cells)

    def progress(self) -> tuple[int, int]:
        return self._file.offset(), self._file.size

    def _row(self, position: int, cells: Sequence[str]) -> Row | Reject:
        if len(cells) != len(self._columns):
            detail = f"it has {len(cells)} cells, the heading has {len(self._columns)}"
            return Reject(
                position, "another number of cells than the heading", detail, [_shown(cell) for cell in cells]
            )
        named = zip(self._columns, cells, strict=True)
        given = {name: cell for name, cell in named if cell and (self._only is None or name in self._only)}
        if not "".join(given.values()).isascii() and any(_broken(cell) for cell in given.values()):
            shown = {name: _shown(cell) for name, cell in given.items()}
            return Reject(position, "not UTF-8", "it has bytes that are no UTF-8", shown)
        try:
            return Row(position, self._values(given), given)
        except ValueError as error:
            return Reject(position, "a cell is not of the kind of its column", str(error), given)

    def _values(self, given: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for column, cell in given.items():
            outer, dot, inner = column.partition(".")
            if column in self._ids:
                if stripped := cell.strip():
                    values[column] = stripped
            elif dot:
                values.setdefault(outer, {})[inner] = self._kinds.cell(outer, inner, cell)
            else:
                values[column] = cell
        return values


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    if not columns:
        raise CommandFailed(f"{path}: it has no heading")
    if any(_broken(name) for name in columns):
        raise CommandFailed(f"{path}: its heading is not UTF-8; save the file as CSV in UTF-8")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise CommandFailed(f"{path}: the column {twice[0]!r} is there twice")


def _check_needed(path: Path, columns: Sequence[str], fields: Sequence[str]) -> None:
    for name in fields:
        if name not in columns:
            raise CommandFailed(f"{path}: it has no column {name!r}; its heading is {_printable(', '.join(columns))}")


def _check_known(path: Path, columns: Sequence[str], fields: Sequence[str], objects: Sequence[str]) -> None:
    for name in columns:
        outer, dot, inner = name.partition(".")
        if name not in fields and not (dot and inner and outer in objects):
            known = ", ".join([*fields, *(f"{each}.NAME" for each in objects)])
            raise CommandFailed(
                f"{path}: the column {name[:_SHOWN]!r} is not known; there are {known} (or reshape it: --sql)"
            )
    for name in REQUIRED:
        if name in fields and name not in columns:
            raise CommandFailed(f"{path}: it has no column {name!r}")


def _printable(text: str) -> str:
    """What a terminal can be given of a heading, which may be that of a file of another kind."""
    shown = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:_SHOWN]
    )
    return shown + ("…" if len(text) > _SHOWN else "")


def _broken(cell: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in cell)


def _shown(cell: str) -> str:
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
