"""Turns in which the host takes the CPU from this virtual machine are taken again: that tail is none of a server's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")
TRIES: Final = 6
ALLOWED: Final = 0.01
"""Of the time of all cores."""
_STOLEN: Final = 8
"""The place of stolen time in the first line of /proc/stat (proc(5)), in clock ticks of all cores."""


def undisturbed(measure: Callable[[], T]) -> T:
    """What `measure` gives in the first turn in which little was stolen, or else in the one with the least."""
    turns = []
    for _ in range(TRIES):
        before, began = stolen_seconds(), time.perf_counter()
        found = measure()
        share = (stolen_seconds() - before) / (time.perf_counter() - began) / (os.cpu_count() or 1)
        turns.append((share, found))
        if share <= ALLOWED:
            break
    return min(turns, key=lambda turn: turn[0])[1]


def stolen_seconds() -> float:
    """Seconds of CPU that the host gave to others, of all cores, since the start of this machine. Linux only."""
    return int(Path("/proc/stat").read_text().split(maxsplit=_STOLEN + 1)[_STOLEN]) / os.sysconf("SC_CLK_TCK")
