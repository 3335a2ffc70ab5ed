"""The sizes of the groups day by day, as a picture by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter, MonthLocator
from matplotlib.figure import Figure
from retail_rows import Groups

from segmentd.times import Micros, to_datetime

# Colours that people of any colour vision tell apart (Okabe and Ito).
COLOURS = ("#0072B2", "#D55E00", "#CC79A7", "#009E73")
LABEL_ROOM = 0.035
"""How far apart, as a share of the height, the figures at the ends of two lines stand at least."""


def draw(ends: Sequence[Micros], days: Sequence[Groups], groups: Sequence[str], file: Path) -> None:
    """Sizes above; below, one panel for each group with who entered (up) and left (down) each week."""
    dates = [to_datetime(end) for end in ends]
    figure = Figure(figsize=(11, 11), layout="constrained", dpi=100)
    above, *below = figure.subplots(1 + len(groups), 1, sharex=True, height_ratios=(5, *(1 for _ in groups)))
    colours = dict(zip(groups, COLOURS, strict=True))
    for name, colour in colours.items():
        above.plot(dates, [len(members[name]) for members in days], color=colour, linewidth=2, label=name)
    _write_last_sizes(above, dates[-1], {name: len(days[-1][name]) for name in groups}, colours)
    _label(above)
    for axes, (name, colour) in zip(below, colours.items(), strict=True):
        _draw_weeks(axes, dates, days, name, colour)
    below[0].set_title("who entered (up) and who left (down), from week to week", loc="left", fontsize=11)
    below[-1].set_xlabel("end of the day (UTC)")
    below[-1].xaxis.set_major_locator(MonthLocator())
    below[-1].xaxis.set_major_formatter(ConciseDateFormatter(MonthLocator()))
    figure.savefig(file)


def _label(axes: Axes) -> None:
    axes.set_title("Online Retail, replayed day by day: customers in each group at the end of the day", loc="left")
    axes.set_ylabel("customers")
    axes.legend(loc="upper left", frameon=False)
    axes.set_ylim(bottom=0)
    _plain(axes)


def _write_last_sizes(axes: Axes, at: datetime, sizes: dict[str, int], colours: dict[str, str]) -> None:
    """The last figure of each line beside its end; those that would cover each other are moved apart."""
    room = LABEL_ROOM * axes.get_ylim()[1]
    height = -room
    for name, size in sorted(sizes.items(), key=lambda each: each[1]):
        height = max(size, height + room)
        axes.annotate(f"{size:,}", (at, height), (6, 0), textcoords="offset points", va="center", color=colours[name])


def _draw_weeks(axes: Axes, dates: Sequence[datetime], days: Sequence[Groups], name: str, colour: str) -> None:
    """A bar for each full week, up and down; before the first day there is nobody."""
    lasts = range(6, len(days), 7)
    befores = [set[str](), *(days[last][name] for last in lasts)]
    middles = [dates[last] - timedelta(days=3.5) for last in lasts]
    pairs = [(before, days[last][name]) for before, last in zip(befores, lasts, strict=False)]
    axes.bar(middles, [len(after - before) for before, after in pairs], width=6, color=colour)
    axes.bar(middles, [-len(before - after) for before, after in pairs], width=6, color=colour, alpha=0.45)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylabel(name, rotation=0, ha="right", va="center", color=colour)
    axes.margins(y=0.15)
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
