"""`segmentd serve`: settings, clock and the segments file of a start."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
import uvloop

from segmentd.cli.apply import apply_file
from segmentd.cli.connection import connect
from segmentd.cli.definitions.applying import Edit
from segmentd.cli.definitions.segments_file import SegmentsFile, read_segments
from segmentd.cli.faults import SIGNALLED
from segmentd.cli.instants import typed_instant
from segmentd.cli.options import JsonOption
from segmentd.cli.output import error_line, note_line, show, show_json
from segmentd.server.serve import serve as run_server
from segmentd.server.signals import Stopped
from segmentd.settings import Settings
from segmentd.times import Clock, FrozenClock, WallClock, format_instant

_log = logging.getLogger(__name__)
SWITCH_SECONDS: Final = 0.001
"""How long the engine's thread waits for Python's lock while the loop has something to do.

It gives the lock up at each statement of SQLite; with Python's own 5 ms a write of many takes ten times as long then.
"""


def serve(
    db: Annotated[
        Path | None, typer.Option("--db", metavar="FILE", help="The database; made where it does not exist.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", metavar="N", min=0, max=256, help="Processes that answer checks; 0: the engine itself."
        ),
    ] = None,
    segments: Annotated[
        Path | None, typer.Option("--segments", metavar="FILE", help="A file of segments to apply at the start.")
    ] = None,
    clock: Annotated[
        str | None, typer.Option("--clock", metavar="INSTANT", help="Freeze the clock there; `clock advance` moves it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    What is not given here comes from the environment (SEGMENTD_DATABASE, SEGMENTD_LISTEN, …) or has its default.
    """
    given: dict[str, Any] = {"database": db, "listen": listen, "workers": workers}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    start = None if clock is None else typed_instant("--clock", clock)
    time: Clock = WallClock() if start is None else FrozenClock(start)
    file = read_segments(segments) if segments is not None else None
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for line in Settings.unknown(os.environ):
        _log.warning("%s", line)

    async def ready(address: str) -> None:
        if start is not None and time.now() > start:
            note_line(
                f"the clock stands at {format_instant(time.now())}, which the database has reached; --clock is earlier"
            )
        if file is not None:
            await asyncio.to_thread(_apply, address, file, as_json=as_json)
        # What was loaded mostly stays, so the collector need not walk through it again and again.
        gc.freeze()
        if as_json:
            show_json({"listening": address, "database": str(settings.database), "clock_frozen": time.frozen})
        else:
            show(f"segmentd listens on {address}, database {settings.database}")

    # uvloop spends a sixth less CPU on a check; but workers start with signals held back, and its children never do.
    run = asyncio.run if settings.workers else uvloop.run
    try:
        run(run_server(settings, time, ready))
    except Stopped as stopped:
        _end_at_once(stopped.number)


def _end_at_once(number: signal.Signals) -> NoReturn:
    """What is being loaded cannot be interrupted, and any other exit may wait for it; the database bears a kill."""
    if number == signal.SIGINT:
        error_line("interrupted")
        os._exit(SIGNALLED)
    _log.info("stopped before the server was there: %s", number.name)
    os._exit(0)


def _apply(address: str, file: SegmentsFile, *, as_json: bool) -> None:
    """Apply through the server's own front door, as anybody else would."""
    with connect(_reachable(address), timeout=600.0) as client:
        apply_file(client, file, Edit(note=f"from {file.name} at the start"), as_json=as_json)


def _reachable(address: str) -> str:
    """An address that stands for all of this machine's is called by the loopback."""
    for wildcard, loopback in (("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")):
        if address.startswith(wildcard):
            return loopback + address.removeprefix(wildcard)
    return address
