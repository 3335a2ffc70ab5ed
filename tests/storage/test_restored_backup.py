"""A backup that was copied over the database of a killed server is not mixed with the log that the server left."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from segmentd.errors import StorageFailed
from segmentd.storage import Store
from segmentd.times import Micros

# Writes revisions until it is killed, and prints each.
WRITER = """
import sys
from segmentd.storage import Store
from segmentd.times import Micros

store = Store.open(sys.argv[1])
while True:
    revision = store.state().revision + 1
    with store.transaction():
        store.insert_users([(revision, f"u{revision}")])
        store.advance(revision, Micros(revision))
    print(revision, flush=True)
"""


def killed(file: Path, meanwhile: Callable[[], None] = lambda: None) -> int:
    """The last revision of a server that was killed; `meanwhile` happens while it runs."""
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, env=environment) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(40)]
        meanwhile()
        lines += [writer.stdout.readline() for _ in range(5)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
    assert Path(f"{file}-wal").stat().st_size
    return int([line for line in lines if line.endswith(b"\n")][-1])


def written(file: Path, revisions: int) -> None:
    with Store.open(file) as store:
        for revision in range(1, revisions + 1):
            with store.transaction():
                store.insert_users([(revision, f"u{revision}")])
                store.advance(revision, Micros(revision))


def vacuumed(file: Path, copy: Path) -> None:
    """What `sqlite3 -readonly FILE "VACUUM INTO 'COPY'"` does."""
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.execute("VACUUM INTO ?", (str(copy),))
    connection.close()


def refused(file: Path) -> None:
    """Twice, since a refusal changes nothing; and once the log is gone, no more."""
    before = file.read_bytes()
    for _ in range(2):
        with pytest.raises(StorageFailed, match=f"{file.name}-wal was left by a server that was killed"):
            Store.open(file)
    assert file.read_bytes() == before
    for name in ("-wal", "-shm"):
        Path(f"{file}{name}").unlink()


def test_a_copy_of_a_stopped_database_beside_the_log_of_a_killed_server_is_refused(file: Path, tmp_path: Path) -> None:
    written(file, 3)
    copy = file.read_bytes()
    killed(file)
    file.write_bytes(copy)
    refused(file)
    with Store.open(file) as store:
        assert store.state().revision == 3


def test_a_copy_that_was_made_while_the_server_ran_is_refused_too(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    last = killed(file, lambda: vacuumed(file, copy))
    file.write_bytes(copy.read_bytes())
    refused(file)
    with Store.open(file) as store:
        assert 40 <= store.state().revision <= last
        assert store._session.row("PRAGMA integrity_check") == ("ok",)


def test_a_file_with_the_log_that_belongs_to_it_is_opened_wherever_it_is(file: Path, tmp_path: Path) -> None:
    last = killed(file)
    assert killed(file) > last, "a killed server's own log"
    elsewhere = tmp_path / "elsewhere.db"
    for name in ("", "-wal"):
        Path(f"{elsewhere}{name}").write_bytes(Path(f"{file}{name}").read_bytes())
    with Store.open(file) as here, Store.open(elsewhere) as there:
        assert here.state() == there.state()


def test_a_database_of_a_release_without_marks_is_opened(file: Path) -> None:
    written(file, 3)
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'start_mark'")
    connection.close()
    Path(f"{file}.lock").write_text("4711\n")
    assert killed(file) > 3
    with Store.open(file) as store:
        assert store.state().revision > 3
