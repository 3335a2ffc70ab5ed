"""Commands about who users are, `merge`, `erase` and `export`; and `events`, which says how long those are kept."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from segmentd.cli.connection import connect
from segmentd.cli.faults import CommandFailed
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, JsonOption, ServerOption, UserArgument
from segmentd.cli.output import show, show_json, show_json_lines
from segmentd.cli.show_answers import add_row, grid
from segmentd.client import item_fault
from segmentd.v1 import profile_service_pb2 as profiles

_TIMEOUT: Final = 600.0
_SAYINGS: Final = {
    profiles.MERGE_OUTCOME_MERGED: "{absorbed} is {into} now",
    profiles.MERGE_OUTCOME_ALIASED: "nobody was known as {from_id}; the id leads to {into} now",
    profiles.MERGE_OUTCOME_ALREADY_MERGED: "{from_id} is {into} already",
    profiles.MERGE_OUTCOME_SAME_ID: "{from_id} is {into}: these are the same id",
}

FromArgument = Annotated[str, typer.Argument(metavar="FROM", help="The id of the user who is absorbed.")]
IntoArgument = Annotated[str, typer.Argument(metavar="INTO", help="The id of the user who survives.")]
LatestOption = Annotated[
    bool, typer.Option("--latest", help="Of two attributes the one that changed later counts, not the survivor's.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def merge(
    from_user: FromArgument,
    into_user: IntoArgument,
    latest: LatestOption = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Let one user be absorbed by another: profiles and events become one, both ids lead to the survivor."""
    precedence = profiles.MERGE_PRECEDENCE_LATEST_WINS if latest else profiles.MERGE_PRECEDENCE_SURVIVOR_WINS
    with connect(server, _TIMEOUT) as client:
        asked = profiles.ProfileMerge(from_user_id=from_user, into_user_id=into_user, precedence=precedence)
        answer = client.merge_profiles([asked])
    result = answer.results[0]
    if result.HasField("error"):
        fault = item_fault(result.error)
        raise CommandFailed(f"{fault.message} ({fault.reason})")
    if as_json:
        show_json({**message_json(result), "revision": answer.revision})
    else:
        absorbed = result.absorbed_user_id
        if absorbed != from_user:
            absorbed += f", to whom {from_user} led,"
        show(_SAYINGS[result.outcome].format(from_id=from_user, absorbed=absorbed, into=result.survivor_user_id))


def erase(
    user: UserArgument, yes: YesOption = False, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER
) -> None:
    """Erase a user for good: profile, events, memberships, entries of lists and definitions, and the log."""
    if not yes and not typer.confirm(f"Erase all that is held about {user}? It cannot be undone.", err=True):
        raise CommandFailed("nothing was erased")
    with connect(server, _TIMEOUT) as client:
        answer = client.delete_profile(user)
    if as_json:
        show_json(message_json(answer))
    else:
        rest = "no byte of the user is left in the files of the database"
        if not answer.purged:
            rest = "the files of the database are still being overwritten in the background"
        show(f"erased in revision {answer.revision}; {rest}")


def export(
    user: UserArgument,
    as_json: JsonOption = False,  # noqa: ARG001  (it is JSON in any case; scripts may say so)
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Write all that is held about a user as JSON, one part a line."""
    with connect(server, _TIMEOUT) as client:
        show_json_lines(_part_json(part) for part in client.export_profile(user))


def events(as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """List the names of events, how many are stored of each, and for how long they are kept."""
    with connect(server) as client:
        found = client.list_events()
        if as_json:
            show_json_lines(message_json(each) for each in found)
            return
        table = grid("event", "stored", "kept for")
        for each in found:
            add_row(table, each.name, f"{each.event_count:,}", each.keep or "ever")
    show(table)


def _part_json(part: profiles.ExportProfileResponse) -> dict[str, Any]:
    """The part under its name, as `{"event": {…}}`."""
    name = part.WhichOneof("part") or ""
    return {name: message_json(getattr(part, name))}
