"""A server in a process of its own: started, asked for its address, CPU time and memory, and stopped. Linux only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
STOPPING_SECONDS = 300
"""A server with millions of users writes its snapshot when it stops."""


class ServerProcess:
    """A process whose first line is a JSON object that says where it is `listening`."""

    def __init__(self, process: subprocess.Popen[str], started: float) -> None:
        line = next(process.stdout or iter(()), "")
        self.start_seconds = time.perf_counter() - started
        if not line:
            raise SystemExit(f"the server ended with {process.wait()}")
        self.address = str(json.loads(line)["listening"])
        self.pid = process.pid

    def cpu_seconds(self) -> float:
        """User and system time so far of the first process, all threads; its resolution is a clock tick (10 ms)."""
        return _cpu_seconds(self.pid)

    def worker_cpu_seconds(self) -> float:
        """The same of the processes that it started, added up; where there are none, its own."""
        workers = self.workers()
        return sum(map(_cpu_seconds, workers)) if workers else self.cpu_seconds()

    def workers(self) -> list[int]:
        """The processes that it started and that are alive."""
        listed = Path(f"/proc/{self.pid}/task").glob("*/children")
        return sorted(int(pid) for children in listed for pid in children.read_text().split())

    def peak_mib(self) -> float:
        """The most memory that was resident so far, in MiB."""
        return self._status("VmHWM") / 1024

    def resident_mib(self) -> float:
        """The memory of its own that is resident now, in MiB; mapped files apart."""
        return self._status("RssAnon") / 1024

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@contextmanager
def running(*arguments: str) -> Iterator[ServerProcess]:
    """Run Python with these arguments until the end of the block, then SIGTERM."""
    command = (sys.executable, "-u", *arguments)
    quiet = os.environ | {"SEGMENTD_LOG_LEVEL": "warning"}
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=quiet)  # noqa: S603  (nothing from outside)
    try:
        yield ServerProcess(process, started)
    finally:
        process.terminate()
        process.communicate(timeout=STOPPING_SECONDS)


@contextmanager
def serving(database: Path, *, workers: int = 0, clock: str = "") -> Iterator[ServerProcess]:
    """`segmentd serve` on a free port; `clock` is the instant of a frozen one."""
    arguments = ["-m", "segmentd", "serve", "--json", "--listen", "127.0.0.1:0", "--db", str(database)]
    arguments += ["--workers", str(workers)] if workers else []
    arguments += ["--clock", clock] if clock else []
    with running(*arguments) as server:
        yield server
