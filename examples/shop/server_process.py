"""segmentd in processes of its own: a server on a free port, and commands that call it.

Nothing that is run here comes from outside, hence the exceptions from S603.
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

# Unbuffered, so that the line that says where it listens comes at once.
SEGMENTD = (sys.executable, "-u", "-m", "segmentd")
STOP_SECONDS = 30
MOVE_SECONDS = 30


class ServerProcess:
    """`with ServerProcess(folder, clock) as server`: serves until the end of the block, then takes SIGTERM."""

    def __init__(self, folder: Path, clock: str) -> None:
        self.address = ""
        self._log = folder / "server.log"
        where = ("--listen", "127.0.0.1:0", "--db", str(folder / "shop.db"))
        self._command = (*SEGMENTD, "serve", "--json", *where, "--clock", clock)

    def __enter__(self) -> ServerProcess:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=log, text=True)  # noqa: S603
        line = next(self._process.stdout or iter(()), "")
        if not line:
            self._process.wait()
            raise SystemExit(f"the server did not start: {self._log.read_text()}")
        self.address = json.loads(line)["listening"]
        return self

    def run(self, *arguments: str) -> Any:
        """What a segmentd command answers, as JSON; its progress bar is shown. Ends the demo where it fails."""
        command = (*SEGMENTD, *arguments, "--json", "--server", self.address)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise SystemExit(f"segmentd {arguments[0]} ended with {done.returncode}")
        return json.loads(done.stdout)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        if code and kind is None:
            raise SystemExit(f"the server ended with {code}: {self._log.read_text()}")


class WatchProcess:
    """`with WatchProcess(server, user) as watch`: `segmentd watch` beside everything else, and what it prints."""

    def __init__(self, server: ServerProcess, user: str) -> None:
        watch = ("watch", "--snapshot", "--user", user, "--server", server.address)
        self._command = (*SEGMENTD, *watch)
        self._lines: queue.Queue[str] = queue.Queue()

    def __enter__(self) -> WatchProcess:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdout=pipe, stderr=subprocess.DEVNULL, text=True)  # noqa: S603
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        return self

    def until(self, *words: str) -> list[str]:
        """The lines printed since, up to the first that has all of these words. Ends the demo where none comes."""
        lines: list[str] = []
        while not lines or not all(word in lines[-1] for word in words):
            try:
                lines.append(self._lines.get(timeout=MOVE_SECONDS))
            except queue.Empty:
                raise SystemExit(f"segmentd watch did not say: {' '.join(words)}") from None
        return lines

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line.rstrip())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(STOP_SECONDS)
        self._reading.join(STOP_SECONDS)
        if self._process.stdout:
            self._process.stdout.close()
