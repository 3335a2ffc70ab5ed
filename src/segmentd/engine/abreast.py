"""Several stretches of rows judged at once, on threads of their own: NumPy works without the interpreter's lock.

The one who asks judges too, so that one thread is none more. A server keeps a core free for the requests that it
answers meanwhile; before it serves, at a start, nobody needs one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.plan import Plan


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spare_cores() -> int:
    """All but one of them, one at least."""
    return max(1, cores() - 1)


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


def _judge(judging: Pass, plans: Iterable[Plan]) -> None:
    for plan in plans:
        try:
            judging.verdict(plan)
        except EvaluationFailed:
            continue  # raised again where the verdict is asked for


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), thread_name_prefix="segmentd-judging")
