"""`segmentd lists`: lists of users."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from segmentd.cli import show_lists
from segmentd.cli.connection import connect
from segmentd.cli.faults import CommandFailed
from segmentd.cli.importing.cells import Kinds
from segmentd.cli.importing.csv_rows import CsvFile
from segmentd.cli.importing.files import format_of
from segmentd.cli.importing.json_rows import JsonLines
from segmentd.cli.importing.rows import Source
from segmentd.cli.importing.tally import Tally
from segmentd.cli.importing.upload import run_upload
from segmentd.cli.imports import rejects_path
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from segmentd.cli.output import show, show_json, show_json_lines
from segmentd.client import CallFailed, Client, as_json, as_struct
from segmentd.v1 import segment_pb2, user_list_pb2, user_list_service_pb2

_TIMEOUT: Final = 3_600.0
"""An upload is acknowledged when every user is written and judged."""

ListArgument: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The id of a user list.")]
UsersArgument: TypeAlias = Annotated[list[str], typer.Argument(metavar="USER...", help="The ids of users.")]


class UploadMode(StrEnum):
    """What an upload does with the ids."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


def lists(context: typer.Context, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Lists of users for static segments. Without a command: all of them, with their sizes."""
    if context.invoked_subcommand is not None:
        return
    with connect(server) as client:
        found = client.list_user_lists()
        if as_json:
            show_json_lines(message_json(each) for each in found)
        else:
            rows = list(found)
            show(show_lists.lists_table(rows) if rows else "there are no user lists")


def show_list(
    list_id: ListArgument,
    members: Annotated[bool, typer.Option("--members", help="The ids of its users, one a line.")] = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Show a list with its size, what refers to it, and the uploads that are under way."""
    with connect(server) as client:
        if members:
            for user in client.list_user_list_members(list_id):
                show_json(user) if as_json else print(user)
            return
        found = client.get_user_list(list_id).list
    if as_json:
        show_json(message_json(found))
    else:
        show(*show_lists.list_lines(found))


def upload(  # noqa: PLR0913  (options)
    list_id: ListArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a heading, or JSON Lines; .gz or not.")],
    column: Annotated[str, typer.Option("--column", metavar="NAME", help="The column of the ids.")] = "userId",
    mode: Annotated[
        UploadMode, typer.Option("--mode", help="The ids become the list, are added to it, or are removed from it.")
    ] = UploadMode.REPLACE,
    description: Annotated[str | None, typer.Option("--description", help="What the list is for.")] = None,
    segment: Annotated[
        str | None, typer.Option("--segment", metavar="SEGMENT", help="Make the segment of the list's users too.")
    ] = None,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Pass bad rows over; else the first one ends the upload.")
    ] = False,
    allow_empty: Annotated[
        bool,
        typer.Option("--allow-empty", help="Let --mode replace empty the list; else a file without ids is refused."),
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option("--rejects", metavar="FILE", help="Where bad rows go; default: FILE + .rejects.jsonl, here."),
    ] = None,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Upload ids to a list, which is made where it is not there. Nothing is changed before all ids were sent.

    Columns of other names are passed over, and white space around the ids of a CSV is no part of them. Users nobody has
    written about are created by being added.
    """
    header = user_list_service_pb2.UploadUserListHeader(
        list_id=list_id,
        mode=user_list_pb2.UserListUploadMode.Value(f"USER_LIST_UPLOAD_MODE_{mode.name}"),
        create_if_missing=mode is not UploadMode.REMOVE,
        description=description,
        skip_invalid=skip_invalid,
        allow_empty=allow_empty,
    )
    file.stat()  # before the server is asked: a name mistyped is the more likely fault
    tally = Tally(rejects_path(file, rejects), "list")
    with connect(server, _TIMEOUT) as client, tally:
        makes_segment = segment is not None and _is_missing(client, segment, list_id)
        source = _source(file, column)
        answer = run_upload(client, header, source, column, tally, file.name)
        if segment is not None and makes_segment:
            rule = as_struct(_rule(list_id), "rule")
            client.create_segment(segment_pb2.Segment(id=segment, description=description or "", rule=rule))
    if as_json:
        rejected = str(tally.path) if tally.reasons else None
        show_json(message_json(answer) | {"refused": tally.outcomes["refused"], "rejects_file": rejected})
    else:
        show(*show_lists.upload_lines(answer, tally, source.counted_by))
        if segment is not None:
            show(f"segment {segment} {'was made' if makes_segment else 'is there already'}")


def add(
    list_id: ListArgument,
    users: UsersArgument,
    create: Annotated[bool, typer.Option("--create", help="Make the list where it is not there.")] = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Add users to a list; users nobody has written about are created."""
    with connect(server) as client:
        answer = client.update_user_list(list_id, add=users, create_if_missing=create)
    show_json(message_json(answer)) if as_json else show(show_lists.change_line(answer))


def remove(
    list_id: ListArgument, users: UsersArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER
) -> None:
    """Remove users from a list."""
    with connect(server) as client:
        answer = client.update_user_list(list_id, remove=users)
    show_json(message_json(answer)) if as_json else show(show_lists.change_line(answer))


def delete(list_id: ListArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Delete a list to which no segment refers; its users stay."""
    with connect(server) as client:
        answer = client.delete_user_list(list_id)
    show_json(message_json(answer)) if as_json else show(f"list {list_id} is deleted")


def _source(file: Path, column: str) -> Source:
    suffix = format_of(file)
    if suffix == ".csv":
        return CsvFile(file, (column,), (), Kinds({}), ids=(column,), others=True)
    if suffix in (".jsonl", ".ndjson"):
        return JsonLines(file)
    raise CommandFailed(f"{file}: neither .csv nor .jsonl (or .ndjson), packed as .gz or not")


def _rule(list_id: str) -> dict[str, dict[str, str]]:
    return {"list": {"uploaded": list_id}}


def _is_missing(client: Client, segment_id: str, list_id: str) -> bool:
    """Whether the segment has to be made. Raises CommandFailed where it is there with another rule."""
    try:
        found = client.get_segment(segment_id).segment
    except CallFailed as error:
        if error.reason != "SEGMENT_NOT_FOUND":
            raise
        return True
    if found.state == segment_pb2.SEGMENT_STATE_ARCHIVED:
        return True
    if as_json(found.rule) != _rule(list_id):
        raise CommandFailed(f"--segment: there is a segment {segment_id!r} already, and its rule is another one")
    return False
