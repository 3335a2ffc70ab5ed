"""The replay of a real shop: what it draws, and every day of its log against counting customer by customer."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.examples.retail_days import GROUPS, groups_at, orders_of, six_months_after

from segmentd.records import END_OFFSET, Position
from segmentd.storage import Store
from segmentd.times import DAY, Micros, from_datetime

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "online_retail" / "replay.py"
FILE = ROOT.parent / "shared" / "data" / "online_retail" / "online_retail.csv.gz"
FIRST = datetime(2011, 1, 4, tzinfo=UTC)
DAYS = 200
"""Long enough that every group has members: the dormant ones are six months old."""

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"needs the Online Retail data in {FILE.parent}")

Groups = dict[str, set[str]]


@dataclass(frozen=True)
class Played:
    """What a replay printed, where its files are, and who is in each group at each midnight, as counted here."""

    printed: str
    folder: Path
    counted: dict[Micros, Groups]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("replay")
    printed = replay(folder, "--days", str(DAYS))
    orders = {
        customer: [order for order in every if order[0].replace(tzinfo=UTC) >= FIRST]
        for customer, every in orders_of(FILE).items()
    }
    midnights = [FIRST + timedelta(days=day + 1) for day in range(DAYS)]
    return Played(printed, folder, {from_datetime(at): groups_at(orders, at.replace(tzinfo=None)) for at in midnights})


def replay(folder: Path, *arguments: str) -> str:
    """What the script prints; it compares every day with SQL, and must end well."""
    files = ("--out", str(folder), "--db", str(folder / "retail.db"))
    command = [sys.executable, str(SCRIPT), str(FILE), "--first", FIRST.date().isoformat(), *files, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sizes(folder: Path) -> list[dict[str, int]]:
    """The size of each group at the end of each day."""
    with (folder / "sizes.csv").open(encoding="utf-8") as file:
        return [{name: int(row[name]) for name in GROUPS} for row in csv.DictReader(file)]


def test_it_compares_every_day_with_sql_and_with_the_log(played: Played) -> None:
    assert f"{DAYS} days" in played.printed
    assert "sizes and members of every day are those of SQL, and the log adds up to them" in played.printed
    assert "2,000 questions about the past were answered as they were then" in played.printed


def test_the_sizes_of_every_day_are_those_that_counting_gives(played: Played) -> None:
    rows = sizes(played.folder)
    assert rows == [{name: len(users) for name, users in groups.items()} for groups in played.counted.values()]
    assert all(rows[-1].values())


def test_the_log_gives_the_members_of_every_day(played: Played) -> None:
    with Store.open(played.folder / "retail.db") as store:
        keys = {record.segment_id: record.segment_key for record in store.segments()}
        ids = {key: user for batch in store.users() for key, user in batch}
        for at, groups in played.counted.items():
            found = {name: {ids[key] for key in store.members_at(keys[name], at).tolist()} for name in groups}
            assert found == groups


def test_the_transitions_add_up_to_the_differences_of_the_sizes(played: Played) -> None:
    with Store.open(played.folder / "retail.db") as store:
        for record in store.segments():
            size, key = 0, record.segment_key
            for at, groups in played.counted.items():
                start, end = Micros(at - DAY + 1), Micros(at + 1)
                moves = store.history(None, 100_000, segments=[key], start=start, end=end)
                size += sum(1 if move.transition.entered else -1 for move in moves)
                assert size == len(groups[record.segment_id])
            last = Position(store.state().revision, END_OFFSET)
            assert store.transitions(last, 1) == []


def test_it_draws_pictures(played: Played) -> None:
    for name in ("sizes.png", "matrix.png"):
        content = (played.folder / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) > 20_000


def test_orders_that_are_sent_at_their_own_minutes_give_the_same_days(played: Played, tmp_path: Path) -> None:
    assert "by EVENT" in replay(tmp_path, "--days", "9", "--live")
    assert sizes(tmp_path) == sizes(played.folder)[:9]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2010-12-31T10:00", "2011-06-30T10:00"), ("2011-08-31T10:00", "2012-02-29T10:00"), ("2011-03-15", "2011-09-15")],
)
def test_six_months_end_with_the_month(moment: str, expected: str) -> None:
    assert six_months_after(datetime.fromisoformat(moment)) == datetime.fromisoformat(expected)
