"""The demo runs to its end without a terminal, tells the truth, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USERS = 400
MOMENT = r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\.?(\d*)Z\s+[✓✗] "


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The finished demo, and the folder that it had for its files."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "shop" / "demo.py"), "--users", str(USERS)],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    return done, folder


def test_it_ends_well_and_says_nothing_on_stderr(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert (run[0].returncode, run[0].stderr) == (0, "")


def test_it_tells_nine_numbered_steps(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert re.findall(r"^(\d)\. ", run[0].stdout, re.MULTILINE) == list("123456789")


def test_every_segment_of_the_file_has_a_size(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    wanted = re.findall(r"- id: (\S+)", (ROOT / "examples" / "shop" / "segments.yaml").read_text(encoding="utf-8"))
    sizes = dict(re.findall(r"^ +([a-z0-9-]+) .* (\d+)   █* ?\d+\.\d%", run[0].stdout, re.MULTILINE))
    assert sizes.keys() == set(wanted)
    assert all(0 < int(size) < USERS for size in sizes.values())


def test_the_user_leaves_exactly_one_microsecond_after_being_a_member(
    run: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    text = run[0].stdout
    still = re.search(MOMENT + "member +one microsecond before", text)
    gone = re.search(MOMENT + "not member", text[text.index("one microsecond before") :])
    assert still
    assert gone
    assert micros(still) + 1 == micros(gone)


def test_it_removes_its_files(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert list(run[1].iterdir()) == []


def micros(moment: re.Match[str]) -> int:
    """Microseconds of the day of the month's hour: enough to compare two neighbours."""
    hours, minutes, seconds = (int(part) for part in moment[1].split("T")[1].split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + int((moment[2] or "0").ljust(6, "0"))
