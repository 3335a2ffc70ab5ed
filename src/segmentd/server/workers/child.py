"""One worker as its parent sees it: a process, a pipe to it, and the line that it writes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator

from segmentd.server.signals import STOPPING
from segmentd.server.workers.orders import Orders, Report


class Child:
    """To be made by `spawn`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.ready = False

    @classmethod
    async def spawn(cls, orders: Orders) -> Child:
        """Start a fresh interpreter. One at a time, for meanwhile this thread hears of no signal. Raises OSError."""
        # It finds what this process has found, and nothing more in the directory it happens to stand in.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with _signals_held():
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "segmentd.server.workers", stdin=PIPE, stdout=PIPE, env=environment
            )
        child = cls(process)
        child.tell(orders.line())
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def tell(self, line: bytes) -> None:
        """Write a line to it; nothing where it has ended."""
        pipe = self._process.stdin
        if pipe is not None and not pipe.is_closing():
            pipe.write(line)

    async def report(self) -> Report:
        """What it says once it listens, or cannot."""
        assert self._process.stdout is not None  # noqa: S101  (it is a pipe)
        report = Report.read(await self._process.stdout.readline())
        self.ready = not report.error
        return report

    async def ended(self) -> int:
        """Its exit code; negative: the signal that killed it."""
        return await self._process.wait()

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """A process started inside of the block hears of a signal when it is able to: once it unblocks them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
