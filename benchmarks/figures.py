"""What a benchmark prints, the rounds behind it, and the sizes that it takes."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

CACHE = Path(__file__).parents[1] / ".bench-cache"
"""Where seeded databases stay between runs."""


def show(name: str, value: float, unit: str, peer: str, peer_value: float, **sizes: int | str) -> None:
    """Print one figure as a JSON object; `ratio` is value / peer_value, so higher is better for rates only.

    `sizes` are fields beside those: users, events, segments, or whatever else tells two figures of a name apart.
    """
    figure: dict[str, float | str | None] = {"name": name, "value": _rounded(value), "unit": unit}
    ratio = _rounded(value / peer_value) if peer_value else None
    figure |= {"peer": peer, "peer_value": _rounded(peer_value), "ratio": ratio, **sizes}
    print(json.dumps(figure, ensure_ascii=False), flush=True)


def medians(rounds: int, *sides: Callable[[], float]) -> list[float]:
    """The median of each side's measurements; the sides take turns, so that what disturbs one disturbs all."""
    measured = [[side() for side in sides] for _ in range(rounds)]
    return [median(values) for values in zip(*measured, strict=True)]


def size_options(smoke: Mapping[str, int] | None = None, **defaults: int) -> argparse.Namespace:
    """The command line: an option for each size, as in `--users 20000`, and `--cache` for seeded databases.

    `--smoke` takes the sizes of `smoke` in place of the defaults: as little as shows that the benchmark works.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", action="store_true", help="the smallest sizes that show that it works")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where seeded databases stay (default %(default)s)")
    for name, default in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, help=f"default {default:,}")
    given = parser.parse_args()
    sizes = defaults | (dict(smoke or {}) if given.smoke else {})
    for name, size in sizes.items():
        if getattr(given, name) is None:
            setattr(given, name, size)
    return given


def needs(program: str, package: str) -> str | None:
    """Where a program is; where it is missing, None and a line on stderr that says what would bring it."""
    found = shutil.which(program)
    if found is None:
        print(f"skipped: there is no {program} here; install {package}", file=sys.stderr, flush=True)
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
