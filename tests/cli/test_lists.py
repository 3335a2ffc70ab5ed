"""User lists from the command line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tests.cli.running import Commands


@pytest.fixture
def beta(segmentd: Commands, tmp_path: Path) -> Commands:
    """A list of three users, as their column `id` says, with a segment of its users."""
    (tmp_path / "beta.csv").write_bytes('id,name\nu1,"M\xfcller"\nu2,x\n\nu3,y\nu1,z\n'.encode("latin-1"))
    segmentd.fine(
        "lists", "upload", "beta", "beta.csv", "--column", "id", "--segment", "beta-testers", "--description", "testers"
    )
    return segmentd


def test_an_upload_says_what_it_came_to(segmentd: Commands, tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("userId\na1\na2\na1\n")
    out = segmentd.fine("lists", "upload", "said", "ids.csv").out
    assert out == "list said: 2 added (2 of them created), 0 removed, 0 unchanged; it has 2 users\n"
    done = segmentd.fine("lists", "upload", "said", "ids.csv", "--json").json
    assert (done["added_count"], done["unchanged_count"], done["list"]["size"]) == (0, 2, 2)
    (tmp_path / "less.csv.gz").write_bytes(gzip.compress(b"userId\na2\na3\n"))
    segmentd.fine("lists", "upload", "said", "less.csv.gz", "--mode", "add")
    assert segmentd.fine("lists", "show", "said", "--members").out.split() == ["a1", "a2", "a3"]
    (tmp_path / "rest.jsonl").write_text('{"userId": "a2"}\n{"userId": "a9", "more": 1}\n')
    segmentd.fine("lists", "upload", "said", "rest.jsonl", "--mode", "remove")
    assert segmentd.fine("lists", "show", "said", "--members", "--json").lines == ["a1", "a3"]
    segmentd.fine("lists", "upload", "said", "ids.csv", "--mode", "replace")
    assert segmentd.fine("lists", "show", "said", "--members").out.split() == ["a1", "a2"]


def test_columns_of_other_names_are_passed_over_whatever_is_in_them(beta: Commands) -> None:
    assert beta.fine("lists", "show", "beta", "--members").out.split() == ["u1", "u2", "u3"]
    assert (
        beta.fine("check", "u2", "beta-testers").out == "u2 is a member of beta-testers, until something is written\n"
    )
    assert "u1, asked for in the user list beta" in beta.fine("explain", "u1", "beta-testers").out


def test_lists_are_shown(beta: Commands) -> None:
    shown = beta.fine("lists").out.splitlines()
    assert shown[0].split() == ["list", "size", "changed", "segments", "description"]
    assert any(line.split()[:2] == ["beta", "3"] and "beta-testers" in line for line in shown)
    assert beta.fine("lists", "show", "beta").out.splitlines()[::2] == [
        "beta: 3 users (testers)",
        "read by the segments beta-testers",
    ]
    found = {each["id"]: each for each in beta.fine("lists", "--json").lines}
    assert found["beta"]["referenced_by_segment_ids"] == ["beta-testers"]
    assert beta.fine("lists", "show", "beta", "--json").json == found["beta"]
    missing = beta("lists", "show", "nobody")
    assert (missing.code, missing.err) == (1, "error: there is no user list 'nobody' (LIST_NOT_FOUND)\n")


def test_single_users_are_added_and_removed(beta: Commands) -> None:
    assert beta.fine("lists", "add", "beta", "u7", "u1").out.startswith("list beta: 1 added (1 of them created)")
    assert beta.fine("check", "u7", "beta-testers").out.startswith("u7 is a member")
    assert beta.fine("lists", "remove", "beta", "u7", "--json").json["removed_count"] == 1
    assert beta("lists", "add", "new", "u1").err == "error: there is no user list 'new' (LIST_NOT_FOUND)\n"
    beta.fine("lists", "add", "new", "u1", "--create")
    assert beta.fine("lists", "delete", "new").out == "list new is deleted\n"
    refused = beta("lists", "delete", "beta")
    assert "referred to by beta-testers (LIST_REFERENCED)" in refused.err


def test_a_bad_row_ends_the_upload_and_nothing_is_changed(beta: Commands, tmp_path: Path) -> None:
    rows = "".join(f"b{number}\n" for number in range(25_000))
    (tmp_path / "bad.csv").write_text(f'id\n{rows}"\x01"\nu9\n')
    outcome = beta("lists", "upload", "beta", "bad.csv", "--column", "id")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: bad.csv, line 25,002: it has the control character U+0001")
    assert beta.fine("lists", "show", "beta", "--members").out.split() == ["u1", "u2", "u3"]
    done = beta.fine("lists", "upload", "other", "bad.csv", "--column", "id", "--skip-invalid")
    assert done.out.splitlines()[0].endswith("it has 25,001 users")
    assert "rows passed over: 1 x id is no id (first at line 25,002" in done.out
    (line,) = (tmp_path / "bad.csv.rejects.jsonl").read_text().splitlines()
    assert json.loads(line)["position"] == 25_002


@pytest.mark.parametrize(
    ("name", "text"),
    [("none.jsonl", ""), ("none.csv", "id\n"), ("none.csv", 'id\n" "\n')],
    ids=["jsonl", "csv", "blank"],
)
def test_a_list_is_not_emptied_by_accident(beta: Commands, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    upload = ("lists", "upload", "beta", name, "--column", "id", "--skip-invalid")
    refused = beta(*upload)
    words = f"error: {name}: it has no ids; nothing was changed (--allow-empty empties the list)\n"
    assert (refused.code, refused.out, refused.err) == (1, "", words)
    assert beta.fine("lists", "show", "beta", "--members").out.split() == ["u1", "u2", "u3"]
    beta.fine(*upload, "--mode", "add")
    beta.fine(*upload, "--mode", "remove")
    assert beta.fine(*upload, "--allow-empty").out.splitlines()[0].endswith("3 removed, 0 unchanged; it has 0 users")


def test_white_space_around_the_ids_of_a_csv_is_no_part_of_them(beta: Commands, tmp_path: Path) -> None:
    (tmp_path / "spaces.csv").write_text('id\n u1\n"u2 "\nu 3\n')
    beta.fine("lists", "upload", "spaces", "spaces.csv", "--column", "id")
    assert beta.fine("lists", "show", "spaces", "--members").out.splitlines() == ["u1", "u2", "u 3"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("beta.csv",), "it has no column 'userId'; its heading is id, name"),
        (("gone.csv",), "no such file"),
        (("binary.csv",), "its heading is PK\ufffd\ufffd\ufffd"),
        (("ids.txt",), "neither .csv nor .jsonl"),
        (("beta.csv", "--column", "id", "--segment", "spenders"), "its rule is another one"),
        (("beta.csv", "--column", "id", "--rejects", "beta.csv"), "is the file to import"),
    ],
)
def test_what_cannot_be_uploaded_is_refused_before_anything_changes(
    beta: Commands, shop: Commands, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "ids.txt").write_text("u1\n")
    (tmp_path / "binary.csv").write_bytes(b"PK\x03\x04\x1b[31m\n")
    outcome = beta("lists", "upload", "fresh", *arguments)
    assert outcome.code != 0
    assert words in outcome.err
    assert "fresh" not in {each["id"] for each in beta.fine("lists", "--json").lines}


def test_rules_in_files_name_lists(beta: Commands, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "segments:\n"
        "  - id: trial\n"
        "    rule: {all: [{list: {uploaded: beta}}, {not: {list: {users: [u1]}}}]}\n"
        "  - id: wrong\n"
        "    rule: {list: {uploaded: gamma}}\n"
    )
    refused = beta("apply", "rules.yaml")
    assert refused.err.splitlines() == [
        "error: rules.yaml:5: segment wrong: rule.list.uploaded: there is no user list 'gamma' (INVALID_RULE)"
    ]
    text = (tmp_path / "rules.yaml").read_text()
    (tmp_path / "rules.yaml").write_text(text.replace("gamma", "beta"))
    beta.fine("apply", "rules.yaml")
    assert beta.fine("members", "trial").out.split() == ["u2", "u3"]


def test_users_are_included_and_excluded(shop: Commands) -> None:
    assert shop.fine("include", "spenders", "bob", "zoe").out == "segment spenders: included by name: 2\n"
    assert shop.fine("members", "spenders").out.split() == ["ada", "bob", "zoe"]
    assert shop.fine("exclude", "spenders", "bob").out == "segment spenders: excluded by name: 1\n"
    assert shop.fine("members", "spenders").out.split() == ["ada", "zoe"]
    shop.fine("exclude", "spenders", "bob", "--undo")
    assert shop.fine("include", "spenders", "bob", "zoe", "--undo", "--json").json["include_user_ids"] == []
    assert shop.fine("members", "spenders").out.split() == ["ada"]
    assert "SEGMENT_NOT_FOUND" in shop("include", "nobody", "bob").err
