"""All commands as one program."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from segmentd.cli import apply, clock, imports, listings, questions, serving
from segmentd.cli.errors import exit_code_of

app = typer.Typer(
    name="segmentd",
    help="Which segments is this user in, right now?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_clock = typer.Typer(help="Show or move the server's clock.", no_args_is_help=True)
_imports = typer.Typer(help="Bring in profiles and events from files.", no_args_is_help=True)

for _command in (
    serving.serve,
    apply.apply,
    apply.count,
    questions.check,
    questions.user,
    questions.members,
    questions.explain,
    listings.segments,
    listings.types,
    listings.attributes,
    listings.profile,
    listings.refit,
    listings.status,
):
    app.command()(_command)
_clock.command()(clock.advance)
_clock.command("show")(clock.show_clock)
_imports.command("profiles")(imports.profiles)
_imports.command("events")(imports.events)
app.add_typer(_clock, name="clock")
app.add_typer(_imports, name="import")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name; None: the process's own); the exit code."""
    command = typer.main.get_command(app)
    given = None if arguments is None else list(arguments)
    return exit_code_of(lambda: command.main(args=given, prog_name="segmentd", standalone_mode=False))
