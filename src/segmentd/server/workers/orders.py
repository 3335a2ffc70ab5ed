"""What a worker is told when it is started, and what it says when it has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import orjson

DRAIN: Final = b"drain\n"
"""Take no new calls and end when those under way have ended."""
HURRY: Final = b"hurry\n"
"""End the calls that a drain waits for."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Where worker `number` listens (a reserved address), and where the engine is.

    `mapped` is the directory of the mapped memberships; `tallies` is the file of counters; `grace` is in seconds.
    """

    number: int
    listen: str
    engine: str
    mapped: str
    tallies: str
    grace: float
    log_level: str

    def line(self) -> bytes:
        """As one line of JSON."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Orders:
        """From its line."""
        return cls(**orjson.loads(line))


@dataclass(frozen=True, slots=True)
class Report:
    """The one line that a worker writes: that it listens, or why it cannot."""

    error: str = ""

    def line(self) -> bytes:
        """As one line of JSON."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Report:
        """From its line; the error says so where a worker ended without one."""
        return cls(**orjson.loads(line)) if line.endswith(b"\n") else cls("it ended before it listened")
