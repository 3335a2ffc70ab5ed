"""The example of a real shop: a year of invoices through the commands, every answer compared with SQL over the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.examples.retail_oracle import SEGMENTS, RetailOracle
from tests.examples.served import Served, served

from segmentd.client import as_json

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "online_retail"
FILE = ROOT.parent / "shared" / "data" / "online_retail" / "online_retail.csv.gz"
START = "2011-12-10T00:00:00"
# Half a minute past a whole one: nothing was sold then, so the few microseconds of the writes decide nothing.
LATER = "2012-01-09T00:00:30"
# Names of the file that the table of tzdata writes in another way; what stands in neither has no code.
OTHER_NAMES = {"EIRE": "IE", "RSA": "ZA", "USA": "US", "United Kingdom": "GB"}

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"needs the Online Retail data in {FILE.parent}")


@dataclass
class Answers:
    """What the server answers at one moment."""

    revision: int
    sizes: dict[str, int]
    members: dict[str, set[str]]


@dataclass
class Story:
    """What the imports said, and the answers after each step."""

    profiles: Any
    events: Any
    profiles_again: Any
    events_again: Any
    first: Answers
    again: Answers
    restarted: Answers
    later: Answers
    spend: dict[str, Decimal]
    attributes: dict[str, Any]


@pytest.fixture(scope="module")
def oracle() -> RetailOracle:
    return RetailOracle(FILE, START)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, oracle: RetailOracle) -> Story:
    database = tmp_path_factory.mktemp("retail") / "retail.db"
    with served(database, f"{START}Z") as server:
        profiles, events = _import(server)
        server.command("apply", str(EXAMPLE / "segments.yaml"))
        first = _answers(server)
        profiles_again, events_again = _import(server)
        again = _answers(server)
    with served(database, f"{START}Z") as server:
        restarted = _answers(server)
        spend = _spend(server, sorted(oracle.spend())[::20])
        attributes = _attributes(server, oracle.one_of_each_country())
        server.command("clock", "advance", "--to", f"{LATER}Z")
        later = _answers(server)
    return Story(profiles, events, profiles_again, events_again, first, again, restarted, later, spend, attributes)


def _import(server: Served) -> tuple[Any, Any]:
    """The reports of both imports."""
    [profiles] = server.command("import", "profiles", str(FILE), "--sql", str(EXAMPLE / "profiles.sql"))
    [events] = server.command("import", "events", str(FILE), "--sql", str(EXAMPLE / "events.sql"))
    return profiles, events


def _answers(server: Served) -> Answers:
    sizes = {segment["id"]: segment["size"] for segment in server.command("segments")}
    with server.client() as client:
        members = {segment: {each.user_id for each in client.members(segment)} for segment in sizes}
        return Answers(client.status().revision, sizes, members)


def _spend(server: Served, users: list[str]) -> dict[str, Decimal]:
    """The spend that explanations show."""
    with server.client() as client:
        roots = {user: client.explain(user, "spend-over-1000").explanation for user in users}
    return {user: Decimal(root.children[0].reasons[0].observed) for user, root in roots.items()}


def _attributes(server: Served, users: dict[str, str]) -> dict[str, Any]:
    """The attributes of each user; keys as they are given."""
    with server.client() as client:
        return {key: as_json(client.get_profile(user).profile.attributes) for key, user in users.items()}


def test_every_line_becomes_part_of_an_event_or_is_counted_by_its_reason(story: Story, oracle: RetailOracle) -> None:
    counts = oracle.counts()
    assert counts["lines"] == 541_909
    assert story.events["stored"] == counts["orders"] + counts["refunds"]
    assert story.events["reasons"]["no customer"] == counts["anonymous"]
    assert story.events["refused"] == sum(story.events["reasons"].values()) == counts["lines"] - counts["used"]
    assert len(story.events["reasons"]) == 2
    assert (story.profiles["created"], story.profiles["refused"]) == (counts["customers"], 0)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_members_are_those_that_sql_finds(segment: str, story: Story, oracle: RetailOracle) -> None:
    expected = oracle.members(segment, START)
    assert story.first.sizes[segment] == len(expected) > 0
    assert story.first.members[segment] == expected


@pytest.mark.parametrize("segment", SEGMENTS)
def test_members_change_by_time_alone_as_sql_finds(segment: str, story: Story, oracle: RetailOracle) -> None:
    expected = oracle.members(segment, LATER)
    assert story.later.sizes[segment] == len(expected)
    assert story.later.members[segment] == expected


def test_the_file_defines_no_other_segments(story: Story) -> None:
    assert sorted(story.first.sizes) == SEGMENTS


def test_the_readme_tells_the_sizes(story: Story) -> None:
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([a-z0-9-]+)` \|.*\| ([0-9,]+) \|$", readme, re.MULTILINE))
    assert {name: int(size.replace(",", "")) for name, size in told.items()} == story.first.sizes


def test_spend_is_exact(story: Story, oracle: RetailOracle) -> None:
    spend = oracle.spend()
    assert len(story.spend) > 200
    assert story.spend == {user: spend[user] for user in story.spend}


def test_importing_again_changes_nothing(story: Story) -> None:
    assert story.again == story.first
    assert story.events_again["stored"] == 0
    assert story.events_again["duplicate"] == story.events["stored"]
    assert story.events_again["reasons"] == story.events["reasons"]
    assert story.profiles_again["created"] == 0


def test_a_restart_gives_the_same_answers(story: Story) -> None:
    assert story.restarted == story.first


def test_countries_have_their_iso_codes_and_keep_their_names(story: Story) -> None:
    table = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    codes = {name: code for code, name in lines} | OTHER_NAMES
    assert len(story.attributes) == 37  # of the 38, one has no customer
    for country, attributes in story.attributes.items():
        code = codes.get(country)
        expected = {"countryName": country} | ({"address.country": code} if code else {})
        assert attributes == expected
