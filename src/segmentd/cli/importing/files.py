"""Files that may be compressed, and how far they were read."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from types import TracebackType
from typing import IO

from segmentd.cli.faults import CommandFailed


class CountedFile:
    """A file opened for reading bytes; what ends in `.gz` is unpacked on the way."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be opened."""
        self._raw = path.open("rb")
        self.size = path.stat().st_size
        packed = path.suffix.lower() == ".gz"
        self.stream: IO[bytes] = GzipFile(fileobj=self._raw) if packed else self._raw  # type: ignore[assignment]  # it is one in all but name

    def offset(self) -> int:
        """How many bytes of the file, packed as it is, were read."""
        return self.size if self._raw.closed else self._raw.tell()

    def __enter__(self) -> CountedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.stream.close()
        self._raw.close()


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns a file that breaks off, or is no gzip, into CommandFailed."""
    try:
        yield
    except (EOFError, zlib.error, BadGzipFile) as error:
        raise CommandFailed(f"{path}: it cannot be unpacked: {error}") from None


def format_of(path: Path) -> str:
    """The suffix that says the format, without `.gz`: `.csv`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""
