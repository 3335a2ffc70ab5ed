"""kill -9 at any moment: nothing acknowledged is missing, nothing is double, and memberships are right.

SEGMENTD_KILLS sets how often each kind of writing is killed and started again; 10 by default.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults import writer
from tests.faults.examination import examine, prepare

KILLS = int(os.environ.get("SEGMENTD_KILLS", "10"))
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("mode", "batch", "longest"), [("singles", 1, 300), ("batches", writer.BATCH, 12)])
def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, mode: str, batch: int, longest: int) -> None:
    path = tmp_path / "segmentd.db"
    prepare(path)
    draw = random.Random(mode)
    acknowledged: set[str] = set()
    for run in range(KILLS):
        again = sorted(acknowledged)[:: max(1, len(acknowledged) // 20)]
        lines = write_until_killed(path, mode, run, again, draw.randrange(longest))
        for line in lines:
            word, *rest = line.split()
            if word == "again":
                assert rest == ["1"] * len(again)
            else:
                acknowledged |= set(rest)
        examine(path, acknowledged, batch)
    assert len(acknowledged) >= KILLS


def write_until_killed(path: Path, mode: str, run: int, again: list[str], patience: int) -> list[str]:
    """What a writer printed before it was killed, in the midst of something, after so many lines."""
    command = [sys.executable, "-m", "tests.faults.writer", str(path), mode, f"run{run}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(" ".join(again) + "\n")
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(1 + patience)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [line for line in lines if line.endswith("\n")]
