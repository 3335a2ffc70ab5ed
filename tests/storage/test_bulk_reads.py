"""Batches of whole tables go on where the last one ended, without a look at what lies before or beyond."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmentd.storage import Store, bulk_reads

ALL = bulk_reads._MORE[True, True]
SINCE = bulk_reads._SINCE.format(instant=1, key=1)


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        (bulk_reads._USERS, "users"),
        (bulk_reads._PROFILES.format(since=""), "profiles"),
        (bulk_reads._PROFILES.format(since=SINCE), "profiles"),
        (bulk_reads._EVENTS.format(more=ALL, names="[1, 2, 3]"), "events"),
    ],
)
def test_a_batch_goes_on_from_its_key(tmp_path: Path, sql: str, table: str) -> None:
    with Store.open(tmp_path / "a.db") as store:
        plan = [row[3] for row in store._session.rows(f"EXPLAIN QUERY PLAN {sql}", (1, 1))]
    assert f"SEARCH {table} USING INTEGER PRIMARY KEY (rowid>?)" in plan
    assert not [step for step in plan if "TEMP B-TREE" in step]


def test_few_pages_are_kept_of_a_load_and_many_of_what_follows(tmp_path: Path) -> None:
    """Also where the load failed."""
    sizes = []
    with Store.open(tmp_path / "a.db") as store:
        [usual] = store._session.rows("PRAGMA cache_size")
        for error in (None, ValueError("broken")):
            try:
                with store.reading_everything():
                    sizes += store._session.rows("PRAGMA cache_size")
                    if error is not None:
                        raise error
            except ValueError:
                pass
            assert store._session.rows("PRAGMA cache_size") == [usual]
    assert sizes == [(usual[0] // 16,)] * 2
