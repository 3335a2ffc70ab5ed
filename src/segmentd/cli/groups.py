"""`segmentd groups`: exclusive groups of segments."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from segmentd.cli import show_groups
from segmentd.cli.connection import connect
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from segmentd.cli.output import show, show_json, show_json_lines

GroupArgument: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The id of an exclusive group.")]


def groups(context: typer.Context, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Exclusive groups: a user is in the first segment that matches. Without a command: all of them.

    Groups are defined in files of segments, under the key exclusive_groups; see segmentd apply.
    """
    if context.invoked_subcommand is not None:
        return
    with connect(server) as client:
        found = client.list_exclusive_groups()
        if as_json:
            show_json_lines(message_json(each) for each in found)
        else:
            rows = list(found)
            show(show_groups.groups_table(rows) if rows else "there are no exclusive groups")


def show_group(group_id: GroupArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Show who matches and who is claimed, and which overlaps the group prevented."""
    with connect(server) as client:
        group = client.get_exclusive_group(group_id).group
        answer = client.exclusive_group_report(group_id)
    if as_json:
        show_json({"group": message_json(group), **message_json(answer)})
    else:
        show(*show_groups.report_parts(group, answer))


def delete(group_id: GroupArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Delete a group with the segments that it made; the segments of which it was made stay."""
    with connect(server, 600.0) as client:
        answer = client.delete_exclusive_group(group_id)
    show_json(message_json(answer)) if as_json else show(f"exclusive group {group_id} is deleted")
