"""All commands as one program."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import typer

from segmentd.cli import (
    apply,
    clock,
    edits,
    groups,
    history,
    identity,
    imports,
    inclusion,
    listings,
    questions,
    serving,
    user_lists,
    watching,
    webhooks,
)
from segmentd.cli.errors import exit_code_of
from segmentd.cli.output import show


def _help_without_command(context: typer.Context) -> None:
    """A group without a command shows its help; still, nothing was done that a script could build on."""
    if context.invoked_subcommand is None:
        show(context.get_help())
        raise typer.Exit(2)


def _show_version(wanted: bool) -> None:
    if wanted:
        show(f"segmentd {metadata.version('segmentd')}")
        raise typer.Exit


def _program(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  (its callback does the work)
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    _help_without_command(context)


app = typer.Typer(
    name="segmentd",
    help="Which segments is this user in, right now?",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_clock = typer.Typer(help="Show or move the server's clock.")
_imports = typer.Typer(help="Bring in profiles and events from files.")
_lists = typer.Typer()
_groups = typer.Typer()
_webhooks = typer.Typer()

for _command in (
    serving.serve,
    apply.apply,
    apply.count,
    questions.check,
    questions.user,
    questions.members,
    questions.explain,
    watching.watch,
    history.history,
    history.was,
    history.migration,
    listings.segments,
    edits.segment,
    edits.restore,
    edits.archive,
    edits.delete,
    listings.types,
    listings.attributes,
    listings.profile,
    identity.merge,
    identity.erase,
    identity.export,
    identity.events,
    listings.refit,
    inclusion.include,
    inclusion.exclude,
    listings.status,
):
    app.command()(_command)
_clock.command()(clock.advance)
_clock.command("show")(clock.show_clock)
_imports.command("profiles")(imports.profiles)
_imports.command("events")(imports.events)
_lists.command("show")(user_lists.show_list)
_groups.command("show")(groups.show_group)
for _list_command in (user_lists.upload, user_lists.add, user_lists.remove, user_lists.delete):
    _lists.command()(_list_command)
_groups.command()(groups.delete)
_webhooks.command()(webhooks.dead_letters)
_webhooks.command()(webhooks.replay)
_webhooks.command()(webhooks.discard)
_webhooks.command()(webhooks.resume)
app.callback(invoke_without_command=True)(_program)
for _group in (_clock, _imports):
    _group.callback(invoke_without_command=True)(_help_without_command)
app.add_typer(_clock, name="clock")
_lists.callback(invoke_without_command=True)(user_lists.lists)
_groups.callback(invoke_without_command=True)(groups.groups)
_webhooks.callback(invoke_without_command=True)(webhooks.webhooks)
app.add_typer(_imports, name="import")
app.add_typer(_lists, name="lists")
app.add_typer(_groups, name="groups")
app.add_typer(_webhooks, name="webhooks")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name; None: the process's own); the exit code."""
    given = None if arguments is None else list(arguments)
    return exit_code_of(
        lambda: typer.main.get_command(app).main(args=given, prog_name="segmentd", standalone_mode=False)
    )
