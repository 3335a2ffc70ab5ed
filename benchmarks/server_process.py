"""A server in a process of its own: started, asked for its address and its CPU time, and stopped. Linux only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ServerProcess:
    """A process whose first line is a JSON object that says where it is `listening`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        line = next(process.stdout or iter(()), "")
        if not line:
            raise SystemExit(f"the server ended with {process.wait()}")
        self.address = str(json.loads(line)["listening"])
        self._stat = Path(f"/proc/{process.pid}/stat")
        self._status = Path(f"/proc/{process.pid}/status")

    def cpu_seconds(self) -> float:
        """User and system time so far, of all threads; its resolution is a clock tick (10 ms)."""
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self) -> float:
        """The most memory that was resident so far, in MiB."""
        lines = self._status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


@contextmanager
def running(*arguments: str) -> Iterator[ServerProcess]:
    """Run Python with these arguments until the end of the block, then SIGTERM."""
    command = (sys.executable, "-u", *arguments)
    quiet = os.environ | {"SEGMENTD_LOG_LEVEL": "warning"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=quiet)  # noqa: S603  (nothing from outside)
    try:
        yield ServerProcess(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)
