"""Where commands write: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import orjson
from rich.console import Console, RenderableType
from rich.text import Text

_UNTRIMMED: Final = 1_000
"""The width of what is no terminal, so that nothing is cut off there."""


def show(*renderables: RenderableType) -> None:
    """Print for people."""
    console = Console(width=None if sys.stdout.isatty() else _UNTRIMMED, highlight=False, emoji=False)
    for renderable in renderables:
        if isinstance(renderable, str):
            # Text comes from users and files: brackets in it are no markup, and lines are left to the terminal.
            console.print(renderable, markup=False, soft_wrap=True)
        elif isinstance(renderable, Text):
            console.print(renderable, soft_wrap=True)
        else:
            console.print(renderable)


def counted(number: int, noun: str) -> str:
    """`1 user`, `2 users`, `10,000 users`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def show_json(value: Any) -> None:
    """Print one JSON document in one line, so that documents after one another are JSON Lines."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE).decode())
    sys.stdout.flush()  # whoever reads the other end of a pipe may wait for it, as for the address of a server


def show_json_lines(values: Iterable[Any]) -> None:
    """Print one JSON document a line, each as soon as it is there."""
    for value in values:
        show_json(value)


def finish_output() -> None:
    """Write what is still buffered for stdout. Raises OSError where that fails, and drops it."""
    try:
        sys.stdout.flush()
    except OSError:
        # Else Python would try, and complain, again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def error_line(text: str) -> None:
    """Print one line on stderr; line breaks and control characters inside of it become spaces."""
    with suppress(OSError):
        finish_output()
    line = "".join(character if character.isprintable() else " " for character in text)
    note_line(f"error: {line}")


def note_line(text: str) -> None:
    """Print one line on stderr that is no result; `text` has no line breaks."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def progress_console() -> Console:
    """The console of progress bars and of notes that are no result."""
    return Console(stderr=True, highlight=False, emoji=False)
