"""What cannot be opened is refused with a clear error, and left as it was."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from segmentd.errors import Reason, StorageFailed
from segmentd.storage import Store
from segmentd.storage.driver import sqlite
from segmentd.storage.migrations import Migration
from segmentd.storage.schema import MIGRATIONS

NOBODY = 65534


def test_one_sqlite_for_segmentd_and_sqlite_utils() -> None:
    for name in ("sqlite_utils.utils", "sqlite_utils.db"):
        assert vars(import_module(name))["sqlite3"].connect is sqlite.connect


def test_without_pysqlite3_both_take_the_standard_module() -> None:
    program = (
        "import sys; sys.modules['pysqlite3'] = None\n"
        "import sqlite3, sqlite_utils.db\n"
        "from segmentd.storage.driver import sqlite\n"
        "from segmentd.storage import Store\n"
        "assert sqlite.connect is sqlite3.connect is sqlite_utils.db.sqlite3.connect\n"
        "Store.open(':memory:').close()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})


def test_durability_settings(file: Path) -> None:
    with Store.open(file) as store:
        pragma = {
            name: store._session.row(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragma == {"journal_mode": ("wal",), "synchronous": (2,), "foreign_keys": (1,)}


def test_every_table_is_strict(store: Store) -> None:
    tables = store._session.rows("SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'")
    assert len(tables) > 10
    assert [name for name, strict in tables if not strict] == []


def test_an_empty_file_becomes_a_database(file: Path) -> None:
    file.touch()
    with Store.open(file) as store:
        assert store.state().revision == 0


def test_a_file_that_is_no_database(file: Path) -> None:
    garbage = b"user,event\n" * 1000
    file.write_bytes(garbage)
    with pytest.raises(StorageFailed, match="not a database") as raised:
        Store.open(file)
    assert raised.value.reason is Reason.STORAGE_FAILED
    assert str(file) in raised.value.message
    assert file.read_bytes() == garbage


def test_a_database_of_another_program(file: Path) -> None:
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE notes (text TEXT)")
    other.close()
    before = file.read_bytes()
    with pytest.raises(StorageFailed, match="not one of segmentd"):
        Store.open(file)
    assert file.read_bytes() == before


def test_a_missing_folder_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="does not exist"):
        Store.open(tmp_path / "nowhere" / "segments.db")
    with pytest.raises(StorageFailed, match="is a folder"):
        Store.open(tmp_path)


@pytest.fixture
def unprivileged_folder() -> Iterator[Path]:
    """A folder that an unprivileged user can reach and write; root itself is stopped by no permission."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)


def test_a_read_only_file(unprivileged_folder: Path) -> None:
    file = unprivileged_folder / "segments.db"
    Store.open(file).close()
    file.chmod(0o444)
    with pytest.raises(StorageFailed, match=r"readonly|read-only"):
        Store.open(file)


def test_a_read_only_folder(unprivileged_folder: Path) -> None:
    folder = unprivileged_folder / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    with pytest.raises(StorageFailed, match="Permission denied"):
        Store.open(folder / "segments.db")


def test_a_second_server_is_told_who_holds_the_file(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(file)
    with Store.open(file):
        for path in (file, link):
            with pytest.raises(StorageFailed, match=f"in use by another segmentd .process {os.getpid()}"):
                Store.open(path)
    Store.open(link).close()


def test_another_process_is_refused_too(file: Path) -> None:
    program = "import sys; from segmentd.storage import Store; Store.open(sys.argv[1])"
    with Store.open(file):
        child = subprocess.run(
            [sys.executable, "-c", program, str(file)],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )
    assert child.returncode == 1
    assert "in use by another segmentd" in child.stderr


def test_a_failed_opening_gives_the_lock_back(file: Path) -> None:
    file.write_bytes(b"x" * 5000)
    with pytest.raises(StorageFailed):
        Store.open(file)
    file.unlink()
    Store.open(file).close()


def test_a_database_of_a_newer_segmentd(file: Path) -> None:
    newer = (*MIGRATIONS, Migration(len(MIGRATIONS) + 1, "future", lambda _: None))
    Store.open(file, newer).close()
    with pytest.raises(StorageFailed, match="newer segmentd") as raised:
        Store.open(file)
    assert raised.value.metadata == {"schema": str(len(newer)), "known": str(len(MIGRATIONS))}


def test_identity_is_drawn_once(file: Path) -> None:
    with Store.open(file) as store:
        first = store.database_id(), store.hash_key()
    with Store.open(file) as store:
        assert (store.database_id(), store.hash_key()) == first
    with Store.open(":memory:") as other:
        assert other.hash_key() != first[1]
    assert len(first[0]) == 32
    assert len(first[1]) == 16


def test_closing_twice_is_harmless_and_reading_after_it_is_an_error(file: Path) -> None:
    store = Store.open(file)
    store.close()
    store.close()
    with pytest.raises(StorageFailed):
        store.state()


@pytest.mark.parametrize("error", [sqlite.OperationalError("database or disk is full"), OSError("No space left")])
def test_a_start_without_room_says_so_in_a_line(file: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def full(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("segmentd.storage.store.draw_mark", full)
        with pytest.raises(StorageFailed, match=rf"^cannot open {file}: {error}$"):
            Store.open(file)
    Store.open(file).close()
