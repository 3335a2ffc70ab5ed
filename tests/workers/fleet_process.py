"""`segmentd serve --workers` as a process, its workers, and its two doors: the public port and the engine's socket."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio

from segmentd.server.workers.tallies import FORWARDED, Tallies

COMMAND = (sys.executable, "-m", "segmentd", "serve", "--json", "--listen", "127.0.0.1:0")
FRESH = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1))
"""Options of a channel with a connection of its own."""


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test in a fresh event loop; a process takes its time to start, but one that hangs fails."""
    asyncio.run(asyncio.wait_for(test, 120))


@dataclass
class FleetProcess:
    """A running server; `address` is the public one."""

    child: asyncio.subprocess.Process
    address: str
    database: Path

    @property
    def engine(self) -> str:
        """Where workers find the engine."""
        return f"unix:{self.database}.workers/engine.sock"

    @property
    def workers(self) -> set[int]:
        """The process ids of those that are there."""
        return set(children(self.child.pid))

    @property
    def forwarded(self) -> int:
        """How many calls workers have handed to the engine so far."""
        tallies = Tallies(Path(f"{self.database}.workers/tallies"))
        return sum(tallies.of(number)[FORWARDED] for number in range(2))

    def channel(self) -> grpc.aio.Channel:
        """A new connection, so to any of the workers."""
        return grpc.aio.insecure_channel(self.address, options=FRESH)


@asynccontextmanager
async def fleet(
    database: Path, *options: str, workers: int = 2, within: tuple[str, ...] = ()
) -> AsyncIterator[FleetProcess]:
    """A server in a process group of its own; killed at the end of the block if it still runs.

    `within` are words that come before its command.
    """
    command = (*within, *COMMAND, "--db", str(database), "--workers", str(workers), *options)
    quiet = os.environ | {"SEGMENTD_DRAIN_GRACE": "20"}
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=quiet, start_new_session=True
    )
    assert child.stdout is not None
    line = await child.stdout.readline()
    assert line, await said(child)
    try:
        yield FleetProcess(child, json.loads(line)["listening"], database)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def said(child: asyncio.subprocess.Process) -> str:
    """All that a process that has ended wrote on stderr."""
    assert child.stderr is not None
    return (await child.stderr.read()).decode()


def children(pid: int) -> list[int]:
    """The processes that a process has started; none where it is gone."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        found = [task.joinpath("children").read_text().split() for task in tasks]
    except OSError:
        return []
    return [int(each) for some in found for each in some]


def is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and is only not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(holds: Callable[[], bool]) -> None:
    """Returns once the condition holds; looks often, and whoever runs the test bounds the time."""
    while not holds():  # noqa: ASYNC110  # what another process does is no event of this loop
        await asyncio.sleep(0.005)
