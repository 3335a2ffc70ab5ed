"""Exclusive groups in files of segments, and their reports."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.running import Commands

FILE = """
segments:
  - {id: first, rule: {list: {users: [u1, u2]}}, include: {users: [u1, u2, u3, u4]}, exclude: {users: [u3, u4]}}
  - {id: second, rule: {list: {users: [u2, u3]}}}
  - {id: rest, rule: {not: {segment: campaigns/first}}}
exclusive_groups:
  - id: campaigns
    name: Campaigns
    description: One mail a week
    owner: crm
    labels: {team: crm}
    segments: [first, second]
"""


@pytest.fixture
def grouped(segmentd: Commands, tmp_path: Path) -> Commands:
    (tmp_path / "groups.yaml").write_text(FILE)
    segmentd.fine("apply", "groups.yaml", "--author", "ada")
    return segmentd


def test_a_file_makes_a_group_between_its_segments_and_those_that_need_it(grouped: Commands, tmp_path: Path) -> None:
    assert grouped.fine("members", "campaigns/first").out.split() == ["u1", "u2"]
    assert grouped.fine("members", "campaigns/second").out.split() == ["u3"]
    assert {"u3", "u4"} <= set(grouped.fine("members", "rest").out.split())
    assert grouped.fine("apply", "groups.yaml").out == "plan: 0 to create, 0 to update, 4 unchanged\n"
    (tmp_path / "groups.yaml").write_text(FILE.replace("[first, second]", "[second, first]"))
    dry = grouped.fine("apply", "groups.yaml", "--dry-run").out
    assert dry.splitlines() == [
        "~ exclusive group campaigns (segment_ids): second > first",
        "    campaigns/first: 0 would enter, 1 would leave, 1 member after",
        "        leave: u2",
        "    campaigns/second: 1 would enter, 0 would leave, 2 members after",
        "        enter: u2",
        "    rest: 1 would enter, 0 would leave, 3 members after",
        "        enter: u2",
        "dry run: 0 to create, 1 to update, 3 unchanged",
    ]
    done = grouped.fine("apply", "groups.yaml", "--json").json
    assert done["exclusive_groups"] == [
        {"id": "campaigns", "action": "update", "changed": ["segment_ids"], "preview": None}
    ]
    assert grouped.fine("members", "campaigns/second").out.split() == ["u2", "u3"]


def test_a_report_is_a_table(grouped: Commands) -> None:
    shown = [line.rstrip() for line in grouped.fine("groups", "show", "campaigns").out.splitlines()]
    assert shown[0].startswith("campaigns (Campaigns) at 2026-01-01T00:00:00")
    assert shown[1:] == [
        "segment  matched  claimed  lost to earlier ones",
        "first          2        2                     0",
        "second         2        1                     1",
        "users in the group, each in one segment of it: 3",
        "of them matching two or more segments: 1",
        "memberships withheld: 1",
        "segment  overlaps with  users",
        "first    second             1",
    ]
    done = grouped.fine("groups", "show", "campaigns", "--json").json
    assert done["group"]["segment_ids"] == ["first", "second"]
    assert (done["report"]["user_count"], done["report"]["withheld_count"]) == (3, 1)


def test_groups_are_listed_and_deleted(grouped: Commands, tmp_path: Path) -> None:
    assert any("first > second" in line for line in grouped.fine("groups").out.splitlines())
    assert [each["id"] for each in grouped.fine("groups", "--json").lines] == ["campaigns"]
    refused = grouped("groups", "delete", "campaigns")
    assert (refused.code, "SEGMENT_REFERENCED" in refused.err) == (1, True)
    (tmp_path / "other.yaml").write_text(
        "segments: [{id: s, rule: {list: {users: [u1]}}}]\nexclusive_groups: [{id: other, segments: [s]}]"
    )
    assert grouped.fine("apply", "other.yaml").out.splitlines()[-1] == "applied 2 changes"
    assert grouped.fine("groups", "delete", "other").out == "exclusive group other is deleted\n"
    assert "GROUP_NOT_FOUND" in grouped("groups", "show", "other").err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exclusive_groups: [{id: g}]", "an exclusive group has at least one segment"),
        ("exclusive_groups: [{segments: [a]}]", "is a mapping with an id"),
        ("exclusive_groups: [7]", "is a mapping with an id"),
        ("exclusive_groups: {id: g}", "it is no list"),
        ("exclusive_groups: [{id: g, segments: [nobody]}]", "g: no segment has the id 'nobody'"),
        ("exclusive_groups: [{id: g, segments: [first, first]}]", "g: 'first' is there twice"),
        ("exclusive_groups: [{id: g, segments: [1]}]", "it is no text; quote it"),
        ("exclusive_groups: [{id: g, segments: [first], rule: {}}]", "the key is not known"),
        ("exclusive_groups: [{id: g, segments: [first]}, {id: g, segments: [first]}]", "is there twice"),
    ],
)
def test_a_wrong_group_is_refused_with_its_line(grouped: Commands, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "wrong.yaml").write_text(f"\n{text}")
    outcome = grouped("apply", "wrong.yaml")
    assert (outcome.code, outcome.out) == (1, "")
    assert words in outcome.err
    assert outcome.err.startswith("error: wrong.yaml:2: ")


def test_what_the_server_refuses_is_told_at_the_group(grouped: Commands, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(
        "exclusive_groups: [{id: campaigns, segments: [first, second, campaigns/first]}]"
    )
    outcome = grouped("apply", "wrong.yaml")
    assert outcome.code == 1
    assert "exclusive_groups[0].segments[2]: campaigns: segment 'campaigns/first' is made by this group" in outcome.err
