"""A file of arrays and texts in named parts, each part in pieces: written once from front to back, checked when read.

    magic │ piece │ piece │ … │ contents as JSON │ length and CRC-32 of the contents

Every piece has its CRC-32 in the contents, and whoever reads one is told nothing of it unless it is as it was written.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, NamedTuple, Self, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

G = TypeVar("G", bound=np.generic)
_MAGIC: Final = b"segmentd columns\n"
_END: Final = struct.Struct("<QI")


class SnapshotBroken(Exception):
    """The file is not what was written: it is cut off, changed, or of another make."""


class _Piece(NamedTuple):
    """Where the bytes of a piece lie, and how many elements they are."""

    offset: int
    size: int
    elements: int
    check: int


class SnapshotWriter:
    """Writes one file; nobody finds it before `seal` has given it its name."""

    def __init__(self, path: Path, mode: int) -> None:
        """Raises OSError."""
        self.path = path
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        self._parts: dict[str, tuple[str, list[_Piece]]] = {}
        self._offset = self._file.write(_MAGIC)

    def array(self, part: str, data: NDArray[Any]) -> None:
        """Add a piece to a part; all of a part have one dtype."""
        self._add(part, data.dtype.str, np.ascontiguousarray(data), data.size)

    def json(self, part: str, value: Any) -> None:
        """Add a JSON value as a piece of its own."""
        self._add(part, "json", np.frombuffer(orjson.dumps(value), np.uint8), 1)

    def seal(self, facts: Mapping[str, Any]) -> None:
        """Write the contents with these facts, and see to it that all is on the disk. Any thread may do so."""
        parts = {name: [kind, [[*piece] for piece in pieces]] for name, (kind, pieces) in self._parts.items()}
        contents = orjson.dumps({"facts": facts, "parts": parts})
        self._file.write(contents + _END.pack(len(contents), zlib.crc32(contents)))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Leave nothing behind; calling it again, or after `seal`, takes away what is there.

        What the disk refuses now is no error: whatever is left is removed when the next one begins.
        """
        with suppress(OSError):  # what is buffered may find no place on the disk
            self._file.close()
        with suppress(OSError):
            self.path.unlink()

    def _add(self, part: str, kind: str, data: NDArray[Any], count: int) -> None:
        raw = data.reshape(-1).view(np.uint8)
        self._file.write(raw.data)
        self._parts.setdefault(part, (kind, []))[1].append(_Piece(self._offset, raw.size, count, zlib.crc32(raw.data)))
        self._offset += raw.size


class SnapshotFile:
    """An open file. FileNotFoundError where there is none; whatever is wrong with it is SnapshotBroken."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = _opened(path)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise SnapshotBroken(f"cannot be opened: {error.strerror}") from error
        try:
            contents = self._contents()
            self.facts: Mapping[str, Any] = dict(contents["facts"])
            self._parts: dict[str, tuple[str, list[_Piece]]] = {
                name: (kind, [_Piece(*piece) for piece in pieces]) for name, (kind, pieces) in contents["parts"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
            self._file.close()
            raise SnapshotBroken(f"has no sound contents: {error}") from error

    def __contains__(self, part: str) -> bool:
        return part in self._parts

    def size(self, part: str) -> int:
        """How many elements a part has."""
        return sum(piece.elements for piece in self._parts[part][1])

    def array(self, part: str, dtype: type[G] | np.dtype[G], into: NDArray[G] | None = None) -> NDArray[G]:
        """A part (n,), read into the array or into a new one; an empty one where the part is not there."""
        kind, pieces = self._parts.get(part, (np.dtype(dtype).str, []))
        size = sum(piece.elements for piece in pieces)
        found = np.empty(size, dtype=dtype) if into is None else into
        if kind != found.dtype.str or found.shape != (size,):
            raise SnapshotBroken(f"has in {part} {size} of {kind}, expected {found.shape} of {found.dtype.str}")
        raw, start = found.view(np.uint8), 0
        for piece in pieces:
            self._read(piece, raw[start : start + piece.size].data)
            start += piece.size
        return found

    def jsons(self, part: str) -> Iterator[Any]:
        """The JSON values of a part."""
        kind, pieces = self._parts.get(part, ("json", []))
        if kind != "json":
            raise SnapshotBroken(f"has no JSON in {part}")
        for piece in pieces:
            raw = bytearray(piece.size)
            self._read(piece, memoryview(raw))
            yield orjson.loads(raw)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _contents(self) -> Any:
        file = self._file
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("it begins otherwise")
        end = file.seek(0, os.SEEK_END) - _END.size
        file.seek(end)
        length, check = _END.unpack(file.read(_END.size))
        if not 0 <= length <= end - len(_MAGIC):
            raise ValueError("it is cut off")
        file.seek(end - length)
        raw = file.read(length)
        if zlib.crc32(raw) != check:
            raise ValueError("they were changed")
        return orjson.loads(raw)

    def _read(self, piece: _Piece, into: memoryview) -> None:
        try:
            self._file.seek(piece.offset)
            whole = self._file.readinto(into) == piece.size  # type: ignore[attr-defined]
        except OSError as error:
            raise SnapshotBroken(f"cannot be read: {error.strerror}") from error
        if not whole or zlib.crc32(into) != piece.check:
            raise SnapshotBroken("is not as it was written")


def _opened(path: Path) -> BinaryIO:
    """Open a file for reading, which waits for nobody where it is a pipe. Raises OSError, SnapshotBroken."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SnapshotBroken("is no regular file")
    return os.fdopen(descriptor, "rb")
