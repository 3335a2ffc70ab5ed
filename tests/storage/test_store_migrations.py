"""A database of any earlier version is brought up to the present one, wholly or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from segmentd.errors import StorageFailed
from segmentd.records import ProfileRecord
from segmentd.storage import Store
from segmentd.storage.migrations import Migration
from segmentd.storage.schema import MIGRATIONS


def _add_note(database: Database) -> None:
    database.table("users").add_column("note", str)


def _fail_half_way(database: Database) -> None:
    database.table("halves").create({"half": int}, strict=True)
    database.execute("INSERT INTO nowhere VALUES (1)")


NEXT = len(MIGRATIONS) + 1
LATER = (*MIGRATIONS, Migration(NEXT, "notes", _add_note))
BROKEN = (*MIGRATIONS, Migration(NEXT, "broken", _fail_half_way))


def _filled(file: Path, migrations: tuple[Migration, ...]) -> None:
    with Store.open(file, migrations) as store, store.transaction():
        store.insert_users([(1, "ann")])
        store.write_profiles([ProfileRecord(1, b'{"plan":"pro"}')])


def _recorded(store: Store) -> list[tuple[int, str]]:
    return store._session.rows("SELECT number, name FROM migrations ORDER BY number")


def test_the_numbers_have_no_gaps() -> None:
    assert [step.number for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


@pytest.mark.parametrize("version", range(1, len(LATER)))
def test_an_earlier_version_is_brought_up_and_keeps_its_rows(file: Path, version: int) -> None:
    _filled(file, LATER[:version])
    with Store.open(file, LATER) as store:
        assert _recorded(store) == [(step.number, step.name) for step in LATER]
        assert store._session.rows("SELECT user_id, note FROM users") == [("ann", None)]
        assert store.read_profiles([1])[1].attributes == b'{"plan":"pro"}'


def test_opening_again_applies_nothing_again(file: Path) -> None:
    for _ in range(3):
        with Store.open(file, LATER) as store:
            assert len(_recorded(store)) == len(LATER)


def test_a_migration_that_fails_leaves_the_version_before(file: Path) -> None:
    _filled(file, MIGRATIONS)
    with pytest.raises(StorageFailed, match="broken"):
        Store.open(file, BROKEN)
    with Store.open(file) as store:
        assert store._session.rows("SELECT 1 FROM sqlite_schema WHERE name = 'halves'") == []
        assert store.user_key("ann") == 1
