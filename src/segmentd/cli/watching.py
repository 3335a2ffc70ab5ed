"""`segmentd watch`: moves as they happen."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer

from segmentd.cli import show_moves
from segmentd.cli.connection import connect
from segmentd.cli.faults import CommandFailed
from segmentd.cli.options import DEFAULT_SERVER, MOST, JsonOption, ServerOption
from segmentd.cli.output import note_line, show, show_json
from segmentd.client import Watch, position_of
from segmentd.v1 import membership_service_pb2 as questions


def watch(  # noqa: PLR0913  (one parameter for each option)
    segment: Annotated[
        list[str] | None, typer.Option("--segment", metavar="SEGMENT", help="Only this segment; may be repeated.")
    ] = None,
    user: Annotated[
        list[str] | None, typer.Option("--user", metavar="USER", help="Only this user; may be repeated.")
    ] = None,
    snapshot: Annotated[bool, typer.Option("--snapshot", help="Begin with who is a member now.")] = False,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the first move of the log.")] = False,
    position: Annotated[
        str | None, typer.Option("--position", metavar="POSITION", help="Go on where an earlier watch ended.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", metavar="N", min=1, max=MOST, help="End after N moves.")
    ] = None,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Show who enters and leaves segments, one move a line as it happens, until Ctrl-C or SIGTERM.

    Then the exit code is 0, and the position from which another watch goes on is printed on stderr.
    """
    start = _start(snapshot=snapshot, from_start=from_start, position=position)
    reached = ""
    with connect(server) as client:
        found = client.watch(segment or [], user or [], start=start, position=position or "")
        try:
            with found, _interrupted_by_sigterm(), suppress(KeyboardInterrupt):  # the ways to end it
                for message in _singly(found, count):
                    _print(message, as_json=as_json)
                    reached = position_of(message) or reached
        finally:
            if reached:
                note_line(f"position: {reached}")


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """SIGTERM does what Ctrl-C does, as long as this lasts."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _start(*, snapshot: bool, from_start: bool, position: str | None) -> questions.WatchStart.ValueType:
    if position == "":
        raise CommandFailed("--position is empty; without it the watch begins now", exit_code=2)
    if (snapshot, from_start, position is not None).count(True) > 1:
        raise CommandFailed("--snapshot, --from-start and --position each say where to begin; give one", exit_code=2)
    if snapshot:
        return questions.WATCH_START_SNAPSHOT
    return questions.WATCH_START_LOG if from_start else questions.WATCH_START_UNSPECIFIED


def _singly(found: Watch, count: int | None) -> Iterator[questions.WatchTransitionsResponse]:
    """All messages, each move in one of its own, up to `count` moves."""
    seen = 0
    for message in found:
        if not message.HasField("transitions"):
            yield message
        for transition in message.transitions.transitions:
            yield questions.WatchTransitionsResponse(transitions=questions.TransitionBatch(transitions=[transition]))
            seen += 1
            if seen == count:
                return


def _print(message: questions.WatchTransitionsResponse, *, as_json: bool) -> None:
    if as_json:
        for document in show_moves.documents(message):
            show_json(document)
    else:
        show(*show_moves.lines(message))
