"""The README names every command, and no command or option that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from segmentd.cli.app import app
from segmentd.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its full name (`clock advance`)."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.params:  # it does something without one of its commands
                yield before + name, command
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name, command


COMMANDS = dict(commands(typer.main.get_command(app)))
OPTIONS = {
    name: {option for parameter in command.params for option in parameter.opts} for name, command in COMMANDS.items()
}


def command_of(text: str) -> str | None:
    words = text.split()[1:]
    return next((name for name in (" ".join(words[:2]), " ".join(words[:1])) if name in COMMANDS), None)


def test_the_table_has_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {command_of(line) for line in re.findall(r"^\| `(segmentd [^`]+)`", readme, re.MULTILINE)}
    assert named == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page: Path) -> None:
    content = page.read_text(encoding="utf-8")
    lines = [line for language, block in BLOCK.findall(content) if language == "sh" for line in block.splitlines()]
    spans = re.findall(r"`([^`\n]+)`", BLOCK.sub("", content))
    for text in (each for each in (*lines, *spans) if re.match(r"segmentd [a-z]", each)):
        name = command_of(text)
        assert name, f"{page.name}: {text}"
        assert set(re.findall(r"(?<!\S)--[a-z-]+", text)) <= OPTIONS[name], f"{page.name}: {text}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_is_named_exists(page: Path) -> None:
    known = set().union(*OPTIONS.values()) | {
        "--help",
        "--until",
        "--users",
        "--out",
        "--seed",
        "--smoke",
        "--activity",
    }
    quoted = re.findall(r"`(--[a-z-]+)", page.read_text(encoding="utf-8"))
    assert set(quoted) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_that_is_named_exists(page: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {f"{PREFIX}SERVER"}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", page.read_text(encoding="utf-8"))) - {PREFIX} <= known
