"""`segmentd webhooks`: endpoints and other consumers of changes, and what could not be delivered."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import typer

from segmentd.cli import show_webhooks
from segmentd.cli.connection import connect
from segmentd.cli.faults import CommandFailed
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, MOST, JsonOption, ServerOption
from segmentd.cli.output import note_line, show, show_json, show_json_lines

_TIMEOUT: Final = 3_600.0
"""A replay delivers one dead letter after the other, and an endpoint may take its time for each."""

NameArgument: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="The name of an endpoint.")]
IdsArgument: TypeAlias = Annotated[
    list[int] | None,
    typer.Argument(metavar="[ID]...", help="The ids of dead letters.", min=1, max=MOST, show_default=False),
]
AllOption: TypeAlias = Annotated[bool, typer.Option("--all", help="All dead letters of the endpoint.")]


def webhooks(context: typer.Context, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Webhook endpoints and other consumers. Without a command: all of them, with how far they are."""
    if context.invoked_subcommand is not None:
        return
    with connect(server) as client:
        found = client.list_consumers()
    if as_json:
        show_json_lines(message_json(each) for each in found)
    elif found:
        show(show_webhooks.consumers_table(found), *show_webhooks.losses(found))
    else:
        show("there are no webhook endpoints; the setting SEGMENTD_WEBHOOKS names their file")


def dead_letters(name: NameArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """List what could not be delivered to an endpoint, oldest first."""
    with connect(server) as client:
        found = client.list_dead_letters(name)
        if as_json:
            show_json_lines(message_json(each) for each in found)
            return
        rows = list(found)
    show(show_webhooks.dead_letters_table(rows) if rows else f"{name} has no dead letters")


def replay(
    name: NameArgument,
    ids: IdsArgument = None,
    everything: AllOption = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Deliver dead letters once more, oldest first; exits with 1 where one did not arrive."""
    chosen = _chosen(ids, everything=everything)
    with connect(server, _TIMEOUT) as client:
        answer = client.replay_dead_letters(name, chosen)
    if as_json:
        show_json(message_json(answer))
    else:
        show(f"{answer.delivered_count:,} delivered, {answer.left_count:,} left")
        for failure in answer.failures:
            note_line(f"dead letter {failure.dead_letter_id}: {failure.error}")
    if answer.failures:
        raise typer.Exit(1)


def discard(
    name: NameArgument,
    ids: IdsArgument = None,
    everything: AllOption = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Forget dead letters."""
    chosen = _chosen(ids, everything=everything)
    with connect(server) as client:
        answer = client.discard_dead_letters(name, chosen)
    if as_json:
        show_json(message_json(answer))
    else:
        show(f"{answer.discarded_count:,} discarded, {answer.left_count:,} left")


def resume(name: NameArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Deliver to an endpoint again that was disabled, or try at once what waits for another attempt."""
    with connect(server) as client:
        answer = client.resume_consumer(name)
    if as_json:
        show_json(message_json(answer))
    else:
        show(show_webhooks.consumers_table([answer]))


def _chosen(ids: list[int] | None, *, everything: bool) -> list[int] | None:
    if bool(ids) == everything:
        raise CommandFailed("give ids of dead letters, or --all", exit_code=2)
    return None if everything else ids
