"""One import from its first row to its last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from segmentd.cli.faults import SIGNALLED, CommandFailed
from segmentd.cli.importing.lanes import Kind, Lanes
from segmentd.cli.importing.progress import Bar
from segmentd.cli.importing.rows import BadRow, Reject, Source
from segmentd.cli.importing.tally import Tally
from segmentd.cli.output import counted
from segmentd.client import CallFailed

Make = Callable[[Mapping[str, Any]], Any]
"""The item of a row. Raises BadRow."""


def run_import(source: Source, make: Make, kind: Kind, tally: Tally) -> None:
    """Read, make and send every row; what is refused is counted and written down, and never stops the rest.

    Raises CommandFailed where a call fails as a whole, or at Ctrl-C: what was acknowledged is stored, and may be sent
    again.
    """
    lanes = Lanes(kind, tally)
    try:
        with closing(source.rows()) as rows, Bar(source, tally) as bar:
            for row in rows:
                bar.step()
                if isinstance(row, Reject):
                    tally.reject(row)
                    continue
                try:
                    item = make(row.values)
                except BadRow as error:
                    tally.reject(Reject(row.position, error.reason, error.detail, row.written))
                else:
                    lanes.add(row.position, row.written, item)
            lanes.finish()
    except CallFailed as error:
        raise _stopped(tally, f"{error.message} ({error.reason or error.code.name})") from None
    except KeyboardInterrupt:
        raise _stopped(tally, "interrupted", SIGNALLED) from None


def _stopped(tally: Tally, cause: str, exit_code: int = 1) -> CommandFailed:
    return CommandFailed(
        f"stopped after {counted(tally.read, 'row')}: {cause}; run it again: nothing is stored twice", exit_code
    )
