"""How commands end that cannot go on: closed pipes, full disks, Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.running import Commands

from segmentd.cli.importing.lanes import Lanes
from segmentd.client import Client


def process(shop: Commands, shell: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which $S is the program and its server is known."""
    environment = {"S": f"{sys.executable} -m segmentd", "SEGMENTD_SERVER": shop.server}
    return subprocess.run(["sh", "-c", shell], env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", ["members vip", "status --json", "segments"])
def test_a_reader_that_has_enough_is_no_news(shop: Commands, command: str) -> None:
    ended = process(shop, f"{{ $S {command}; echo code $? >&2; }} | true")
    assert ended.stderr == "code 1\n"


def test_a_closed_stdout_is_one_line(shop: Commands) -> None:
    ended = process(shop, "$S check ada vip >&-")
    assert (ended.returncode, ended.stderr) == (1, "error: stdout is closed\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_one_line(shop: Commands) -> None:
    ended = process(shop, "$S check ada vip > /dev/full")
    assert (ended.returncode, ended.stderr) == (1, "error: no space left on device\n")


def test_what_stdout_cannot_be_given_is_one_line(shop: Commands) -> None:
    ended = process(shop, "PYTHONIOENCODING=ascii $S check zoë vip")
    assert (ended.returncode, ended.stderr) == (1, r"error: '\xeb' cannot be written as ascii" + "\n")


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_is_one_line(shop: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "check", interrupt)
    outcome = shop("check", "ada", "vip")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "error: interrupted\n")


def test_ctrl_c_in_an_import_says_how_far_it_came(
    segmentd: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lanes, "finish", interrupt)
    (tmp_path / "profiles.jsonl").write_text('{"userId": "i1"}\nno JSON\n')
    outcome = segmentd("import", "profiles", "profiles.jsonl")
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err == "error: stopped after 1 row: interrupted; run it again: nothing is stored twice\n"


def test_a_question_that_nobody_answers_is_a_no(shop: Commands) -> None:
    ended = process(shop, "$S erase ada < /dev/null")
    assert ended.returncode == 1
    assert ended.stderr.endswith("error: aborted: nothing was done; a question can be answered in advance with --yes\n")
