"""What the demo prints: numbered steps, tables, and the tree of an explanation."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from segmentd.cli.show_explanation import explanation_tree
from segmentd.client import as_instant
from segmentd.times import DAY, HOUR, MINUTE, Micros, format_instant
from segmentd.v1 import explanation_pb2, membership_pb2, segment_pb2

WIDTH_WITHOUT_TERMINAL = 100
BAR = 16
YEAR_DAYS = 365.2425


class Screen:
    """The console, and how many steps have been told."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
        self._console = Console(width=width, highlight=False, emoji=False)
        self._steps = 0

    def title(self, name: str, line: str) -> None:
        """The first lines of the demo."""
        self._console.print(Text.assemble((name, "bold"), f" · {line}"))

    def step(self, line: str, command: str = "") -> None:
        """What happens next, and the command that does the same."""
        self._steps += 1
        self._console.print()
        self._console.print(Text(f"{self._steps}. {line}", style="bold cyan"))
        if command:
            self.line(f"$ {command}", style="dim")

    def line(self, text: str, style: str = "") -> None:
        """One line below a step."""
        self._console.print(Padding(Text(text, style=style), (0, 0, 0, 3), expand=False))

    def segments(self, segments: Iterable[segment_pb2.Segment], users: int) -> None:
        """Segments with sizes, each with a bar for its share of all users."""
        table = _table(("segment", "left"), ("who", "left"), ("size", "right"), ("share", "left"))
        for each in segments:
            share = Text("█" * max(1, round(BAR * each.size / users)), style="cyan") if each.size else Text()
            share.append(f" {each.size / users:.1%}", style="dim")
            table.add_row(Text(each.id, style="bold"), each.description, f"{each.size:,}", share)
        self._show(table)

    def memberships(self, segments: Iterable[membership_pb2.UserSegment], now: Micros) -> None:
        """The segments of one user, and when each ends by the passing of time alone."""
        table = _table(("segment", "left"), ("leaves, if nothing is written", "left"), ("", "left"))
        for each in segments:
            cells = ("never by time alone", "")
            if each.HasField("leaves_time"):
                leaves = Micros(as_instant(each.leaves_time))
                cells = (format_instant(leaves), f"in {_span(leaves - now)}")
            table.add_row(Text(each.segment_id, style="bold"), *cells)
        self._show(table)

    def explanation(self, root: explanation_pb2.Explanation) -> None:
        """The rule as a tree, as `segmentd explain` shows it."""
        self._show(explanation_tree(root))

    def verdict(self, instant: Micros, *, member: bool, note: str) -> None:
        """The answer at one instant."""
        mark, style = ("✓ member    ", "green") if member else ("✗ not member", "red")
        self._show(Text.assemble(format_instant(instant), "   ", (mark, style), f"   {note}"))

    def watched(self, lines: Iterable[str]) -> None:
        """What `segmentd watch` printed meanwhile."""
        for line in lines:
            self._console.print(Text.assemble(("   watch │ ", "magenta"), line), soft_wrap=True)

    def _show(self, what: Table | Text | object) -> None:
        self._console.print(Padding(what, (0, 0, 0, 3), expand=False))  # type: ignore[arg-type]  # whatever rich can print


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]  # left or right
    return table


def _span(micros: int) -> str:
    """`8.7 years`, `2 d 3 h`, `3 h 12 min`, `12 min`."""
    days, hours, minutes = micros // DAY, micros % DAY // HOUR, micros % HOUR // MINUTE
    if days > 2 * YEAR_DAYS:
        return f"{days / YEAR_DAYS:.1f} years"
    if days:
        return f"{days:,} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
