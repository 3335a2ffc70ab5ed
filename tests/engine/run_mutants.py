"""Plants each fault of mutants.py in a copy of the sources and runs the engine's tests: `make mutants`.

Exit code 0 only where the tests pass without a fault and notice every single one. A part of a reason as argument
runs those mutants alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.engine.mutant import Mutant  # noqa: E402  (found by the line above)
from tests.engine.mutants import MUTANTS  # noqa: E402
from tests.movement.mutants import MUTANTS as MOVEMENT_MUTANTS  # noqa: E402

HISTORIES = "200"
ENGINE = (
    "engine/test_instants.py",
    "engine/test_stops.py",
    "engine/test_edits.py",
    "engine/test_failures.py",
    "engine/test_full_disk.py",
    "engine/test_recovering.py",
    "engine/test_models.py",
    "engine/test_writes.py",
    "engine/test_engine_thread.py",
    "engine/test_one_by_one.py",
    "engine/test_histories.py",
)
MOVEMENT = (
    "movement/test_waves.py",
    "movement/test_seams.py",
    "service/test_segment_edits.py",
    "service/test_merging.py",
    "service/test_log_kept.py",
    "storage/test_log_compaction.py",
    "storage/test_log_streams.py",
    "movement/test_movement.py",
)
"""The directed ones first: they are quick."""
SUITES = (
    (tuple(f"tests/{name}" for name in ENGINE), MUTANTS),
    (tuple(f"tests/{name}" for name in MOVEMENT), MOVEMENT_MUTANTS),
)
"""Tests, and the faults that they have to notice."""
PATIENCE = 3
"""Times what the tests take without a fault: after so long a mutant made the engine go round, and is caught."""


def main() -> int:
    """Run all mutants, print the survivors."""
    count, survivors = 0, []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("src", "plugins", "tests", "pyproject.toml"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                shutil.copy(source, copy / name)
        for tests, mutants in SUITES:
            wanted = [each for each in mutants if not sys.argv[1:] or any(part in each.why for part in sys.argv[1:])]
            count += len(wanted)
            if not wanted:
                continue
            begun = time.monotonic()
            if not _passes(copy, tests):
                print("the tests fail without any fault")
                return 1
            patience = PATIENCE * (time.monotonic() - begun)
            survivors += [mutant for mutant in wanted if not _caught(copy, mutant, tests, patience)]
    for mutant in survivors:
        print(f"SURVIVED  {mutant.file}: {mutant.why}\n    {mutant.planted}")
    print(f"{count - len(survivors)} of {count} mutants caught")
    return 1 if survivors else 0


def _caught(copy: Path, mutant: Mutant, tests: Sequence[str], patience: float) -> bool:
    file = copy / "src" / "segmentd" / mutant.file
    text = file.read_text(encoding="utf-8")
    assert text.count(mutant.original) == 1, mutant
    try:
        file.write_text(text.replace(mutant.original, mutant.planted), encoding="utf-8")
        caught = not _passes(copy, tests, patience)
    finally:
        file.write_text(text, encoding="utf-8")
    print(f"{'caught   ' if caught else 'SURVIVED '} {mutant.file}: {mutant.why}", flush=True)
    return caught


def _passes(copy: Path, tests: Sequence[str], patience: float | None = None) -> bool:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{copy / 'src'}{os.pathsep}{copy / 'plugins'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_PROFILE": "ci",
        "SEGMENTD_HISTORIES": HISTORIES,
        "SEGMENTD_NO_SHRINKING": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
