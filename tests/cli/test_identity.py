from __future__ import annotations

from pathlib import Path

from tests.cli.running import Commands


def test_merge_says_what_it_came_to(shop: Commands, tmp_path: Path) -> None:
    assert shop.fine("merge", "visitor", "ada").out == "nobody was known as visitor; the id leads to ada now\n"
    assert shop.fine("merge", "visitor", "ada").out == "visitor is ada already\n"
    assert shop.fine("merge", "ada", "visitor").out == "ada is ada already\n"
    assert shop.fine("merge", "ada", "ada").out == "ada is ada: these are the same id\n"
    (tmp_path / "late.jsonl").write_text('{"userId": "guest", "traits": {"points": 7, "city": "Bonn"}}\n')
    shop.fine("import", "profiles", "late.jsonl")
    answer = shop.fine("merge", "guest", "visitor", "--latest", "--json").json
    assert (answer["outcome"], answer["survivor_user_id"], answer["error"]) == ("MERGED", "ada", None)
    profile = shop.fine("profile", "guest", "--json").json
    assert (profile["user_id"], profile["merged_user_ids"]) == ("ada", ["guest", "visitor"])
    assert (profile["attributes"]["points"], profile["attributes"]["city"]) == (7, "Bonn")
    assert "guest, visitor" in shop.fine("profile", "guest").out
    (tmp_path / "late.jsonl").write_text('{"userId": "m1", "traits": {"points": 7}}\n')
    shop.fine("import", "profiles", "late.jsonl")
    shop.fine("merge", "m2", "m1")
    assert shop.fine("merge", "m2", "m3").out == "m1, to whom m2 led, is m3 now\n"
    refused = shop("merge", "", "ada")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "(INVALID_REQUEST)" in refused.err


def test_export_writes_everything_as_json_lines(shop: Commands) -> None:
    parts = shop.fine("export", "bob").lines
    assert shop.fine("export", "bob", "--json").lines == parts
    assert list(parts[0]) == ["identity"]
    assert {next(iter(each)) for each in parts} >= {"identity", "attribute", "mention"}
    assert {"mention": {"kind": "EXCLUDE", "id": "vip", "version": 1}} in parts
    outcome = shop("export", "nobody")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("(USER_NOT_FOUND)\n")


def test_erase_asks_first(shop: Commands, tmp_path: Path) -> None:
    (tmp_path / "late.jsonl").write_text('{"userId": "leaver", "traits": {"points": 7}}\n')
    shop.fine("import", "profiles", "late.jsonl")
    assert shop("erase", "leaver").code == 1
    assert shop.fine("profile", "leaver").out
    erased = shop.fine("erase", "leaver", "--yes").out
    assert erased.endswith("; no byte of the user is left in the files of the database\n")
    assert shop("profile", "leaver").err.endswith("(USER_NOT_FOUND)\n")
    assert shop("erase", "leaver", "--yes").err.endswith("(USER_NOT_FOUND)\n")
    refused = shop("merge", "leaver", "ada")
    assert refused.err.endswith("(USER_ERASED)\n")
    assert "leaver" not in refused.err


FILE = """
events:
  Order Completed: {{keep: {keep}}}
segments:
  - id: spenders
    name: Spenders [all]
    labels: {{team: crm}}
    rule: {{behavioral: {{event: Order Completed, within: {within}}}}}
"""


def test_apply_declares_for_how_long_events_are_kept(shop: Commands, tmp_path: Path) -> None:
    file = tmp_path / "kept.yaml"
    for keep, within, was in (("8d", "7d", "ever"), ("30d", "20d", "8d"), ("7d", "7d", "30d")):
        file.write_text(FILE.format(keep=keep, within=within))
        assert f"kept for {keep} (was {was})" in shop.fine("apply", "kept.yaml", "--dry-run").out
        assert f"kept for {keep} (was {was})" in shop.fine("apply", "kept.yaml").out
    assert shop.fine("apply", "kept.yaml", "--json").json["events"] == [
        {"name": "Order Completed", "keep": "7d", "action": "unchanged"}
    ]
    events = {each["name"]: each for each in shop.fine("events", "--json").lines}
    assert events["Order Completed"]["keep"] == "7d"
    assert "7d" in shop.fine("events").out
    file.write_text(FILE.format(keep="5d", within="7d"))
    assert "cannot be kept for 5d only: spenders" in shop("apply", "kept.yaml").err
    file.write_text(FILE.format(keep="7d", within="8d"))
    refused = shop("apply", "kept.yaml")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "kept.yaml:8: segment spenders: rule.behavioral: looks back at Order Completed for 8d" in refused.err
    for bad in ("1mo", "soon", "[7d]", "0d"):
        file.write_text(FILE.format(keep=bad, within="7d"))
        refused = shop("apply", "kept.yaml")
        assert "kept.yaml:3: events.Order Completed.keep: " in refused.err
    file.write_text("events:\n  Order Completed:\n")
    shop.fine("apply", "kept.yaml")
    assert "ever" in shop.fine("events").out
