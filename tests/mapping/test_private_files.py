"""The files are their owner's alone, are made anew at each start, and nothing of them stays behind."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.mapping.page import Page, reader_of

from segmentd.errors import StorageFailed
from segmentd.mapping import private_files
from segmentd.mapping.publisher import MAPPED, Publisher


def mode(path: Path) -> int:
    """The permissions of a file or directory."""
    return stat.S_IMODE(path.lstat().st_mode)


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        page = Page(tmp_path / "mapped")
    finally:
        os.umask(before)
    assert mode(page.publisher.directory) == 0o700
    assert {mode(each) for each in page.publisher.directory.iterdir()} == {0o600}


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    first = Page(tmp_path / "mapped")
    (first.publisher.directory / "manifest-7.new").write_text("half")
    (first.publisher.directory / "foreseen-12").write_text("of before")
    second = Page(tmp_path / "mapped")
    names = {each.name.partition("-")[0] for each in second.publisher.directory.iterdir()}
    assert names == {"head", "words", "horizons", "index", "segments", "manifest"}


@pytest.mark.parametrize("foreign", ["precious", "words", "words-1.txt", "head.new", "index--1"])
def test_what_is_not_of_segmentd_is_told_of_and_nothing_is_removed(tmp_path: Path, foreign: str) -> None:
    directory = Page(tmp_path / "mapped").publisher.directory
    (directory / foreign).write_text("stays")
    before = sorted(directory.iterdir())
    with pytest.raises(StorageFailed, match=f"{directory} has '{foreign}' in it"):
        Publisher(directory)
    assert sorted(directory.iterdir()) == before


def test_a_directory_inside_is_told_of_whatever_its_name_is(tmp_path: Path) -> None:
    (tmp_path / "mapped" / "words-1").mkdir(parents=True)
    with pytest.raises(StorageFailed, match="'words-1'"):
        Publisher(tmp_path / "mapped")


def test_what_is_not_of_segmentd_stays_after_the_end(tmp_path: Path) -> None:
    page = Page(tmp_path / "mapped")
    (tmp_path / "mapped" / "precious").write_text("stays")
    page.publisher.close()
    assert [each.name for each in (tmp_path / "mapped").iterdir()] == ["precious"]


def test_a_link_in_the_place_of_the_directory_is_refused_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "precious").write_text("stays")
    (tmp_path / "mapped").symlink_to(tmp_path / "theirs")
    with pytest.raises(StorageFailed, match="not a directory"):
        Publisher(tmp_path / "mapped")
    assert (tmp_path / "theirs" / "precious").read_text() == "stays"


def test_a_link_inside_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("stays")
    (tmp_path / "mapped").mkdir()
    (tmp_path / "mapped" / "head").symlink_to(tmp_path / "precious")
    Page(tmp_path / "mapped")
    assert (tmp_path / "precious").read_text() == "stays"


def test_somebody_elses_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mapped").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(StorageFailed):
        Publisher(tmp_path / "mapped")


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mapped").write_text("no directory")
    with pytest.raises(StorageFailed):
        private_files.make(tmp_path / "mapped", MAPPED)
    with pytest.raises(StorageFailed):
        private_files.make(tmp_path / "nowhere" / "mapped", MAPPED)


def test_files_that_were_replaced_are_gone_and_those_mapped_stay_readable(tmp_path: Path) -> None:
    page = Page(tmp_path / "mapped")
    page.add("u", member=True)
    page.publish()
    found = reader_of(page.publisher.directory)
    before = set(page.publisher.directory.iterdir())
    page.grow()
    page.publish()
    after = set(page.publisher.directory.iterdir())
    assert len(after) == len(before)
    assert {each.name.partition("-")[0] for each in before - after} == {"words", "horizons", "manifest"}
    assert found._view.words[0, 0] == 1
    assert found.check("u", "s")[:2] == (True, page.revision)


def test_nothing_is_left_after_the_end(tmp_path: Path) -> None:
    page = Page(tmp_path / "mapped")
    page.publisher.close()
    assert not (tmp_path / "mapped").exists()
    private_files.clear(tmp_path / "mapped", MAPPED)


def test_a_disk_without_room_is_an_error_and_no_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageFailed, match="No space left"):
        private_files.new_array(tmp_path / "array", (4, 2), np.uint64)
    assert not (tmp_path / "array").exists()


def test_what_cannot_be_mapped_is_an_error_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(np, "memmap", refuses)
    with pytest.raises(StorageFailed, match="cannot be mapped"):
        private_files.new_array(tmp_path / "array", (4, 2), np.uint64)
    assert not (tmp_path / "array").exists()


def test_where_room_cannot_be_taken_at_once_the_size_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    assert private_files.new_array(tmp_path / "array", (4, 2), np.uint64).tolist() == [[0, 0]] * 4


def test_a_file_is_there_with_all_its_content_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private_files.write(tmp_path / "file", b"all of it")
    assert (tmp_path / "file").read_bytes() == b"all of it"

    def fails(self: Path, target: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(StorageFailed, match="cannot be written"):
        private_files.write(tmp_path / "other", b"all of it")
    assert not (tmp_path / "other").exists()


MAKING: dict[str, Callable[[Path], object]] = {
    "array": lambda path: private_files.new_array(path, (4, 2), np.uint64),
    "file": lambda path: private_files.write(path, b"all of it"),
}


@pytest.mark.parametrize("made", MAKING)
def test_what_cannot_be_removed_again_is_the_same_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(np, "memmap", fails)
    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, fails)
    with pytest.raises(StorageFailed, match=r"cannot be (mapped|written): .*Read-only"):
        MAKING[made](tmp_path / made)


def test_arrays_of_readers_cannot_be_written_to(tmp_path: Path) -> None:
    private_files.new_array(tmp_path / "array", (4,), np.int64)
    with pytest.raises(ValueError, match="read-only"):
        private_files.map_array(tmp_path / "array", (4,), np.int64)[0] = 1
