from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import SEGMENTS
from tests.cli.running import Commands


def apply(segmentd: Commands, folder: Path, text: str, *options: str) -> dict[str, str]:
    """The action of each segment."""
    (folder / "file.yaml").write_text(text)
    done = segmentd.fine("apply", "file.yaml", "--json", *options).json
    return {each["id"]: each["action"] for each in done["segments"]}


def faults(segmentd: Commands, folder: Path, text: str, name: str = "file.yaml") -> list[str]:
    """The lines on stderr of a file that is refused."""
    (folder / name).write_text(text)
    outcome = segmentd("apply", name)
    assert (outcome.code, outcome.out) == (1, "")
    return outcome.err.splitlines()


def test_a_file_is_created_then_unchanged_then_updated(segmentd: Commands, tmp_path: Path) -> None:
    assert apply(segmentd, tmp_path, SEGMENTS, "--dry-run") == {"spenders": "create", "vip": "create"}
    assert segmentd.fine("segments", "--json").lines == []
    assert apply(segmentd, tmp_path, SEGMENTS) == {"spenders": "create", "vip": "create"}
    assert apply(segmentd, tmp_path, SEGMENTS) == {"spenders": "unchanged", "vip": "unchanged"}
    edited = SEGMENTS.replace("at_least: 100", "at_least: 50")
    assert apply(segmentd, tmp_path, edited) == {"spenders": "unchanged", "vip": "update"}
    version = {each["id"]: each["version"] for each in segmentd.fine("segments", "--json").lines}
    assert version == {"spenders": 1, "vip": 2}
    outcome = segmentd.fine("apply", "file.yaml")
    assert outcome.out == "plan: 0 to create, 0 to update, 3 unchanged\n"


