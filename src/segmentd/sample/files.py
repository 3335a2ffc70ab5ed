"""Writes a shop as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from segmentd.sample.shop import Shop


def write_shop(shop: Shop, directory: Path) -> tuple[int, int]:
    """Writes `profiles.jsonl` and `events.jsonl` into the directory, made where absent; (profiles, events) written."""
    directory.mkdir(parents=True, exist_ok=True)
    return (
        _write(shop.profiles(), directory / "profiles.jsonl"),
        _write(shop.events(), directory / "events.jsonl"),
    )


def _write(rows: Iterable[dict[str, Any]], path: Path) -> int:
    count = 0
    with path.open("wb", buffering=1 << 20) as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
    return count
