"""JSON Lines: an object a line."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

import orjson

from segmentd.cli.importing.files import CountedFile, readable
from segmentd.cli.importing.rows import Reject, Row

_BOM: Final = b"\xef\xbb\xbf"
_SHOWN: Final = 10_000
"""The most characters of a line that is no JSON which go to the rejects file."""


class JsonLines:
    """A file of JSON Lines; blank lines are passed over. Times need an offset, as everywhere in JSON."""

    naive_is_utc = False
    counted_by = "line"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = CountedFile(path)

    def rows(self) -> Generator[Row | Reject, None, None]:
        with self._file, readable(self._path):
            for number, line in enumerate(self._file.stream, start=1):
                text = line.removeprefix(_BOM) if number == 1 else line
                if text.strip():
                    yield _row(number, text)

    def progress(self) -> tuple[int, int]:
        return self._file.offset(), self._file.size


def _row(number: int, line: bytes) -> Row | Reject:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Reject(number, "not JSON", str(error), line.decode("utf-8", "replace").rstrip("\r\n")[:_SHOWN])
    if not isinstance(value, dict):
        return Reject(number, "no object", "a line is one JSON object", value)
    return Row(number, value)
