from __future__ import annotations

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Commands, serving

START, RICH, POOR = "2026-01-01T00:00:00Z", "2026-01-01T12:00:00Z", "2026-01-02T12:00:00Z"
RULES = """
segments:
  - {id: rich, rule: {attribute: {points: {at_least: 5}}}}
  - {id: "poor$ $", rule: {attribute: {points: {below: 5}}}}
"""


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its clock is moved, so it is no server of others."""
    with serving(tmp_path_factory.mktemp("history")) as address:
        yield address


@pytest.fixture
def past(
    own_server: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Commands:
    """Ada was rich and becomes poor at noon of the second day, Bob was poor all the time."""
    monkeypatch.chdir(tmp_path)
    commands = Commands(own_server, capsys)
    if commands.fine("segments", "--json").out:
        return commands
    (tmp_path / "rules.yaml").write_text(RULES)
    commands.fine("apply", "rules.yaml")
    for day, points in ((1, 9), (2, 1)):
        commands.fine("clock", "advance", "--to", f"2026-01-0{day}T12:00:00Z")
        (tmp_path / "profiles.jsonl").write_text(
            f'{{"userId": "ada", "traits": {{"points": {points}}}}}\n{{"userId": "bob", "traits": {{"points": 0}}}}\n'
        )
        commands.fine("import", "profiles", "profiles.jsonl")
    commands.fine("clock", "advance", "--by", "2d")
    return commands


def test_history_of_a_user_and_of_a_segment(past: Commands) -> None:
    heading, *lines = past.fine("history", "--user", "ada").out.splitlines()
    assert heading.split() == ["effective", "user", "move", "segment", "version", "cause", "message", "id"]
    assert [line.split()[1:4] for line in lines] == [
        ["ada", "entered", "rich"],
        ["ada", "left", "rich"],
        ["ada", "entered", "poor$"],
    ]
    moves = past.fine("history", "--segment", "rich", "--newest", "--json").lines
    assert [(each["user_id"], each["move"], each["cause"], each["effective_time"]) for each in moves] == [
        ("ada", "LEFT", "ATTRIBUTE", "2026-01-02T12:00:00Z"),
        ("ada", "ENTERED", "ATTRIBUTE", "2026-01-01T12:00:00Z"),
    ]
    assert past.fine("history", "--segment", "rich", "--newest", "--limit", "1", "--json").lines == moves[:1]
    assert past.fine("history", "--user", "ada", "--to", "2026-01-01T06:00:00Z").out == "nobody moved\n"
    assert (
        past.fine("history", "--user", "ada", "--from", "2026-01-02T00:00:00Z", "--segment", "rich").out.count("\n")
        == 2
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --user, --segment or both"),
        (["--user", "ada", "--from", "yesterday"], "--from: 'yesterday' is not an instant"),
        (["--user", "ada", "--to", "2026-01-01"], "--to: '2026-01-01' has no offset"),
    ],
)
def test_history_says_what_is_missing(past: Commands, arguments: list[str], words: str) -> None:
    outcome = past("history", *arguments)
    assert outcome.code == 2
    assert words in outcome.err


@pytest.mark.parametrize(
    ("user", "at", "sentence"),
    [
        (
            "ada",
            "2026-01-02T00:00:00Z",
            f"was a member of rich at {{}}, since {RICH}, until {POOR}",
        ),
        (
            "ada",
            "2026-01-02T12:00:00Z",
            f"was not a member of rich at {{}}, since {POOR}, and has not been since",
        ),
        ("bob", "2026-01-02T00:00:00Z", "was not a member of rich at {}, and has not been since"),
        ("bob", "2026-01-01T06:00:00Z", "was not a member of rich at {}: nothing was known about this user yet"),
        ("ada", "2025-01-01T00:00:00Z", "was not a member of rich at {}: there was no such segment yet"),
    ],
)
def test_was_is_one_sentence(past: Commands, user: str, at: str, sentence: str) -> None:
    out = past.fine("was", user, "rich", "--at", at).out
    assert out.removesuffix("\n").removesuffix(" (version 1)") == f"{user} {sentence.format(at)}"


def test_was_as_json(past: Commands) -> None:
    found = past.fine("was", "ada", "rich", "--at", "2026-01-02T00:00:00Z", "--json").json
    assert (found["membership"], found["since_time"], found["until_time"]) == (
        "MEMBER",
        "2026-01-01T12:00:00Z",
        "2026-01-02T12:00:00Z",
    )
    assert "and is as yet" in past.fine("was", "bob", "poor$ $", "--at", "2026-01-02T00:00:00Z").out
    assert past("was", "ada", "rich", "--at", "2030-01-01T00:00:00Z").err.endswith("(INVALID_REQUEST)\n")
    assert past("was", "nobody", "rich", "--at", START).err.endswith("(USER_NOT_FOUND)\n")


PERIOD = ("--from", "2026-01-01T12:00:00Z", "--to", "2026-01-03T00:00:00Z")


def test_migration_is_a_table(past: Commands) -> None:
    out = past.fine("migration", "rich", "poor$ $", *PERIOD).out
    rows = [line.split() for line in out.splitlines()]
    assert rows[2] == ["rich", "0", "0%", "1", "100%", "0", "0%", "1"]
    assert rows[3][:2] == ["poor$", "$"]
    assert "users where they were: 1; moved: 1; in none of the segments at both instants: 0" in out
    found = past.fine("migration", "rich", "poor$ $", *PERIOD, "--json").json
    assert [row["counts"] for row in found["rows"]] == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert past("migration", "rich", *PERIOD[2:], "--from", "2027-01-01T00:00:00Z").code == 1


@pytest.mark.parametrize("name", ["matrix.png", "matrix.svg"])
def test_migration_draws_an_image(past: Commands, tmp_path: Path, name: str) -> None:
    pytest.importorskip("matplotlib")
    past.fine("migration", "rich", "poor$ $", *PERIOD, "--image", name)
    assert len((tmp_path / name).read_bytes()) > 5_000
    for bad in ("nowhere/matrix.png", "matrix.txt"):
        outcome = past("migration", "rich", *PERIOD, "--image", bad)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("error: --image: ")


def test_without_matplotlib_it_says_how_to_get_it(past: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *more: Any, **fields: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *more, **fields)

    monkeypatch.setattr(builtins, "__import__", missing)
    outcome = past("migration", "rich", *PERIOD, "--image", "matrix.png")
    assert outcome.code == 1
    assert "pip install 'segmentd[plots]'" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("history", "--user", "ada", "--limit", "9" * 30),
        ("restore", "vip", "9" * 30),
        ("webhooks", "replay", "crm", "9" * 30),
        ("webhooks", "discard", "crm", "1", "9" * 30),
        ("watch", "--count", "9" * 30),
    ],
)
def test_numbers_without_end_are_wrong_usage(segmentd: Commands, arguments: tuple[str, ...]) -> None:
    outcome = segmentd(*arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
