"""Whatever stands where snapshots belong, a server starts, serves and stops, and says in one line what it cannot do."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.service.opened import START, member, opened
from tests.snapshot.test_snapshot_doubt import PLUGINS, fill, only, stopped, used
from tests.snapshot.test_snapshot_later import begun, go_on

from segmentd.service.items import ProfileWrite
from segmentd.service.service import Service
from segmentd.service.snapshots.keeper import Attempt
from segmentd.service.value_types import Currencies
from segmentd.storage import snapshots
from segmentd.storage.snapshot_file import SnapshotWriter
from segmentd.times import FrozenClock

Foreign = Callable[[Path], None]


def a_pipe(place: Path) -> None:
    """Whoever opens it for reading waits for a writer."""
    os.mkfifo(place)


def a_socket(place: Path) -> None:
    """It cannot be opened."""
    os.mknod(place, stat.S_IFSOCK | 0o600)


def a_device(place: Path) -> None:
    """It has no end."""
    place.symlink_to("/dev/zero")


def a_folder(place: Path) -> None:
    """An empty one."""
    place.mkdir()


def a_full_folder(place: Path) -> None:
    """One that cannot be removed."""
    place.mkdir()
    (place / "mine").write_text("something")


@pytest.mark.parametrize("foreign", [a_pipe, a_socket, a_device, a_folder, a_full_folder])
def test_what_is_no_file_is_neither_waited_for_nor_in_the_way(tmp_path: Path, foreign: Foreign) -> None:
    """The start is as if there were no snapshot, and the next stop writes one that holds."""
    path = tmp_path / "a.db"
    place = stopped(path)
    place.unlink()
    foreign(place)
    assert not used(path)
    service = opened(path)
    assert asyncio.run(member(service, "u30", "old"))
    service.close()
    assert used(path)
    assert place.exists() == (foreign is a_full_folder)


def no_folder(path: Path) -> None:
    """A file is in its place."""
    path.write_text("something")


def no_place(path: Path) -> None:
    """It leads nowhere."""
    path.symlink_to(path.with_name("nowhere"))


def no_permission(path: Path) -> None:
    """Nothing can be written into it."""
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    path.mkdir(mode=0o500)


@pytest.mark.parametrize("harm", [no_folder, no_place, no_permission])
def test_a_folder_that_cannot_be_used_is_told_of_in_one_line(
    tmp_path: Path, harm: Foreign, caplog: pytest.LogCaptureFixture
) -> None:
    """At the stop; the start and whoever switches snapshots off have nothing to say."""
    path = tmp_path / "a.db"
    harm(Path(f"{path}.snapshot"))
    service = opened(path)
    asyncio.run(fill(service))
    service.close()
    [record] = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert record.getMessage().startswith("no snapshot was written at the stop: ")
    assert record.exc_info is None
    assert "\n" not in record.getMessage()
    assert not used(path)
    Service.open(path, PLUGINS, FrozenClock(START), Currencies(), snapshots=False).close()


def test_one_holds_although_the_one_before_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Which is said in one line."""
    path = tmp_path / "a.db"
    service, attempt = begun(path)
    assert go_on(service, attempt, 1_000)
    engine = service._engine
    again = engine.thread.call(lambda: Attempt(engine.live, engine.store)).result()
    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "_remove", _refuse)
        assert go_on(service, again, 1_000)
    assert len(list(Path(f"{path}.snapshot").iterdir())) == 2
    [record] = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert record.getMessage().startswith("an old snapshot cannot be removed: ")
    asyncio.run(service.profiles.upsert([ProfileWrite("u1", {"age": 99})]))
    service.close()
    only(path)
    assert used(path)


def test_switching_off_what_cannot_be_removed_is_said_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server starts."""
    path = tmp_path / "a.db"
    stopped(path)
    monkeypatch.setattr(snapshots, "_remove", _refuse)
    service = Service.open(path, PLUGINS, FrozenClock(START), Currencies(), snapshots=False)
    assert asyncio.run(member(service, "u30", "old"))
    service.close()
    [record] = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert record.getMessage().startswith("an old snapshot cannot be removed: ")


def test_a_full_disk_leaves_no_part_of_one(tmp_path: Path) -> None:
    """Giving up does not fail where what was buffered cannot be written."""
    writer = SnapshotWriter(tmp_path / "part", 0o600)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, writer._file.fileno())
    os.close(full)
    writer.array("some", np.arange(3))
    writer.abandon()
    writer.abandon()
    assert not writer.path.exists()


def _refuse(path: Path) -> None:
    raise PermissionError(13, "Permission denied", str(path))
