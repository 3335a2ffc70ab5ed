"""`segmentd apply` and `segmentd count`: files of definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmentd.cli import show_plan
from segmentd.cli.connection import connect
from segmentd.cli.definitions.applying import Edit, apply_plan
from segmentd.cli.definitions.checking import attribute_faults, rule_faults
from segmentd.cli.definitions.events import allowed_later
from segmentd.cli.definitions.groups import group_faults
from segmentd.cli.definitions.plan import make_plan
from segmentd.cli.definitions.previewing import previews
from segmentd.cli.definitions.rule_file import read_rule
from segmentd.cli.definitions.segments_file import SegmentsFile, read_segments
from segmentd.cli.faults import FileFaults
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, AuthorOption, JsonOption, NoteOption, ServerOption
from segmentd.cli.output import show, show_json
from segmentd.client import Client

# A definition is acknowledged when every user is judged by it.
_TIMEOUT = 600.0


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of segments, YAML 1.2 or JSON.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    retype: Annotated[bool, typer.Option("--retype", help="Let declarations change the kind of an attribute.")] = False,
    author: AuthorOption = "",
    note: NoteOption = "",
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Define or change segments and exclusive groups as a file says; those that it does not name stay as they are.

    Shows what changes, and does it without asking; with --dry-run, only how many users each change would move.
    Where anything in the file is wrong, nothing is changed.
    """
    definitions = read_segments(file)
    with connect(server, _TIMEOUT) as client:
        apply_file(client, definitions, Edit(author, note, retype), dry_run=dry_run, as_json=as_json)


def count(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A rule, or a file of one segment; YAML 1.2 or JSON.")],
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Count the users whom a rule would have as members; nothing is saved."""
    rule = read_rule(file)
    with connect(server, _TIMEOUT) as client:
        answer = client.count_members(rule)
    if as_json:
        show_json(message_json(answer))
    else:
        show(f"{answer.member_count:,} of {answer.user_count:,} users")


def apply_file(client: Client, file: SegmentsFile, edit: Edit, *, dry_run: bool = False, as_json: bool = False) -> None:
    """Apply a file that was read. Raises FileFaults before anything is changed, where that can be known."""
    before = {segment.id: segment for segment in client.list_segments()}
    groups = client.list_exclusive_groups() if file.groups else ()
    plan = make_plan(file, before, client.list_attributes(), groups, client.list_events() if file.events else ())
    faults = attribute_faults(plan, retype=edit.retype)
    faults += allowed_later(rule_faults(client, file, plan, set(before)), plan.events)
    faults += group_faults(file, set(before))
    if faults:
        raise FileFaults(file.name, faults)
    tried = previews(client, plan, before) if dry_run else {}
    if not as_json:
        show(*show_plan.plan_lines(plan, tried, dry_run=dry_run))
    applied = [] if dry_run else apply_plan(client, file, plan, before, edit)
    if as_json:
        show_json(show_plan.plan_json(plan, applied, tried, dry_run=dry_run))
    elif not dry_run:
        show(*show_plan.outcome_lines(plan, applied))
