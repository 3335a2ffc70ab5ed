"""segmentd in a process of its own, in pounds, and commands that call it.

Nothing that is run here comes from outside, hence the exceptions from S603.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from segmentd.client import Client

SEGMENTD = (sys.executable, "-u", "-m", "segmentd")


class RetailServer:
    """`with RetailServer(database, clock) as server`: serves until the end of the block, then takes SIGTERM."""

    def __init__(self, database: Path, clock: str) -> None:
        self.address = ""
        where = ("--listen", "127.0.0.1:0", "--db", str(database))
        self._command = (*SEGMENTD, "serve", "--json", *where, "--clock", clock)

    def __enter__(self) -> RetailServer:
        environment = {**os.environ, "SEGMENTD_BASE_CURRENCY": "GBP"}
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, env=environment, text=True)  # noqa: S603
        line = next(self._process.stdout or iter(()), "")
        if not line:
            raise SystemExit(f"the server ended with {self._process.wait()}")
        self.address = json.loads(line)["listening"]
        return self

    def client(self) -> Client:
        """A client of the server; a day may have many deadlines."""
        return Client(self.address, timeout=600)

    def run(self, *arguments: str) -> None:
        """A command that prints for people. Ends the program where it fails."""
        command = (*SEGMENTD, *arguments, "--server", self.address)
        if code := subprocess.run(command, check=False).returncode:  # noqa: S603
            raise SystemExit(f"segmentd {arguments[0]} ended with {code}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        if self._process.stdout:
            self._process.stdout.close()
        if code and kind is None:
            raise SystemExit(f"the server ended with {code}")
