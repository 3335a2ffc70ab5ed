"""The segments of the quarter: those of the demo app, and beside them what it takes to have every built-in type."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from segmentd.cli.definitions.reading import read_values
from segmentd.service.segment_info import SegmentSpec

_HERE: Final = Path(__file__).parent
FILES: Final = (_HERE.parents[1] / "examples" / "shop" / "segments.yaml", _HERE / "segments.yaml")
UPLOADED: Final = "beta"
"""The user list that some segment asks for."""
GUEST: Final = "guest"
"""A user whom only a definition names."""


def definitions() -> list[SegmentSpec]:
    """All of them, each after those that it refers to."""
    return [_spec(each) for path in FILES for each in _segments(path)]


def _segments(path: Path) -> list[Any]:
    value: Any = read_values(path).value
    return list(value["segments"])


def _spec(given: dict[str, Any]) -> SegmentSpec:
    include, exclude = (tuple(given.get(key, {}).get("users", ())) for key in ("include", "exclude"))
    return SegmentSpec(given["id"], rule=given["rule"], include=include, exclude=exclude)