def test_what_will_change_is_shown(segmentd: Commands, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text("segments: [{id: new, rule: {list: {users: [u1]}}}]")
    out = segmentd.fine("apply", "new.yaml", "--author", "ada", "--note", "trial").out
    assert out.splitlines() == ["+ segment new", "plan: 1 to create, 0 to update, 0 unchanged", "applied 1 change"]
    (segment,) = [each for each in segmentd.fine("segments", "--json").lines if each["id"] == "new"]
    assert (segment["author"], segment["note"]) == ("ada", "trial")


def test_parts_are_applied_before_what_refers_to_them(segmentd: Commands, tmp_path: Path) -> None:
    text = """
segments:
  - {id: whole, rule: {not: {segment: half}}}
  - {id: half, rule: {any: [{segment: quarter}]}}
  - {id: quarter, rule: {list: {users: [u1]}}}
"""
    assert list(apply(segmentd, tmp_path, text)) == ["quarter", "half", "whole"]


def test_json_is_read_too(segmentd: Commands, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(json.dumps({"segments": [{"id": "j", "rule": {"list": {"users": ["NO"]}}}]}))
    segmentd.fine("apply", "file.json")
    assert segmentd.fine("members", "j").out in ("", "NO\n")
    assert (
        "the key id is there twice" in faults(segmentd, tmp_path, '{"segments": [{"id": 1, "id": 2}]}', "two.json")[0]
    )


def test_yaml_is_1_2(segmentd: Commands, tmp_path: Path) -> None:
    text = """
segments:
  - id: pitfalls
    labels: {country: NO, date: 2024-01-01, time: 12:30, thousand: 1_000, "on": off, version: "17.10"}
    rule: {list: {users: [yes, n, NO]}}
"""
    apply(segmentd, tmp_path, text)
    (segment,) = [each for each in segmentd.fine("segments", "--json").lines if each["id"] == "pitfalls"]
    assert segment["labels"] == {
        "country": "NO",
        "date": "2024-01-01",
        "time": "12:30",
        "thousand": "1_000",
        "on": "off",
        "version": "17.10",
    }
    assert segment["rule"] == {"list": {"users": ["yes", "n", "NO"]}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("segments: [{id: a, rule: {list: {users: [x]}}, colour: red}]", "file.yaml:1: segment a: colour: the key is"),
        ("segments: []\nsegment: []", "file.yaml:2: segment: the key is not known"),
        (
            "segments:\n- id: a\n  rule: {list: {users: [x]}}\n  id: b",
            "file.yaml:4: segments[0].id: the key is there twice",
        ),
        (
            "segments: [{id: a, include: {users: [x]}}, {id: a, include: {users: [x]}}]",
            "the id is there twice (line 1)",
        ),
        ("segments: [{id: a, labels: {n: 17.10}, include: {users: [x]}}]", "labels.n: it is no text; quote it"),
        ("segments: [{id: a, rule: {list: {users: [01067]}}}]", 'quote it ("01067")'),
        ("segments: [{id: a, rule: {list: {1: x}}}]", 'the key 1 is no text; quote it ("1")'),
        ("segments: [{id: a, rule: {attribute: {x: {above: .nan}}}}]", ".nan is not a number"),
        ("segments: [{id: a, rule: !!set {x}}]", "segments[0].rule: the tag tag:yaml.org,2002:set is not known"),
        ("segments: &s [*s]", "it contains itself"),
        ("segments: [{rule: {}}]", "a segment has an id"),
        ("segments: [{id: a}]", "segment a: rule: a segment has a rule, or `include`"),
        ("segments: [{id: a, rule: {segment: b}}, {id: b, rule: {segment: a}}]", "circle: a → b → a"),
        ("segments: [{id: a, rule: {not: {segment: a}}}]", "rule.not.segment: the segments refer in a circle: a → a"),
        (
            "segments: [{id: a, rule: {all: [{segment: none}]}}]",
            "segment a: rule.all[0].segment: no segment has the id",
        ),
        ("attributes: {x: colour}", "attributes.x: the kind of an attribute is one of number"),
        ("- 1", "at least one of the keys `segments`, `exclusive_groups`, `attributes`, `events`"),
        ("", "at least one of the keys `segments`, `exclusive_groups`, `attributes`, `events`"),
        ("a: [", "file.yaml:1"),
        ("a: 1\n---\nb: 1", "another document"),
        (f"segments: [{{id: a, rule: {'{not: ' * 40}{{list: {{users: [x]}}}}{'}' * 40}}}]", "nested too deeply"),
    ],
)
def test_a_fault_of_a_file_names_its_place(segmentd: Commands, tmp_path: Path, text: str, words: str) -> None:
    lines = faults(segmentd, tmp_path, text)
    assert any(words in line for line in lines), lines
    assert all(line.startswith("error: file.yaml") for line in lines)


def test_every_faulty_rule_is_shown_and_nothing_is_applied(segmentd: Commands, tmp_path: Path) -> None:
    lines = faults(
        segmentd,
        tmp_path,
        """
segments:
  - {id: sound, rule: {list: {users: [u1]}}}
  - id: wrong-1
    rule:
      all:
        - behavioral: {event: X, within: 7x}
        - attribute: {plan: {resembles: pro}}
  - {id: wrong-2, rule: {nothing: {}}}
""",
    )
    assert len(lines) == 3
    assert "file.yaml:7: segment wrong-1: rule.all[0].behavioral.within" in lines[0]
    assert "file.yaml:8: segment wrong-1: rule.all[1].attribute" in lines[1]
    assert "file.yaml:9: segment wrong-2: rule: " in lines[2]
    assert "sound" not in {each["id"] for each in segmentd.fine("segments", "--json").lines}


def test_another_kind_takes_retype(segmentd: Commands, tmp_path: Path) -> None:
    apply(segmentd, tmp_path, "attributes: {shoe: number}")
    assert "it is number; --retype makes it text" in faults(segmentd, tmp_path, "attributes: {shoe: text}")[0]
    apply(segmentd, tmp_path, "attributes: {shoe: text}", "--retype")
    assert "attributes.age" in faults(segmentd, tmp_path, "attributes: {age: text}")[0]


def test_count_takes_a_rule_or_one_segment(shop: Commands, tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_text("attribute: {points: {at_least: 1}}")
    (tmp_path / "one.yaml").write_text("segments: [{id: x, rule: {attribute: {points: {at_least: 100}}}}]")
    (tmp_path / "below.yaml").write_text("rule:\n  attribute: {points: {at_least: 1}}")
    assert shop.fine("count", "rule.yaml").out.startswith("2 of ")
    assert shop.fine("count", "below.yaml").out.startswith("2 of ")
    assert shop.fine("count", "one.yaml", "--json").json["member_count"] == 1
    assert "it defines 2 segments" in shop("count", "segments.yaml").err
    (tmp_path / "bad.yaml").write_text("attribute: {points: {resembles: 1}}")
    assert "(INVALID_RULE)" in shop("count", "bad.yaml").err


def test_a_file_that_cannot_be_read_is_one_line(segmentd: Commands, tmp_path: Path) -> None:
    assert segmentd("apply", "none.yaml").err == "error: none.yaml: no such file or directory\n"
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    assert segmentd("apply", "latin.yaml").err == "error: latin.yaml: it is not UTF-8 (byte 3)\n"
