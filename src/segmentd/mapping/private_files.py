"""A directory of files that only their owner reads, and arrays that are such files."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from segmentd.errors import StorageFailed

_DIRECTORY: Final = 0o700
_FILE: Final = 0o600


def clear(directory: Path) -> None:
    """Remove what a process that was killed left behind; nothing where there is nothing.

    Raises StorageFailed where it is no directory of ours: a link, or somebody else's.
    """
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StorageFailed(f"{directory} is not a directory of this user; remove it")
    try:
        shutil.rmtree(directory)
    except OSError as error:
        raise StorageFailed(f"{directory} cannot be removed: {error}") from error


def make(directory: Path) -> None:
    """Make an empty directory that only its owner enters, in place of a left-over one. Raises StorageFailed."""
    clear(directory)
    try:
        directory.mkdir(mode=_DIRECTORY)
    except OSError as error:
        raise StorageFailed(f"{directory} cannot be made: {error}") from error


def create(path: Path, size: int) -> int:
    """The descriptor of a new file of zeros whose room on the disk is taken. Raises StorageFailed.

    Taken at once, because a page that is written to when the disk is full kills the process.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE)
        try:
            _take_room(descriptor, size)
        except BaseException:
            os.close(descriptor)
            path.unlink()
            raise
    except OSError as error:
        raise StorageFailed(f"{path} cannot be made: {error}") from error
    return descriptor


def write(path: Path, content: bytes) -> None:
    """A new file with this content; it is there with all of it or not at all. Raises StorageFailed."""
    unfinished = path.with_name(path.name + ".new")
    descriptor = create(unfinished, 0)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StorageFailed(f"{path} cannot be written: {error}") from error


def open_read_only(path: Path) -> int:
    """The descriptor of a file. Raises FileNotFoundError."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def new_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array of zeros that is a new file. Raises StorageFailed."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with os.fdopen(create(path, size), "r+b") as file:
        # A plain array over the mapping: np.memmap itself is slower at every index.
        return np.asarray(np.memmap(file, dtype=dtype, mode="r+", shape=shape))


def map_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """The array that a file is, read-only. Raises FileNotFoundError."""
    with os.fdopen(open_read_only(path), "rb") as file:
        return np.asarray(np.memmap(file, dtype=dtype, mode="r", shape=shape))


def _take_room(descriptor: int, size: int) -> None:
    if size == 0:
        return
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)
