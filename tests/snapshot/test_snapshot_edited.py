"""Whatever another program changes in the database file is in the next start, as if there had been no snapshot."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.opened import define, member, opened
from tests.service.uploading import BETA, upload
from tests.snapshot.edits import AGED, EDITS, KEY, TWICE, copied, edit, restored
from tests.snapshot.same import check_starts
from tests.snapshot.test_snapshot_doubt import PLUGINS, fill, only, used
from tests.snapshot.test_snapshot_later import Happening, begun, events, go_on, killed, lists, profiles

from segmentd.errors import SegmentdError, StorageFailed
from segmentd.service.items import ProfileWrite
from segmentd.service.loading import load
from segmentd.service.service import Service
from segmentd.storage import Store
from segmentd.storage.driver import sqlite
from segmentd.storage.schema import MIGRATIONS


async def _filled(service: Service) -> None:
    await upload(service, "beta", ["u3", "u4", "u5"])
    await fill(service)
    await define(service, "beta", BETA)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that was stopped, to be copied."""
    path = tmp_path_factory.mktemp("clean") / "a.db"
    service = opened(path)
    asyncio.run(_filled(service))
    service.close()
    return path


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a killed server left, which had gone on since its snapshot; to be copied."""
    path = tmp_path_factory.mktemp("crashed") / "a.db"
    service, attempt = begun(path)
    try:
        assert go_on(service, attempt, 1_000)
        for happening in (profiles, events, lists):
            asyncio.run(happening(service))
        return killed(service, path, "b.db")
    finally:
        service.close()


@pytest.mark.parametrize("sql", EDITS.values(), ids=EDITS)
def test_after_a_stop(clean: Path, tmp_path: Path, sql: str) -> None:
    path = copied(clean, tmp_path)
    edit(path, sql)
    used(path)


@pytest.mark.parametrize("sql", EDITS.values(), ids=EDITS)
def test_after_a_kill(crashed: Path, tmp_path: Path, sql: str) -> None:
    """The write-ahead log is there, and so is what came after the snapshot."""
    path = copied(crashed, tmp_path)
    edit(path, sql)
    used(path)


@pytest.mark.parametrize("edits", TWICE.values(), ids=TWICE)
def test_before_a_stop_and_after_it(clean: Path, tmp_path: Path, edits: tuple[str, str]) -> None:
    """The snapshot that is written between them holds what the first one wrote ahead of the engine."""
    path = copied(clean, tmp_path)
    edit(path, edits[0])
    service = opened(path)
    asyncio.run(service.profiles.upsert([ProfileWrite("u2", {"age": 3})]))
    service.close()
    assert used(path)
    edit(path, edits[1])
    used(path)


def test_a_dump_that_was_edited_takes_no_snapshot_along(clean: Path, tmp_path: Path) -> None:
    """The statements are the same each time, and so many changes of the schema; the triggers see nothing."""
    path = copied(clean, tmp_path)
    for old, new in (("u4", "u2"), ("u6", "u4")):
        restored(path, f'{{"sku":"{old}"}}', f'{{"sku":"{new}"}}')
        assert not used(path)
        opened(path).close()
        assert used(path)


def test_a_copy_of_all_files_takes_the_snapshot_along(clean: Path, tmp_path: Path) -> None:
    assert used(copied(clean, tmp_path))


@settings(max_examples=30, deadline=None)
@given(edits=st.lists(st.sampled_from(sorted(EDITS)), min_size=2, max_size=4), stop=st.booleans())
def test_one_after_the_other(
    edits: list[str], stop: bool, clean: Path, crashed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Those that the schema allows; also such as no start takes."""
    path = copied(clean if stop else crashed, tmp_path_factory.mktemp("edited"))
    for each in edits:
        with suppress(sqlite3.Error):
            edit(path, EDITS[each])
    with Store.open(path) as store:
        try:
            load(store, PLUGINS)
        except SegmentdError as error:
            with pytest.raises(type(error)):
                load(store, PLUGINS, snapshots=True)
        else:
            check_starts(store, PLUGINS)


@pytest.mark.parametrize("files", ["clean", "crashed"])
def test_who_only_looks_takes_no_snapshot_away(files: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = copied(request.getfixturevalue(files), tmp_path)
    edit(path, "SELECT count(*) FROM users; SELECT count(*) FROM events; PRAGMA wal_checkpoint(TRUNCATE)")
    assert used(path)


def test_the_log_says_why_a_start_takes_long(clean: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = copied(clean, tmp_path)
    edit(path, EDITS["a profile"])
    with caplog.at_level(logging.INFO):
        service = opened(path)
    assert "no snapshot holds for the database any more" in caplog.text
    assert asyncio.run(member(service, "u1", "old"))
    service.close()
    assert used(path)


def test_triggers_that_are_gone_come_back_with_the_next_one(clean: Path, tmp_path: Path) -> None:
    path = copied(clean, tmp_path)
    edit(path, "DROP TRIGGER profiles_update_forgets_snapshot; DROP TRIGGER users_delete_forgets_snapshot")
    opened(path).close()
    assert used(path)
    edit(path, f"UPDATE profiles SET {AGED(901, KEY('u1'))}")
    assert not used(path)


def test_what_is_written_beside_a_running_server_is_in_no_snapshot(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not in memory; the start after that has it."""
    path = tmp_path / "a.db"
    service = opened(path)
    asyncio.run(_filled(service))
    with closing(sqlite.connect(path)) as other, other:  # the same library: another one would end the server's locks
        other.execute(f"UPDATE profiles SET {AGED(901, KEY('u1'))}")
    assert not asyncio.run(member(service, "u1", "old"))
    service.close()
    assert "another program has written to the database file" in caplog.text
    assert not used(path)
    service = opened(path)
    assert asyncio.run(member(service, "u1", "old"))
    service.close()
    assert used(path)


async def no_list(service: Service) -> None:
    """One that nothing refers to is deleted."""
    await upload(service, "gamma", ["u1", "u2"])
    await service.user_lists.delete("gamma")


@pytest.mark.parametrize("happening", [profiles, events, lists, no_list])
def test_what_the_server_writes_itself_leaves_it_in_force(clean: Path, tmp_path: Path, happening: Happening) -> None:
    path = copied(clean, tmp_path)
    before = only(path)
    service = opened(path)
    try:
        asyncio.run(happening(service))
        assert service._engine.thread.call(service._engine.store.snapshot).result() == before
        copy = killed(service, path, "b.db")
    finally:
        service.close()
    assert used(copy)


def test_a_database_of_before_the_triggers_takes_none(clean: Path, tmp_path: Path) -> None:
    """Its name was in another table; a release that does not know the triggers does not open the file any more."""
    path = tmp_path / "a.db"
    with Store.open(path, MIGRATIONS[:2]) as store:
        with store.transaction():
            store.set_meta("snapshot", b"00")
        with pytest.raises(StorageFailed, match="no such table"):
            store.snapshot()
    with Store.open(path) as store:
        assert store.meta("snapshot") is None
        assert store.snapshot() is None
