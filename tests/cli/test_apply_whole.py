"""All of a file is applied or nothing: what would be refused is found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Commands, serving

from segmentd.client import CallFailed, Client
from segmentd.client.segments import Segments

REGULARS = "{id: regulars, rule: {behavioral: {event: Application Opened, within: 7d}}}"


@pytest.fixture
def fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Commands]:
    """A server of its own, which knows the segment regulars."""
    (tmp_path / "server").mkdir()
    monkeypatch.chdir(tmp_path)
    with serving(tmp_path / "server") as address:
        commands = Commands(address, capsys)
        (tmp_path / "regulars.yaml").write_text(f"segments: [{REGULARS}]")
        commands.fine("apply", "regulars.yaml")
        yield commands


def state(segmentd: Commands) -> list[object]:
    """All that a file can change."""
    return [segmentd.fine(each, "--json").lines for each in ("segments", "groups", "attributes", "events")]


def refused(segmentd: Commands, text: str) -> str:
    """What is said of a file that is refused, alike with and without --dry-run, with nothing changed."""
    Path("file.yaml").write_text(text)
    before = state(segmentd)
    tried, applied = segmentd("apply", "file.yaml", "--dry-run"), segmentd("apply", "file.yaml")
    assert (tried.code, tried.out) == (applied.code, applied.out) == (1, "")
    assert tried.err == applied.err
    assert state(segmentd) == before
    return applied.err


def test_a_retention_that_is_too_short_keeps_the_others_from_being_made(fresh: Commands) -> None:
    said = refused(fresh, "events: {Application Opened: {keep: 3d}, Secret Page: {keep: 1d}}")
    assert said == (
        "error: file.yaml:1: events.Application Opened: Application Opened cannot be kept for 3d only: "
        "regulars looks 7d back (RETENTION_TOO_SHORT)\n"
    )


def test_a_new_segment_and_a_retention_of_one_file_must_agree(fresh: Commands) -> None:
    text = "segments: [{id: s, rule: {behavioral: {event: Buy, within: %s}}}]\nevents: {Buy: {keep: %s}}"
    assert "looks back at Buy for 91d, but it is kept for 30d (INVALID_RULE)" in refused(fresh, text % ("91d", "30d"))
    Path("file.yaml").write_text(text % ("20d", "30d"))
    fresh.fine("apply", "file.yaml")
    assert "for 60d, but it is kept for 40d" in refused(fresh, text % ("60d", "40d"))
    for within, keep in (("60d", "70d"), ("7d", "10d")):  # longer before the segment, shorter after it
        Path("file.yaml").write_text(text % (within, keep))
        fresh.fine("apply", "file.yaml", "--dry-run")
        fresh.fine("apply", "file.yaml")


def test_a_new_segment_and_a_declaration_of_one_file_must_agree(fresh: Commands) -> None:
    text = "attributes: {shoe: %s}\nsegments: [{id: big, rule: {attribute: {shoe: {above: 40}}}}]"
    assert "(INVALID_RULE)" in refused(fresh, text % "text")
    assert "attributes.list:x" in refused(fresh, "attributes: {'list:x': text, good: text}")
    Path("file.yaml").write_text(text % "number")
    fresh.fine("apply", "file.yaml")


def test_an_erased_user_of_the_second_segment_keeps_the_first_from_being_made(fresh: Commands) -> None:
    Path("p.jsonl").write_text('{"userId": "ada"}\n')
    fresh.fine("import", "profiles", "p.jsonl")
    with Client(fresh.server) as client:
        client.delete_profile("ada")
    said = refused(fresh, "segments: [{id: a, include: {users: [u]}}, {id: b, include: {users: [ada]}}]")
    assert "segment b: " in said
    assert "(USER_ERASED)" in said
    below = "segments: [{id: a, include: {users: [u]}}, {id: b, rule: {not: {segment: a}}, include: {users: [ada]}}]"
    assert "(USER_ERASED)" in refused(fresh, below)


def test_a_circle_through_a_group_keeps_all_from_being_made(fresh: Commands) -> None:
    Path("g.yaml").write_text("segments: [{id: a, include: {users: [u]}}]\nexclusive_groups: [{id: g, segments: [a]}]")
    fresh.fine("apply", "g.yaml")
    text = "segments: [{id: new, include: {users: [u]}}, {id: a, rule: {not: {segment: g/a}}}]"
    assert "segment a: rule.not.segment: the segments refer in a circle: a → g/a → a" in refused(fresh, text)


def test_a_group_that_is_refused_keeps_others_and_segments_from_being_made(fresh: Commands) -> None:
    text = (
        "segments: [{id: n, include: {users: [u]}}, {id: m, rule: {segment: late/n}}]\n"
        "exclusive_groups: [{id: fine, segments: [regulars]}, {id: %s, segments: [%s]}, {id: late, segments: [n]}]"
    )
    assert "INVALID" in refused(fresh, text % ('"b\\u0001"', "n"))
    assert "'m' needs a group that this file makes later" in refused(fresh, text % ("x", "m"))
    Path("file.yaml").write_text(text % ("x", "n"))
    out = fresh.fine("apply", "file.yaml", "--dry-run").out
    assert "    not judged yet: it refers to n, which this file creates" in out.splitlines()
    assert "    fine/regulars: 0 would enter, 0 would leave, 0 members after" in out.splitlines()
    fresh.fine("apply", "file.yaml")
    Path("file.yaml").write_text("exclusive_groups: [{id: fine, segments: [n]}]")
    out = fresh.fine("apply", "file.yaml", "--dry-run").out
    assert "    fine/regulars would be deleted, 0 would leave" in out.splitlines()


def test_what_a_group_lets_go_may_be_changed_in_the_same_file(fresh: Commands) -> None:
    text = (
        "segments: [{id: a, include: {users: [u]}}, {id: b, include: {users: [u]}}, "
        "{id: r, rule: {not: {segment: %s}}}]\n"
        "exclusive_groups: [{id: g, segments: [%s]}]"
    )
    Path("file.yaml").write_text(text % ("g/b", "a, b"))
    fresh.fine("apply", "file.yaml")
    assert "the group lets it go" in refused(fresh, text % ("g/b", "a"))
    assert "it lets a segment go to which r refers" in refused(fresh, "exclusive_groups: [{id: g, segments: [a]}]")
    Path("file.yaml").write_text(text % ("a", "a"))
    fresh.fine("apply", "file.yaml", "--dry-run")
    fresh.fine("apply", "file.yaml")


def test_what_was_applied_is_said_where_somebody_is_faster(fresh: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    create: Any = vars(Segments)["create_segment"]

    def faster(self: Client, segment, **options):  # type: ignore[no-untyped-def]  # stands in for a method
        if segment.id == "two" and not options:
            create(self, segment)
        return create(self, segment, **options)

    monkeypatch.setattr(Client, "create_segment", faster)
    Path("file.yaml").write_text(
        "segments: [{id: one, include: {users: [u]}}, {id: two, include: {users: [u]}}]\n"
        "exclusive_groups: [{id: g, segments: [one]}]\nevents: {Other: {keep: 1d}}"
    )
    done = fresh("apply", "file.yaml")
    assert done.code == 1
    assert done.out.splitlines()[-3:] == [
        "applied 1 of 4 changes",
        "applied: segment one",
        "not applied: segment two, exclusive group g, events Other",
    ]
    assert "(SEGMENT_EXISTS)" in done.err
    assert fresh.fine("groups", "--json").lines == []
    fresh.fine("delete", "two")
    again = fresh("apply", "file.yaml", "--json")
    assert (again.code, again.json["applied"]) == (1, [])
    assert again.json["not_applied"] == ["segment two", "exclusive group g", "events Other"]


def test_where_no_answer_comes_nobody_claims_to_know(fresh: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    import grpc

    create: Any = vars(Segments)["create_segment"]

    def lost(self: Client, segment, **options):  # type: ignore[no-untyped-def]  # stands in for a method
        answer = create(self, segment, **options)
        if not options:
            raise CallFailed(grpc.StatusCode.UNAVAILABLE, "", "connection reset")
        return answer

    monkeypatch.setattr(Client, "create_segment", lost)
    Path("file.yaml").write_text("segments: [{id: one, include: {users: [u]}}]")
    done = fresh("apply", "file.yaml", "--json")
    assert (done.code, done.json["unknown"]) == (1, ["segment one"])


def test_users_are_named_with_author_and_note_and_only_who_is_named_is_undone(fresh: Commands) -> None:
    fresh.fine("include", "regulars", "u1", "--author", "ann", "--note", "a tester")
    [latest, _] = fresh.fine("segment", "regulars", "--versions", "--json").lines
    assert (latest["author"], latest["note"]) == ("ann", "a tester")
    fresh.fine("exclude", "regulars", "u2", "--author", "bob", "--note", "gone")
    wrong = fresh("include", "regulars", "u2", "--undo")
    assert (wrong.code, wrong.err) == (
        1,
        "error: segment regulars: u2 is not included by name; nothing is changed\n",
    )
    assert "u1, u9 are not excluded by name" in fresh("exclude", "regulars", "u1", "u9", "u2", "--undo").err
    assert fresh.fine("exclude", "regulars", "u2", "--undo").out == "segment regulars: excluded by name: 0\n"
