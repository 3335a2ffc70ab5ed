"""The plots of docs/performance.md, each an SVG; one that has no figures is left out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from targets import Line

mpl.use("svg")
OURS, PEERS = "#1f5fa8", ("#c9622a", "#6a994e", "#8d6a9f")
SIZE = (7.0, 3.6)
Draw = Callable[[Axes, list[Line]], None]
_LINEAR, _FEWEST = "beside linear growth (1: as expected)", "beside the fewest (1: the same)"


def draw_all(lines: list[Line], folder: Path) -> list[str]:
    """Writes the plots into the folder; the names of those that there are figures for."""
    folder.mkdir(parents=True, exist_ok=True)
    # The same figures give the same bytes.
    mpl.rcParams |= {
        "svg.hashsalt": "segmentd",
        "svg.fonttype": "none",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    return [
        name
        for name, axis, draw, chosen in _plots(lines)
        if chosen and _drawn(folder / f"{name}.svg", axis, draw, chosen)
    ]


def _plots(lines: list[Line]) -> list[tuple[str, str, Draw, list[Line]]]:
    """The name of each, what its horizontal axis counts, how it is drawn, and from which figures."""

    def named(*beginnings: str) -> list[Line]:
        return [line for line in lines if line["name"].startswith(beginnings) and line.get("ratio") is not None]

    hundred = [
        line for line in named("check: calls", "judge", "check amid", "start") if line.get("segments", 100) == 100
    ]
    return [
        ("growth-beside-linear", "users", partial(_growth, "users", _LINEAR), named("growth: ")),
        ("growth-by-segments", "segments", partial(_growth, "segments", _FEWEST), named("growth by segments")),
        ("growth-by-events", "events", partial(_growth, "events", _FEWEST), named("growth by events")),
        ("checks-by-users", "users", _checks, [line for line in hundred if line["name"].startswith("check: calls")]),
        (
            "judging-by-users",
            "users",
            _seconds,
            [line for line in hundred if line["name"].startswith("judge") and "quickest" in line["name"]],
        ),
        ("start-by-users", "users", _seconds, [line for line in hundred if line["name"].startswith("start")]),
        (
            "check-latency-amid-events",
            "users",
            _seconds,
            [line for line in hundred if line["name"].startswith("check amid")],
        ),
    ]


def _drawn(path: Path, axis: str, draw: Draw, lines: list[Line]) -> bool:
    if len({line.get(axis) for line in lines}) < 2:
        return False
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    draw(axes, sorted(lines, key=lambda line: line[axis]))
    axes.set_xlabel(axis)
    axes.set_xscale("log")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return True


def _growth(axis: str, label: str, axes: Axes, lines: list[Line]) -> None:
    """Each figure divided by its peer: what linear growth would make of it, or what it is with the fewest."""
    for name in dict.fromkeys(line["name"] for line in lines):
        chosen = [line for line in lines if line["name"] == name]
        axes.plot([line[axis] for line in chosen], [line["ratio"] for line in chosen], marker="o", label=_short(name))
    axes.axhline(1.0, color="black", linewidth=0.8, linestyle=":")
    axes.axhline(1.2, color="grey", linewidth=0.8, linestyle=":")
    axes.set_ylabel(label)
    axes.set_yscale("log")


def _checks(axes: Axes, lines: list[Line]) -> None:
    _both(axes, lines)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("calls per CPU-second")


def _seconds(axes: Axes, lines: list[Line]) -> None:
    _both(axes, lines)
    axes.set_yscale("log")
    axes.set_ylabel(lines[0]["unit"])


def _both(axes: Axes, lines: list[Line]) -> None:
    """A line for each figure of ours, and a broken one for each of its peers."""
    styles = ("o", "s", "^", "v")
    for place, name in enumerate(dict.fromkeys(line["name"] for line in lines)):
        chosen = [line for line in lines if line["name"] == name]
        ours = {line["users"]: line["value"] for line in chosen}
        axes.plot(list(ours), list(ours.values()), color=OURS, marker=styles[place % 4], label=_short(name))
        for number, peer in enumerate(dict.fromkeys(line["peer"] for line in chosen)):
            beside = {line["users"]: line["peer_value"] for line in chosen if line["peer"] == peer}
            color = PEERS[number % len(PEERS)]
            label = f"{peer} ({_short(name)})"
            axes.plot(
                list(beside), list(beside.values()), color=color, linestyle="--", marker=styles[place % 4], label=label
            )


def _short(name: str) -> str:
    return name.partition(": ")[2].removesuffix(", the quickest")
