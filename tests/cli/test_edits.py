"""One segment, its versions, and what becomes of it: the commands, and what a dry run says of a change."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import Commands

GOLD = "{segments: [{id: gold, rule: {attribute: {points: {at_least: %d}}}}]}"


def gold(segmentd: Commands, folder: Path, points: int, *options: str) -> str:
    (folder / "gold.yaml").write_text(GOLD % points)
    return segmentd.fine("apply", "gold.yaml", *options).out


def test_a_dry_run_says_who_would_move(shop: Commands, tmp_path: Path) -> None:
    assert gold(shop, tmp_path, 100, "--dry-run").splitlines() == [
        "+ segment gold",
        "    gold: 1 would enter, 0 would leave, 1 member after",
        "        enter: ada",
        "dry run: 1 to create, 0 to update, 0 unchanged",
    ]
    assert shop("check", "ada", "gold").code == 1
    gold(shop, tmp_path, 100, "--author", "ann", "--note", "first")
    (tmp_path / "gold.yaml").write_text(GOLD % 10)
    [step] = shop.fine("apply", "gold.yaml", "--dry-run", "--json").json["segments"]
    [change] = step["preview"]["changes"]
    assert (change["entering_count"], change["entering_user_ids"], change["size"]) == (1, ["bob"], 2)
    shop.fine("delete", "gold")


def test_what_a_file_creates_is_not_judged_before_it_is_there(segmentd: Commands, tmp_path: Path) -> None:
    text = "segments: [{id: part, rule: {list: {users: [u]}}}, {id: whole, rule: {not: {segment: part}}}]"
    (tmp_path / "two.yaml").write_text(text)
    out = segmentd.fine("apply", "two.yaml", "--dry-run").out
    assert "    not judged yet: it refers to part, which this file creates" in out.splitlines()


def test_versions_are_listed_and_restored(shop: Commands, tmp_path: Path) -> None:
    gold(shop, tmp_path, 100, "--author", "ann", "--note", "first")
    gold(shop, tmp_path, 10, "--author", "bob", "--note", "more of them")
    versions = shop.fine("segment", "gold", "--versions", "--json").lines
    assert [(each["version"], each["author"], each["note"], each["state"]) for each in versions] == [
        (2, "bob", "more of them", "ACTIVE"),
        (1, "ann", "first", "ACTIVE"),
    ]
    shown = shop.fine("segment", "gold").out
    assert "by bob (more of them)" in shown
    assert '{"attribute":{"points":{"at_least":10}}}' in shown
    assert "first" in shop.fine("segment", "gold", "--versions").out
    assert shop.fine("restore", "gold", "1", "--dry-run").out.splitlines() == [
        "version 1 of gold would be version 3",
        "    gold: 0 would enter, 1 would leave, 1 member after",
        "        leave: bob",
    ]
    restored = shop.fine("restore", "gold", "1", "--author", "ann", "--note", "back").out
    assert restored == "version 1 of gold is version 3, active\n"
    unknown = shop("restore", "gold", "9")
    assert (unknown.code, unknown.out) == (1, "")
    assert "VERSION_NOT_FOUND" in unknown.err
    stale = shop("archive", "gold", "--etag", "0-0")
    assert "ETAG_MISMATCH" in stale.err
    shop.fine("delete", "gold")


def test_archived_is_not_deleted(shop: Commands, tmp_path: Path) -> None:
    gold(shop, tmp_path, 100)
    assert shop.fine("archive", "gold", "--author", "ann", "--note", "over").out == "gold is archived\n"
    assert "SEGMENT_ARCHIVED" in shop("check", "ada", "gold").err
    assert shop.fine("segment", "gold", "--json").json["state"] == "ARCHIVED"
    assert shop.fine("delete", "gold").out == "gold is deleted\n"
    assert "SEGMENT_NOT_FOUND" in shop("segment", "gold").err
    referenced = shop("delete", "spenders")
    assert "spenders is referred to by vip" in referenced.err


def test_models_and_their_summaries_are_shown(shop: Commands, tmp_path: Path) -> None:
    text = "segments: [{id: best, rule: {rfm: {m: {equals: 5}, refit: {every: 1d}}}}]"
    (tmp_path / "best.yaml").write_text(text)
    shop.fine("apply", "best.yaml")
    assert '"spend":[' in shop.fine("refit", "best").out
    [latest, first] = shop.fine("segment", "best", "--models", "--json").lines
    assert (latest["type"], latest["version"], first["version"]) == ("rfm", 2, 1)
    assert latest["summary"]["groups"]
    assert "rfm" in shop.fine("segment", "best", "--models").out
    assert "model 2" in shop.fine("segment", "best").out
    assert shop.fine("segment", "spenders", "--models").out == "no models\n"
    shop.fine("delete", "best")
