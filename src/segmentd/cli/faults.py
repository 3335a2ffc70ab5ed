"""What can go wrong in a command, before it is turned into lines on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SIGNALLED: Final = 130
"""The exit code of a command that Ctrl-C ended, as shells have it; typer returns it too."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a file: where it is, and what is wrong. Every part but the message may be empty."""

    message: str
    path: str = ""
    segment: str = ""
    line: int = 0

    def text(self, file: str) -> str:
        """One line for people (`segments.yaml:12: segment at-risk: rule.all[0]: …`)."""
        place = f"{file}:{self.line}" if self.line else file
        parts = [place, f"segment {self.segment}" if self.segment else "", self.path, self.message]
        return ": ".join(part for part in parts if part)


class CommandFailed(Exception):
    """The command cannot do what it was asked for; each line is one reason. `exit_code` is 2 for wrong usage."""

    def __init__(self, lines: str | Sequence[str], exit_code: int = 1) -> None:
        self.lines = [lines] if isinstance(lines, str) else list(lines)
        super().__init__("; ".join(self.lines))
        self.exit_code = exit_code


class FileFaults(CommandFailed):
    """A file was read and is wrong; nothing was done."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        super().__init__([fault.text(file) for fault in faults])
