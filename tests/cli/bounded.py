"""Processes that are waited for no longer than a bound, and then say where they stand."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def environment() -> dict[str, str]:
    """For a process of Python that is to be bounded."""
    return {**os.environ, "PYTHONFAULTHANDLER": "1"}


@contextmanager
def bounded(process: subprocess.Popen[Any], seconds: float = 120) -> Iterator[None]:
    """Where the block takes longer, the process writes the stacks of all its threads to its stderr and ends."""
    limit = threading.Timer(seconds, process.send_signal, (signal.SIGABRT,))
    limit.start()
    try:
        yield
    finally:
        limit.cancel()


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What a command of Python printed until its end, which comes in time."""
    with (
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment()
        ) as process,
        bounded(process),
    ):
        out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)
