"""`segmentd apply` and `segmentd count`: files of definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmentd.cli import show_plan
from segmentd.cli.connection import connect
from segmentd.cli.definitions.applying import Applied, Edit, apply_plan
from segmentd.cli.definitions.checking import attribute_faults
from segmentd.cli.definitions.graph import reference_faults
from segmentd.cli.definitions.groups import group_faults
from segmentd.cli.definitions.plan import make_plan
from segmentd.cli.definitions.rule_file import read_rule
from segmentd.cli.definitions.segments_file import SegmentsFile, read_segments
from segmentd.cli.definitions.trying import Trial, try_plan
from segmentd.cli.faults import CommandFailed, FileFaults
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, AuthorOption, JsonOption, NoteOption, ServerOption
from segmentd.cli.output import show, show_json
from segmentd.client import Client
from segmentd.v1 import segment_pb2

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

    Tries all of it first, beside what is in force: where anything would be refused, nothing is changed. With --dry-run,
    that is all, and how many users each change would move. Else it does it without asking, and should a change be
    refused then, because somebody else changed something meanwhile, stops and says what was applied and what was not.
    Where a segment of the file is failed afterwards, it says so with exit code 1.
    """
    definitions = read_segments(file)
    with connect(server, _TIMEOUT) as client:
        applied = apply_file(client, definitions, Edit(author, note, retype), dry_run=dry_run, as_json=as_json)
    failed = [each.id for each in applied.segments.values() if each.state == segment_pb2.SEGMENT_STATE_FAILED]
    if failed and not dry_run:
        words = f"cannot be judged and {'answers' if len(failed) == 1 else 'answer'} no question"
        raise CommandFailed(f"{file}: {', '.join(failed)} {words}; `segmentd segment ID` says why")


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


def apply_file(
    client: Client, file: SegmentsFile, edit: Edit, *, dry_run: bool = False, as_json: bool = False
) -> Applied:
    """Apply a file that was read, after all of it was tried. Raises FileFaults where something is refused.

    Then nothing is changed, unless it was refused only when it was made; what was made by then is printed.
    """
    before = {segment.id: segment for segment in client.list_segments(with_size=dry_run)}
    groups = client.list_exclusive_groups() if file.groups else ()
    plan = make_plan(file, before, client.list_attributes(), groups, client.list_events() if file.events else ())
    faults = attribute_faults(plan, retype=edit.retype)
    own = [*group_faults(file, set(before)), *reference_faults(file, plan, before)]
    tried = try_plan(client, file, plan, before, retype=edit.retype or bool(faults)) if not own else Trial()
    faults += own + tried.faults
    if faults:
        raise FileFaults(file.name, faults)
    if not as_json:
        show(*show_plan.plan_lines(plan, tried if dry_run else Trial(), before, dry_run=dry_run))
    applied = Applied() if dry_run else apply_plan(client, file, plan, before, edit)
    if as_json:
        show_json(show_plan.plan_json(plan, applied, tried if dry_run else Trial(), dry_run=dry_run))
    elif not dry_run:
        show(*show_plan.outcome_lines(plan, applied))
    if applied.faults:
        raise FileFaults(file.name, applied.faults)
    return applied
