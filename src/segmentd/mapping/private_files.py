"""A directory of files that only their owner reads, and arrays that are such files."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from segmentd.errors import StorageFailed

_DIRECTORY: Final = 0o700
_FILE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Contents:
    """What segmentd itself makes in a directory: files by their names, and directories with theirs."""

    files: re.Pattern[str]
    directories: Mapping[str, Contents] = field(default_factory=dict)


def check(directory: Path, contents: Contents) -> bool:
    """Whether a process that was killed left something behind.

    Raises StorageFailed where it is no directory of ours: a link, somebody else's, or one that holds anything else.
    """
    try:
        _check(directory, contents)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageFailed(f"{directory} cannot be read: {error}") from error
    return True


def clear(directory: Path, contents: Contents) -> None:
    """Remove what a process that was killed left behind. Raises StorageFailed as `check` does, with nothing removed."""
    if not check(directory, contents):
        return
    try:
        _remove(directory, contents)
    except OSError as error:
        raise StorageFailed(f"{directory} cannot be removed: {error}") from error


def make(directory: Path, contents: Contents) -> None:
    """Make an empty directory that only its owner enters, in place of a left-over one. Raises StorageFailed."""
    clear(directory, contents)
    try:
        directory.mkdir(mode=_DIRECTORY)
    except OSError as error:
        raise StorageFailed(f"{directory} cannot be made: {error}") from error


def leave(directory: Path, contents: Contents) -> None:
    """Remove what is ours as far as that can be done; whatever stays is for the next start to tell of."""
    with suppress(OSError):
        _remove(directory, contents)


def _check(directory: Path, contents: Contents) -> None:
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StorageFailed(f"{directory} is not a directory of this user; remove it")
    for each in sorted(directory.iterdir()):
        inner = contents.directories.get(each.name)
        if inner is not None:
            _check(each, inner)
        elif stat.S_ISDIR(each.lstat().st_mode) or not contents.files.fullmatch(each.name):
            raise StorageFailed(f"{directory} has {each.name!r} in it, which is not of segmentd; move it elsewhere")


def _remove(directory: Path, contents: Contents) -> None:
    for each in directory.iterdir():
        if each.name in contents.directories and not each.is_symlink():
            _remove(each, contents.directories[each.name])
        elif contents.files.fullmatch(each.name):
            each.unlink()
    directory.rmdir()


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
            _discard(path)
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
        _discard(unfinished)
        raise StorageFailed(f"{path} cannot be written: {error}") from error


def open_read_only(path: Path) -> int:
    """The descriptor of a file. Raises FileNotFoundError."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def new_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array of zeros that is a new file. Raises StorageFailed."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    descriptor = create(path, size)
    try:
        with os.fdopen(descriptor, "r+b") as file:
            # A plain array over the mapping: np.memmap itself is slower at every index.
            return np.asarray(np.memmap(file, dtype=dtype, mode="r+", shape=shape))
    except OSError as error:
        _discard(path)
        raise StorageFailed(f"{path} cannot be mapped: {error}") from error


def map_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """The array that a file is, read-only. Raises FileNotFoundError."""
    with os.fdopen(open_read_only(path), "rb") as file:
        return np.asarray(np.memmap(file, dtype=dtype, mode="r", shape=shape))


def _discard(path: Path) -> None:
    """Remove what came to nothing, if it can be: where one operation on a disk fails, the next one may, too."""
    with suppress(OSError):
        path.unlink()


def _take_room(descriptor: int, size: int) -> None:
    if size == 0:
        return
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)
