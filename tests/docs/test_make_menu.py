"""The menu, the README and the gate name the same targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PHONY = set(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split())
MENU = dict(re.findall(r"^([a-z-]+):.*?## (.+)$", MAKEFILE, re.MULTILINE))


def test_every_target_is_on_the_menu() -> None:
    assert set(MENU) == PHONY


@pytest.mark.parametrize("target", sorted(MENU))
def test_a_target_is_described_in_one_short_line(target: str) -> None:
    assert 10 <= len(MENU[target]) <= 90


def test_the_readme_names_only_targets_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)(?=[`\s]*(?:$|[`#]))", readme, re.MULTILINE)) <= PHONY


def test_the_gate_runs_only_targets_that_exist() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    targets = re.findall(r"for target in (.*); do", gate)[0].split() + re.findall(
        r"^step ([a-z-]+)$", gate, re.MULTILINE
    )
    assert set(targets) <= PHONY
    assert targets[-1] == "test"


def test_the_node_client_calls_the_server_that_it_starts() -> None:
    """Whatever SEGMENTD_SERVER the shell exports."""
    calls = [line for line in MAKEFILE.splitlines() if "node client.mjs" in line]
    assert calls
    assert all("env -u SEGMENTD_SERVER " in line for line in calls)
