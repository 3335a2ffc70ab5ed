"""The options that commands share."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import typer

DEFAULT_SERVER: Final = "localhost:50051"

MOST: Final = 2**63 - 1
"""The largest number that can be sent."""

ServerOption: TypeAlias = Annotated[
    str,
    typer.Option("--server", metavar="HOST:PORT", envvar="SEGMENTD_SERVER", help="The server to call."),
]
JsonOption: TypeAlias = Annotated[
    bool,
    typer.Option("--json", help="Print JSON for scripts: one document, or one line for each item of a list."),
]
UserArgument: TypeAlias = Annotated[str, typer.Argument(metavar="USER", help="The id of a user.")]
SegmentArgument: TypeAlias = Annotated[str, typer.Argument(metavar="SEGMENT", help="The id of a segment.")]
AuthorOption: TypeAlias = Annotated[str, typer.Option("--author", help="Who makes the change.")]
NoteOption: TypeAlias = Annotated[str, typer.Option("--note", help="Why the change is made.")]
EtagOption: TypeAlias = Annotated[
    str, typer.Option("--etag", help="Refuse the change where the segment has another etag: somebody was faster.")
]
