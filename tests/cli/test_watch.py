"""`segmentd watch`: moves for people and for scripts, from anywhere on, until Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.running import Commands

POSITION = r"position: ([A-Za-z0-9_-]{40})\n"


def watched(segmentd: Commands, *arguments: str) -> tuple[list[str], str]:
    """The lines of a watch that ends by itself, and the position at its end."""
    outcome = segmentd("watch", *arguments)
    assert outcome.code == 0, outcome
    found = re.fullmatch(POSITION, outcome.err)
    assert found, outcome.err
    return outcome.out.splitlines(), found[1]


def test_moves_are_one_line_each(shop: Commands) -> None:
    lines, _ = watched(shop, "--from-start", "--count", "3", "--segment", "vip", "--segment", "spenders")
    assert [line.split()[1:5] for line in lines] == [
        ["+", "entered", "always", "vip"],
        ["+", "entered", "ada", "spenders"],
        ["+", "entered", "ada", "vip"],
    ]
    shown = r"\d\d:\d\d:\d\d  \+ entered  ada +spenders +at 2026-01-01T00:00:00\.\d{6}Z  by event import-\w+"
    assert re.fullmatch(shown, lines[1])


def test_a_watch_goes_on_from_a_position(shop: Commands) -> None:
    first, position = watched(shop, "--from-start", "--count", "1")
    rest, _ = watched(shop, "--position", position, "--count", "2")
    whole, end = watched(shop, "--from-start", "--count", "3")
    assert first + rest == whole
    assert end != position


def test_json_has_a_document_for_each_part(shop: Commands) -> None:
    outcome = shop("watch", "--from-start", "--user", "ada", "--segment", "spenders", "--count", "1", "--json")
    checkpoint, move = outcome.lines
    assert (checkpoint["part"], checkpoint["revision"]) == ("checkpoint", 0)
    assert {name: move[name] for name in ("part", "move", "user_id", "segment_id", "cause")} == {
        "part": "transition",
        "move": "ENTERED",
        "user_id": "ada",
        "segment_id": "spenders",
        "cause": "EVENT",
    }
    assert f"position: {move['position']}\n" == outcome.err


def test_only_one_beginning(segmentd: Commands) -> None:
    outcome = segmentd("watch", "--snapshot", "--from-start")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--snapshot, --from-start and --position" in outcome.err


def test_what_is_refused_is_one_line(shop: Commands) -> None:
    assert "there is no segment 'nowhere' (SEGMENT_NOT_FOUND)" in shop("watch", "--segment", "nowhere").err
    bad = shop("watch", "--position", "x")
    assert "(POSITION_INVALID)" in bad.err
    assert "position: x" not in bad.err
    empty = shop("watch", "--position", "")
    assert (empty.code, empty.err) == (2, "error: --position is empty; without it the watch begins now\n")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(shop: Commands, tmp_path: Path, end: signal.Signals) -> None:
    """With the members first, then a move that is made while it runs."""
    command = (sys.executable, "-m", "segmentd", "watch", "--snapshot", "--segment", "vip", "--server", shop.server)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    with process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(3)]
        assert sorted(line.split()[2] for line in first[:2]) == ["ada", "always"]
        assert first[2].startswith("these were the members at 2026-01-01T00:00:00")
        (tmp_path / "more.jsonl").write_text('{"userId": "ada", "traits": {"points": 1}}\n')
        shop.fine("import", "profiles", "more.jsonl")
        assert "- left     ada" in process.stdout.readline()
        process.send_signal(end)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert re.fullmatch(POSITION, err)
