from __future__ import annotations

import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.cli.conftest import PROFILES, SEGMENTS
from tests.cli.running import Commands, serving

from segmentd.cli.app import run


def test_a_segments_file_is_applied_at_the_start_and_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "segments.yaml"
    file.write_text(SEGMENTS)
    with serving(tmp_path, "--segments", str(file)) as address:
        assert len(Commands(address, capsys).fine("segments", "--json").lines) == 2
    assert "plan: 3 to create" in (tmp_path / "printed.txt").read_text()
    with serving(tmp_path, "--segments", str(file)) as address:
        assert len(Commands(address, capsys).fine("segments", "--json").lines) == 2
    assert "3 unchanged" in (tmp_path / "printed.txt").read_text()


def test_a_clock_before_what_the_database_has_reached_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path) as address:
        commands = Commands(address, capsys)
        commands.fine("clock", "advance", "--to", "2026-03-01T00:00:00Z")
        (tmp_path / "profiles.jsonl").write_text(PROFILES)
        commands.fine("import", "profiles", tmp_path / "profiles.jsonl")
    assert "--clock" not in (tmp_path / "server.log").read_text()
    with serving(tmp_path) as address:
        assert Commands(address, capsys).fine("clock", "show").out == "2026-03-01T00:00:00Z (frozen)\n"
    note = "the clock stands at 2026-03-01T00:00:00Z, which the database has reached; --clock is earlier\n"
    assert (tmp_path / "server.log").read_text().count(note) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--clock", "yesterday"], 2, "--clock"),
        (["--listen", "nowhere"], 1, "is not HOST:PORT"),
        (["--listen", "a..b:1"], 1, "SEGMENTD_LISTEN: cannot listen on a..b:1"),
        (["--segments", "none.yaml"], 1, "none.yaml: no such file"),
        (["--db", "/nowhere/at/all.db"], 1, "STORAGE_FAILED"),
    ],
)
def test_a_server_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    command = [sys.executable, "-m", "segmentd", "serve", "--db", str(tmp_path / "x.db"), "--listen", "127.0.0.1:0"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.stderr
    assert words in done.stderr


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "segmentd", "serve", "--db", "x.db", "--listen", address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
    line = f"error: SEGMENTD_LISTEN: cannot listen on {address}: address already in use (INVALID_REQUEST)\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


def test_a_setting_at_fault_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SEGMENTD_CURRENCY_RATES", "EUR")
    assert run(["serve"]) == 1
    assert capsys.readouterr().err == "error: SEGMENTD_CURRENCY_RATES: 'EUR' is not CURRENCY=RATE, as in EUR=1.08\n"
    monkeypatch.delenv("SEGMENTD_CURRENCY_RATES")
    for words in ("nan", "inf"):
        monkeypatch.setenv("SEGMENTD_DRAIN_GRACE", words)
        assert run(["serve"]) == 1
        assert capsys.readouterr().err == "error: SEGMENTD_DRAIN_GRACE: must be a finite number\n"


def test_a_start_whose_segments_are_refused_ends(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("segments: [{id: a, rule: {nothing: {}}}]")
    command = [sys.executable, "-m", "segmentd", "serve", "--db", "x.db", "--listen", "127.0.0.1:0"]
    done = subprocess.run(
        [*command, "--segments", "bad.yaml"], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "error: bad.yaml:1: segment a: rule" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["chek"], 2, "chek"),
        (["check", "a"], 2, "SEGMENT"),
        (["check", "a", "b", "--server", "x y"], 2, "--server: 'x y' is not HOST:PORT"),
        (["check", "a", "b", "--server", "localhost:99999"], 2, "is not HOST:PORT"),
        (["check", "\udcff", "b", "--server", "127.0.0.1:1"], 2, r"user_id: '\udcff' is not Unicode text"),
        (["include", "\udcff", "b", "--server", "127.0.0.1:1"], 1, r"'\udcff' cannot be written as utf-8"),
        (["status", "--server", "127.0.0.1:1"], 1, "no server answers"),
        (["status", "--nonsense"], 2, "--nonsense"),
        (["serve", "--workers", "-1"], 2, "--workers"),
    ],
)
def test_wrong_usage_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert words in captured.err


@pytest.mark.parametrize("group", [[], ["clock"], ["import"]])
def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str], group: list[str]) -> None:
    assert run([*group, "--help"]) == 0
    shown = capsys.readouterr().out
    assert run(group) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == (shown, "")
    assert shown.count("\n") > 5


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"segmentd {version('segmentd')}\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for name in ("serve", "clock", "apply", "import", "check", "user", "members", "segments", "explain", "count"):
        assert f"  {name} " in out
    for name in ("types", "refit", "profile", "attributes", "status"):
        assert f"  {name} " in out
