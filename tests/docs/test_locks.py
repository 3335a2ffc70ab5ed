"""The locks name every dependency, with hashes, and nothing of the machine that made them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("runtime", "dev")


def lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pins(name: str) -> dict[str, set[str]]:
    """Package → its pinned versions (several where they differ between platforms)."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ]+)", lock(name), re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        content: dict[str, Any] = tomllib.load(file)["project"]
    return content


def names(requirements: list[str]) -> set[str]:
    """The normalised package names (PEP 503) of requirement texts."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", text, maxsplit=1)[0]).lower() for text in requirements}


def test_every_dependency_is_locked() -> None:
    extras = project()["optional-dependencies"]
    assert names(project()["dependencies"]) <= pins("runtime").keys()
    assert names(project()["dependencies"] + extras["dev"] + extras["import"]) <= pins("dev").keys()


def test_both_locks_agree() -> None:
    dev = pins("dev")
    assert {package: dev.get(package) for package in pins("runtime")} == pins("runtime")


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name: str) -> None:
    for entry in re.split(r"\n(?=\S)", lock(name).strip()):
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry_and_no_path(name: str) -> None:
    assert not re.search(r"://|file:|--index|--find-links|(?<!\S)[./]", lock(name))
