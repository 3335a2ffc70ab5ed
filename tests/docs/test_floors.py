"""Imports go down the floors: every contract of import-linter in pyproject.toml is kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_every_contract_is_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout
