"""`segmentd clock`: the frozen clock of a replay."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from segmentd.cli.connection import connect
from segmentd.cli.faults import CommandFailed
from segmentd.cli.instants import instant_text, typed_instant, typed_length
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from segmentd.cli.output import show, show_json
from segmentd.v1 import admin_service_pb2

# A replay may pass millions of deadlines on its way.
_TIMEOUT = 3_600.0


def advance(
    to: Annotated[str | None, typer.Option("--to", metavar="INSTANT", help="To 2026-11-21T10:00:00Z.")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="LENGTH", help="By 90s, 15m, 36h, 7d or 2w.")] = None,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Move a frozen clock; every membership that changes on the way changes at its own instant."""
    if (to is None) == (by is None):
        raise CommandFailed("give either --to or --by", exit_code=2)
    target = typed_instant("--to", to) if to is not None else None
    length = typed_length("--by", by) if by is not None else None
    with connect(server, _TIMEOUT) as client:
        answer = client.advance_clock_to(target) if target is not None else client.advance_clock_by(length or 0)
    if as_json:
        show_json(message_json(answer))
    else:
        show(f"the clock stands at {instant_text(answer.clock_time)}; {answer.transition_count:,} memberships changed")


def show_clock(as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Show where the server's clock stands."""
    with connect(server) as client:
        answer = client.status()
    if as_json:
        ahead = {"clock_ahead": answer.clock_ahead.ToJsonString()} if answer.HasField("clock_ahead") else {}
        show_json({"clock_time": instant_text(answer.clock_time), "clock_frozen": answer.clock_frozen, **ahead})
    else:
        show(f"{instant_text(answer.clock_time)} ({clock_words(answer)})")


def clock_words(answer: admin_service_pb2.GetStatusResponse) -> str:
    """What moves the clock."""
    if answer.clock_frozen:
        return "frozen"
    if answer.HasField("clock_ahead"):
        length = timedelta(seconds=answer.clock_ahead.seconds)
        return f"it waits for the wall clock, which is {length} behind what the database has reached"
    return "the wall clock"
