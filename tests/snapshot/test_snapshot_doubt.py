"""A snapshot that is not exactly what was written for this database is not used, and everything is read anew."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.service.opened import START, define, member, opened
from tests.snapshot.same import check_starts

from segmentd.plugins.host import load_plugins
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.service import Service
from segmentd.service.snapshots import restoring
from segmentd.service.value_types import Currencies
from segmentd.storage import Store
from segmentd.times import DAY, FrozenClock, Micros

PLUGINS = load_plugins(())


async def fill(service: Service) -> None:
    """Some users with attributes, events and segments."""
    users = [f"u{number}" for number in range(40)]
    await service.profiles.upsert(
        [ProfileWrite(user, {"plan": f"p{i % 3}", "age": i, "tags": ["x", f"t{i}"]}) for i, user in enumerate(users)]
    )
    writes = [EventWrite(user, "Buy", f"m-{user}", Micros(START - DAY), {"sku": user}) for user in users[::2]]
    await service.profiles.ingest(writes)
    await define(service, "old", {"attribute": {"age": {"at_least": 20}}})
    await define(
        service, "buyers", {"behavioral": {"event": "Buy", "within": "7d", "where": {"sku": {"not_equals": "u2"}}}}
    )


def stopped(path: Path) -> Path:
    """A database that was stopped; its snapshot."""
    service = opened(path)
    asyncio.run(fill(service))
    service.close()
    return only(path)


def only(path: Path) -> Path:
    """The one snapshot of a database."""
    [found] = Path(f"{path}.snapshot").iterdir()
    return found


def used(path: Path) -> bool:
    """Whether a start uses the snapshot, having compared it with one that does not."""
    with Store.open(path) as store:
        return check_starts(store, PLUGINS)


def cut(file: Path) -> None:
    """Its end is missing."""
    os.truncate(file, file.stat().st_size - 1)


def emptied(file: Path) -> None:
    """There is nothing in it."""
    file.write_bytes(b"")


def removed(file: Path) -> None:
    """It is gone."""
    file.unlink()


@pytest.mark.parametrize("harm", [cut, emptied, removed])
def test_a_broken_file_is_passed_over(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    """The start is as if there were none, and the next stop writes a new one."""
    path = tmp_path / "a.db"
    harm(stopped(path))
    assert not used(path)
    service = opened(path)
    assert asyncio.run(member(service, "u30", "old"))
    service.close()
    assert used(path)


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    """Wherever it is."""
    path = tmp_path / "a.db"
    file = stopped(path)
    whole = file.read_bytes()
    with Store.open(path) as store:
        for place in {*range(0, len(whole), 401), len(whole) - 1, len(whole) - 5}:
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
            assert not check_starts(store, PLUGINS), place
        file.write_bytes(whole)
        assert check_starts(store, PLUGINS)


def test_the_snapshot_of_another_database_is_not_used(tmp_path: Path) -> None:
    """Not even under the name that this one expects."""
    mine, other = tmp_path / "a.db", tmp_path / "b.db"
    file = stopped(mine)
    shutil.copy(stopped(other), file)
    assert not used(mine)


def test_an_older_copy_of_the_database_does_not_take_a_newer_snapshot(tmp_path: Path) -> None:
    """A backup that is put back names its own snapshot, which is gone."""
    path = tmp_path / "a.db"
    stopped(path)
    backup = path.read_bytes()
    service = opened(path)
    asyncio.run(service.profiles.upsert([ProfileWrite("u1", {"age": 99})]))
    service.close()
    path.write_bytes(backup)
    assert not used(path)


@pytest.mark.parametrize(("name", "value"), [("FORMAT", 99), ("RELEASE", "9.9.9")])
def test_another_release_reads_everything_anew(
    tmp_path: Path, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would make of the data may differ."""
    path = tmp_path / "a.db"
    stopped(path)
    monkeypatch.setattr(restoring, name, value)
    assert not used(path)


def test_users_or_events_that_somebody_took_out_by_hand_are_missed(tmp_path: Path) -> None:
    """Their numbers are compared."""
    path = tmp_path / "a.db"
    stopped(path)
    with Store.open(path) as store, store.transaction():
        store._session.write("DELETE FROM users WHERE user_id = 'u3'")
        store._session.write("DELETE FROM profiles WHERE user_key NOT IN (SELECT user_key FROM users)")
    assert not used(path)


def test_a_snapshot_has_the_permissions_of_the_database(tmp_path: Path) -> None:
    """It holds what the database holds."""
    path = tmp_path / "a.db"
    service = opened(path)
    asyncio.run(fill(service))
    path.chmod(0o600)
    service.close()
    assert stat.S_IMODE(only(path).stat().st_mode) == 0o600
    assert stat.S_IMODE(only(path).parent.stat().st_mode) == 0o700


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    """What there is goes, and nothing is written."""
    path = tmp_path / "a.db"
    file = stopped(path)
    service = Service.open(path, PLUGINS, FrozenClock(START), Currencies(), snapshots=False)
    assert not file.exists()
    asyncio.run(service.profiles.upsert([ProfileWrite("u1", {"age": 99})]))
    service.close()
    assert not file.parent.exists()
    assert not used(path)


def test_a_server_that_is_killed_while_it_writes_one_leaves_the_one_before(tmp_path: Path) -> None:
    """Wherever it is killed, the next start has a snapshot that holds, and the same answers."""
    path = tmp_path / "a.db"
    stopped(path)
    for steps in (0, 1, 3, 1_000):
        run = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("killed.py")), str(path), str(steps)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert run.returncode == -signal.SIGKILL, run.stderr
        assert json.loads(run.stdout)["revision"] > 0
        assert used(path)
    service = opened(path)
    assert asyncio.run(member(service, "k1000", "old"))
    service.close()
    only(path)
