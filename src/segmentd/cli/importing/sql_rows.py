"""Rows that SQL selects, with duckdb, from CSV, JSON, Parquet or a database.

The script sees the path of the file as `getvariable('file')`; its last statement selects the rows.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from segmentd.cli.faults import CommandFailed
from segmentd.cli.importing.cells import Kinds
from segmentd.cli.importing.rows import Reject, Row

REASON: Final = "reject_reason"
"""The column that says why a row is not to be stored; null where it is."""
_FETCHED: Final = 2_000


class SqlRows:
    """The rows of a script's last SELECT, in its order. Times without an offset are UTC; null is absent."""

    naive_is_utc = True
    counted_by = "row"

    def __init__(self, file: Path, script: Path, names: Mapping[str, str], rest: str, kinds: Kinds) -> None:
        """`names` are the names of the convention by column (`user_id`: `userId`).

        All columns but these go into `rest` (`properties`). Raises CommandFailed where SQL or duckdb fails.
        """
        self._names, self._rest, self._kinds = names, rest, kinds
        self._script = script
        self._done = 0
        self._duckdb = _duckdb()
        self._connection = self._duckdb.connect()
        self._total, columns = self._run(file, script.read_text(encoding="utf-8-sig"))
        self._wanted = [name for name, _ in columns if name in (*names, REASON)]
        for column in ("user_id", "event"):
            if column in names and column not in self._wanted:
                raise CommandFailed(f"{script}: it selects no column {column}")
        self._select = _select(columns, self._wanted)

    def rows(self) -> Generator[Row | Reject, None, None]:
        cursor = self._guarded(lambda: self._connection.execute(self._select))
        while fetched := self._guarded(lambda: cursor.fetchmany(_FETCHED)):
            for cells in fetched:
                self._done += 1
                yield self._row(cells)

    def progress(self) -> tuple[int, int]:
        return self._done, self._total

    def _run(self, file: Path, text: str) -> tuple[int, list[tuple[str, str]]]:
        """Run the script; how many rows it selects, and the name and type of each column."""
        connection = self._connection

        def run() -> tuple[int, list[tuple[str, str]]]:
            quoted = str(file).replace("'", "''")
            connection.execute(f"SET VARIABLE file = '{quoted}'")
            connection.execute("SET TimeZone = 'UTC'")
            statements = connection.extract_statements(text)
            if not statements:
                raise CommandFailed(f"{self._script}: it has no statement")
            for statement in statements[:-1]:
                connection.execute(statement)
            # As a table, the rows keep the order of the query, and can be counted before they are read.
            connection.execute(f"CREATE TEMP TABLE segmentd_rows AS {statements[-1].query}")
            described = connection.execute("DESCRIBE segmentd_rows").fetchall()
            counted = connection.execute("SELECT count(*) FROM segmentd_rows").fetchall()
            return counted[0][0], [(row[0], row[1]) for row in described]

        found: tuple[int, list[tuple[str, str]]] = self._guarded(run)
        return found

    def _guarded(self, call: Any) -> Any:
        try:
            return call()
        except self._duckdb.Error as error:
            # Without the line that points at the place with spaces and a caret.
            words = " ".join(str(error).split()).removesuffix(" ^")
            raise CommandFailed(f"{self._script}: {words}") from None

    def _row(self, cells: Sequence[Any]) -> Row | Reject:
        found = dict(zip(self._wanted, cells, strict=False))
        reason = found.pop(REASON, None)
        try:
            values = self._values(found, cells[-1])
        except ValueError as error:
            return Reject(self._done, "a value cannot be read", str(error), _plain(found))
        if reason is not None:
            return Reject(self._done, str(reason), str(reason), values)
        return Row(self._done, values)

    def _values(self, found: Mapping[str, Any], rest: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for column, value in found.items():
            if value is not None:
                name = self._names[column]
                values[name] = _object(column, value) if name in ("properties", "context", "traits") else value
        columns = without_nulls(orjson.loads(rest)) if rest else {}
        if columns:
            values[self._rest] = {**values.get(self._rest, {}), **columns}
        if "traits" in values:
            values["traits"] = self._kinds.with_offsets(values["traits"])
        return values


def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """An object without the keys whose value is null, in objects inside of it too."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


def _select(columns: Sequence[tuple[str, str]], wanted: Sequence[str]) -> str:
    """Every column as text or a number that Python takes fast; the rest as one JSON object, last."""
    kinds = dict(columns)
    parts = [_expression(name, kinds[name]) for name in wanted]
    rest = [_quoted(name) for name, _ in columns if name not in wanted]
    parts.append(f"to_json(struct_pack({', '.join(f'{name} := {name}' for name in rest)}))" if rest else "NULL")
    return f"SELECT {', '.join(parts)} FROM segmentd_rows"  # noqa: S608  (names are quoted)


def _expression(name: str, kind: str) -> str:
    quoted = _quoted(name)
    if name in ("properties", "context", "attributes"):
        return f"to_json({quoted})::VARCHAR"
    if name == "time" and kind != "VARCHAR":
        # In UTC, which is the zone of the connection.
        return f"{quoted}::TIMESTAMP::VARCHAR"
    return f"{quoted}::VARCHAR"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _object(column: str, text: str) -> dict[str, Any]:
    value = orjson.loads(text)
    if isinstance(value, str):
        # A column of text that holds JSON.
        value = orjson.loads(value)
    if not isinstance(value, dict):
        raise ValueError(f"{column} is no object")  # noqa: TRY004  (one error type for callers)
    return without_nulls(value)


def _plain(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value is not None}


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415  (an extra: only --sql needs it)
    except ImportError:
        raise CommandFailed("--sql needs duckdb; install it with: pip install 'segmentd[import]'") from None
    return duckdb
