"""What a benchmark prints, the rounds behind it, and the sizes that it takes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from statistics import median


def show(name: str, value: float, unit: str, peer: str, peer_value: float) -> None:
    """Print one figure as a JSON object; `ratio` is value / peer_value, so higher is better for rates only."""
    figure = {"name": name, "value": _rounded(value), "unit": unit}
    figure |= {"peer": peer, "peer_value": _rounded(peer_value), "ratio": _rounded(value / peer_value)}
    print(json.dumps(figure, ensure_ascii=False), flush=True)


def medians(rounds: int, *sides: Callable[[], float]) -> list[float]:
    """The median of each side's measurements; the sides take turns, so that what disturbs one disturbs all."""
    measured = [[side() for side in sides] for _ in range(rounds)]
    return [median(values) for values in zip(*measured, strict=True)]


def size_options(**defaults: int) -> argparse.Namespace:
    """The command line: an option for each size, as in `--users 20000`."""
    parser = argparse.ArgumentParser()
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default:,}")
    return parser.parse_args()


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
