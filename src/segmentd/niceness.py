"""What a thread may take of a core that others want too."""

from __future__ import annotations

import math
import os
import sys
import threading
from time import perf_counter
from typing import Final

TURN: Final = 0.0005
"""Seconds of work after which a thread that takes turns lets others go first. The system's own turns are some 4 ms."""


class _Turn(threading.local):
    """When the turn of this thread ends, by `perf_counter`; infinity where it takes none."""

    end = math.inf


_turn: Final = _Turn()


def yield_to_others(niceness: int) -> None:
    """Give this thread, and those that it starts from now on, a niceness: 0 is usual, at 19 all others go first.

    Nothing happens on other systems than Linux: there it would be the niceness of the whole process.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


def take_turns() -> None:
    """From now on this thread lets others have its core at each `give_way` that comes after the end of a turn.

    Nothing happens on other systems than Linux.
    """
    if sys.platform == "linux":
        _turn.end = 0.0


def give_way() -> None:
    """To be called in work that takes long, some hundred microseconds apart: does nothing in most threads."""
    if perf_counter() >= _turn.end:
        os.sched_yield()
        _turn.end = perf_counter() + TURN
