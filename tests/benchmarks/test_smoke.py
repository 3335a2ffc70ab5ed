"""Every benchmark runs at its smallest size, prints figures of the agreed form, and the page takes them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("bench_*.py"))
PEERS = ("duckdb", "flag_engine", "growthbook", "matplotlib", "polars", "psutil", "redis")
PROGRAMS = {"bench_batch": "redis-server", "bench_check_latency": "h2load"}
"""Benchmarks that have nothing to say without a program."""

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, PEERS)), reason="the extra `bench` is not installed (requirements/bench.txt)"
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the seeded databases of all benchmarks lie."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_prints_figures_beside_their_peers(name: str, cache: Path) -> None:
    done = run(f"{name}.py", "--smoke", "--cache", str(cache))
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    program = PROGRAMS.get(name)
    if program is not None and shutil.which(program) is None:
        assert (figures, program in done.stderr) == ([], True)
        return
    assert figures
    for figure in figures:
        assert {"name", "value", "unit", "peer", "peer_value", "ratio"} <= figure.keys()
        assert figure["value"] >= 0 or "judging" in figure["name"]  # that one is a difference


def test_a_missing_program_is_named_and_is_no_failure(cache: Path) -> None:
    done = run("bench_batch.py", "--smoke", "--cache", str(cache), path="/nowhere")
    assert (done.stdout, "install Debian's redis-server" in done.stderr) == ("", True)


def run(script: str, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ} if path is None else {**os.environ, "PATH": path}
    done = subprocess.run(
        [sys.executable, str(FOLDER / script), *arguments],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done
