"""Several stretches of rows judged at once, on threads of their own: NumPy works without the interpreter's lock.

The one who asks judges too, so that one thread is none more. A server that judges for long keeps a core free for the
requests that it answers meanwhile; before it serves, at a start, nobody needs one. A question that takes milliseconds
is judged on all cores that are idle, with helpers to which the system prefers whatever else wants to run.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.plan import Plan
from segmentd.niceness import yield_to_others

T = TypeVar("T")
_LOW_PRIORITY: Final = 10
"""The niceness of helpers: beside a thread of the usual one they get a tenth of a core."""
_RUNNING: Final = Path("/proc/loadavg")
"""Its fourth field begins with the number of threads that run, or wait for a core."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spare_cores() -> int:
    """All but one of them, one at least."""
    return max(1, cores() - 1)


def idle_cores() -> int:
    """How many cores nothing runs on at this moment; all but this thread's where the system does not tell."""
    try:
        running = int(_RUNNING.read_text(encoding="ascii").split()[3].partition("/")[0])  # this thread is one of them
    except (OSError, ValueError, IndexError):
        running = 1
    return max(0, cores() - running)


def stretches(start: int, stop: int, number: int) -> list[tuple[int, int]]:
    """At most `number` stretches, of about the same length, of the rows from `start` to before `stop`."""
    size = max(1, -(-(stop - start) // number))
    return [(begin, min(begin + size, stop)) for begin in range(start, stop, size)]


def judge_abreast(passes: Sequence[Pass], plans: Iterable[Plan]) -> None:
    """Judge the plans in each pass, which keeps the verdicts and what failed; one pass a thread."""
    plans = list(plans)
    if len(passes) > 1:
        waiting = [_pool().submit(_judge, each, plans) for each in passes[1:]]
        _judge(passes[0], plans)
        for each in waiting:
            each.result()


def each_stretch(judge: Callable[[int, int], T], rows: int, length: int) -> list[T]:
    """What `judge` gives for stretches of at most so many of the rows from 0 on, in their order, on all idle cores.

    Whoever is done takes the next stretch, so a helper that loses its core holds up one of them at most. Raises what
    `judge` raises.
    """
    bounds = stretches(0, rows, -(-rows // length)) if rows else []
    waiting, found = deque(enumerate(bounds)), dict[int, T]()

    def work() -> None:
        while waiting:
            try:
                place, (start, stop) = waiting.popleft()
            except IndexError:  # somebody else took the last one
                return
            found[place] = judge(start, stop)

    helpers = [_helpers().submit(work) for _ in range(min(idle_cores(), len(bounds) - 1))]
    try:
        work()
    finally:
        waiting.clear()
        for each in helpers:
            if not each.cancel():
                each.result()
    return [found[place] for place in range(len(bounds))]


def _judge(judging: Pass, plans: Iterable[Plan]) -> None:
    for plan in plans:
        try:
            judging.verdict(plan)
        except EvaluationFailed:
            continue  # raised again where the verdict is asked for


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), thread_name_prefix="segmentd-judging")


@cache
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        cores(), thread_name_prefix="segmentd-helping", initializer=yield_to_others, initargs=(_LOW_PRIORITY,)
    )
