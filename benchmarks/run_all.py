"""Runs the benchmarks one after another, at a reduced size or at all sizes, and keeps their figures in a file.

python benchmarks/run_all.py --out build/bench.jsonl
python benchmarks/run_all.py --sizes 10000,100000,1000000,10000000 --out build/bench-full.jsonl
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from figures import CACHE

FOLDER = Path(__file__).parent
EVENTS_A_USER = 10
SEEDED = ("check", "check_latency", "batch", "local_mode", "start", "memory", "visible", "ingest")
"""Those that take a seeded database, and so many users, events and segments."""
BY_SEGMENTS = ("check", "check_latency", "batch", "start", "memory", "one_user")
SEGMENTS = (1, 1_000)
"""Beside a hundred, at one size."""
LARGEST = {"memory": 1_000_000, "wave": 1_000_000, "ingest": 1_000_000, "visible": 1_000_000}
"""More users than these take a disk or a time that shows nothing new; `growth` has the others."""
AT_SEGMENTS = 1_000_000
Command = tuple[str, list[str]]
"""A benchmark and its options."""


def every() -> list[str]:
    """The names of all benchmarks."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def full(sizes: list[int]) -> Iterator[Command]:
    """Each at each size, then with other numbers of segments, then those that have sizes of their own."""
    for users in sizes:
        events = EVENTS_A_USER * users
        data = ["--users", str(users), "--events", str(events)]
        for name in (*SEEDED, "judge"):
            if users <= LARGEST.get(name, users):
                yield name, data
        if users <= LARGEST["wave"]:
            yield "wave", ["--users", str(users)]
    users = min(AT_SEGMENTS, max(sizes))
    for segments in SEGMENTS:
        for name in BY_SEGMENTS:
            data = [] if name == "one_user" else ["--users", str(users), "--events", str(EVENTS_A_USER * users)]
            # A batch asks about 64 segments, and there is but one where there is one.
            if name != "batch" or segments >= 64:
                yield name, [*data, "--segments", str(segments)]
    yield "growth", ["--smallest", str(min(sizes)), "--largest", str(max(sizes))]
    for name in set(every()) - {*SEEDED, "judge", "wave", "growth"}:
        yield name, []


def figures_of(name: str, options: list[str]) -> Iterator[str]:
    """The lines that a benchmark prints, as they come. Raises CalledProcessError where it fails."""
    command = [sys.executable, str(FOLDER / f"bench_{name}.py"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  (nothing from outside)
        yield from process.stdout or ()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def commit() -> str:
    """Of the working copy, with a + where it has changes; empty outside of one."""
    command = ["git", "-C", str(FOLDER), "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603  (constant)


def run(commands: list[Command], out: Path | None) -> int:
    """How many benchmarks failed. Each line goes to stdout, and with the commit and the instant to `out`."""
    failed, about = 0, {"commit": commit()}
    for name, options in commands:
        began = time.monotonic()
        try:
            for line in figures_of(name, options):
                print(line, end="", flush=True)
                if out is not None:
                    told = {**json.loads(line), **about, "time": datetime.now(UTC).isoformat(timespec="seconds")}
                    with out.open("a") as file:
                        file.write(json.dumps(told, ensure_ascii=False) + "\n")
        except subprocess.CalledProcessError as error:
            failed += 1
            print(f"{name} failed with {error.returncode}: {' '.join(options)}", file=sys.stderr, flush=True)
        print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", help="numbers of users, with commas between; without it a reduced size")
    parser.add_argument("--only", help="names of benchmarks, with commas between, such as check,judge")
    parser.add_argument("--out", type=Path, help="a file to which the figures are added, one JSON object a line")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where seeded databases stay (default %(default)s)")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")] if given.sizes else []
    commands = list(full(sizes)) if sizes else [(name, []) for name in every()]
    chosen = set(given.only.split(",")) if given.only else set(every())
    if chosen - set(every()):
        parser.error(f"there is no benchmark {', '.join(sorted(chosen - set(every())))}")
    if given.out is not None:
        given.out.parent.mkdir(parents=True, exist_ok=True)
    cached = ["--cache", str(given.cache)]
    return 1 if run([(name, [*options, *cached]) for name, options in commands if name in chosen], given.out) else 0


if __name__ == "__main__":
    sys.exit(main())
