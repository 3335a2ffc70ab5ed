"""A migration matrix as a picture, by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from segmentd.cli.faults import CommandFailed
from segmentd.cli.show_migration import name_of, shares_of
from segmentd.v1 import history_service_pb2 as history

_CELL: Final = 1.15
"""Inches that a row or a column takes."""
_WHITE_FROM: Final = 0.65
"""The share from which on white figures are easier to read."""
_LONG: Final = 16
"""Ids with more characters than this are written aslant below the columns."""


def check_image(file: Path) -> None:
    """Raises CommandFailed where no picture can be written there; to be asked before a long question."""
    _figure_class()
    if not file.resolve().parent.is_dir():
        raise CommandFailed(f"--image: there is no folder {file.parent}", exit_code=2)
    if file.suffix.lower() not in {".png", ".svg", ".pdf"}:
        raise CommandFailed(f"--image: {file.name} ends neither with .png nor .svg nor .pdf", exit_code=2)


def write_image(matrix: history.GetMigrationMatrixResponse, title: str, file: Path) -> None:
    """A heat map: each row's colours are shares of the row's users."""
    size = len(matrix.rows)
    figure = _figure_class()(figsize=(4.2 + _CELL * size, 2.4 + 0.8 * _CELL * size), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    shares = [shares_of(row) for row in matrix.rows]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _label(axes, matrix, title)
    for y, row in enumerate(matrix.rows):
        for x, (count, share) in enumerate(zip(row.counts, shares[y], strict=True)):
            ink = "white" if share >= _WHITE_FROM else "black"
            axes.text(x, y, f"{count:,}\n{share:.0%}", ha="center", va="center", color=ink, fontsize=9)
    bar = figure.colorbar(image, ax=axes, label="share of the row's users", shrink=0.9)
    bar.ax.yaxis.set_major_formatter("{x:.0%}")
    figure.savefig(file)


def _label(axes: Any, matrix: history.GetMigrationMatrixResponse, title: str) -> None:
    columns = [f"{name_of(each)}\n{each.user_count:,}" for each in matrix.columns]
    rows = [f"{name_of(each)}\n{each.user_count:,}" for each in matrix.rows]
    aslant = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    long = max(len(name_of(each)) for each in matrix.columns) > _LONG
    # Ids may have dollar signs, which are no mathematics.
    axes.set_xticks(range(len(columns)), columns, parse_math=False, **(aslant if long else {}))
    axes.set_yticks(range(len(rows)), rows, parse_math=False)
    axes.set_xlabel("in this segment at the end (users)")
    axes.set_ylabel("in this segment at the beginning (users)")
    axes.set_title(title, loc="left", fontsize=11)
    # White lines between the cells.
    axes.set_xticks([place + 0.5 for place in range(len(columns) - 1)], minor=True)
    axes.set_yticks([place + 0.5 for place in range(len(rows) - 1)], minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  (an extra: only --image needs it)
    except ImportError:
        raise CommandFailed("--image needs matplotlib; install it with: pip install 'segmentd[plots]'") from None
    return Figure
