"""The progress bar, on stderr where that is a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Final

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from segmentd.cli.importing.rows import Source
from segmentd.cli.importing.tally import Tally
from segmentd.cli.output import progress_console

_EVERY: Final = 500


class _Rate(ProgressColumn):
    """Rows, and rows a second since the start."""

    def render(self, task: Task) -> Text:
        rows = task.fields["rows"]
        rate = rows / task.elapsed if task.elapsed else 0.0
        return Text(f"{rows:,} rows  {rate:,.0f} rows/s")


class Bar:
    """Shows how far a source was read, the rate, the remaining time and how many rows were refused."""

    def __init__(self, source: Source, tally: Tally) -> None:
        console = progress_console()
        self._source, self._tally = source, tally
        self._seen = 0
        columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), _Rate(), TextColumn("{task.fields[refused]}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=None, rows=0, refused="")

    def step(self) -> None:
        """One more row was read."""
        self._seen += 1
        if self._seen % _EVERY == 0:
            self._update()

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._update()
        self._progress.stop()

    def _update(self) -> None:
        done, total = self._source.progress()
        refused = self._tally.outcomes["refused"]
        self._progress.update(
            self._task,
            completed=done,
            total=total or None,
            rows=self._seen,
            refused=f"{refused:,} refused" if refused else "",
        )
