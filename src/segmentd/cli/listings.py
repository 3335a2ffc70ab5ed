"""Commands that show what the server holds."""

from __future__ import annotations

from typing import Annotated

import typer

from segmentd.cli import show_answers, show_types
from segmentd.cli.connection import connect
from segmentd.cli.faults import CommandFailed
from segmentd.cli.instants import instant_text
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, JsonOption, SegmentArgument, ServerOption, UserArgument
from segmentd.cli.output import show, show_json, show_json_lines
from segmentd.cli.show_segment import json_text


def segments(
    archived: Annotated[bool, typer.Option("--archived", help="Archived segments too.")] = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """List the segments with state and size."""
    with connect(server) as client:
        found = client.list_segments(with_size=True, with_archived=archived)
        if as_json:
            show_json_lines(message_json(segment) for segment in found)
        else:
            rows = list(found)
            show(show_answers.segments_table(rows) if rows else "there are no segments")


def types(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One type, with the schema.")] = None,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """List the segment types with their parameters; with NAME, one of them with its JSON Schema."""
    with connect(server) as client:
        found = client.segment_types()
    if name is None:
        if as_json:
            show_json_lines(message_json(each) for each in found)
        else:
            show(*show_types.overview(found))
        return
    one = next((each for each in found if each.name == name), None)
    if one is None:
        raise CommandFailed(f"there is no segment type {name!r}; there are {', '.join(each.name for each in found)}")
    if as_json:
        show_json(message_json(one))
    else:
        show(*show_types.details(one))


def attributes(as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """List the attributes that are known, with their kinds."""
    with connect(server) as client:
        found = client.list_attributes()
        if as_json:
            show_json_lines(message_json(each) for each in found)
        else:
            show(show_answers.attributes_table(found))


def profile(user: UserArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Show what is known about a user."""
    with connect(server) as client:
        found = client.get_profile(user).profile
    if as_json:
        show_json(message_json(found))
    else:
        merged = f", also {', '.join(found.merged_user_ids)}" if found.merged_user_ids else ""
        since = instant_text(found.create_time)
        show(f"{found.user_id}{merged}, known since {since}", show_answers.profile_table(found))


def refit(segment: SegmentArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Fit the models of a segment again, on the data of now."""
    with connect(server) as client:
        answer = client.refit_segment(segment)
    if as_json:
        show_json(message_json(answer))
        return
    for model in answer.models:
        show(f"{model.type}: model {model.version}, fitted on {model.population_size:,} users")
        show(f"    {json_text(model.summary)}")


def status(as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """Show what the server holds and where it stands."""
    with connect(server) as client:
        answer = client.status()
    if as_json:
        show_json(message_json(answer))
    else:
        show(show_types.status_table(answer))
