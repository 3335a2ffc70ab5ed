"""The offsets of a zone and when they change, found by asking zoneinfo: no local time is ever constructed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC as UTC_ZONE
from datetime import datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from segmentd.times import SECOND, from_datetime

SPAN_START: Final = from_datetime(datetime(1900, 1, 1, tzinfo=UTC_ZONE))
SPAN_END: Final = from_datetime(datetime(2150, 1, 1, tzinfo=UTC_ZONE))
ZONES_VERSION: Final = version("tzdata")
"""The release of the time zone database; local answers may change with it."""

_PROBE_STEP: Final = 6 * 24 * 3600
"""Seconds between probes; the shortest stay at an offset since 1900 is longer (a test looks at all zones)."""


@cache
def zone_names() -> frozenset[str]:
    """All names of the time zone database."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


def read_zone(name: str) -> ZoneInfo:
    """The zone as the tzdata package has it. Raises ValueError where there is no such name."""
    if name not in zone_names():
        raise ValueError(f"{name!r} is not a time zone; write an IANA name such as Europe/Berlin")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def offsets_of(zone: ZoneInfo) -> list[tuple[int, int]]:
    """Pairs (instant, offset in microseconds): from that instant on the offset holds; the first is SPAN_START."""
    return [(second * SECOND, offset * SECOND) for second, offset in _pieces(_offset_at(zone))]


def _offset_at(zone: ZoneInfo) -> Callable[[int], int]:
    instant = datetime.fromtimestamp  # a quarter of the time of astimezone, and this is asked 15,000 times a zone

    def offset(second: int) -> int:
        found = instant(second, zone).utcoffset()
        return 0 if found is None else found.days * 86_400 + found.seconds

    return offset


def _pieces(offset_at: Callable[[int], int]) -> Iterator[tuple[int, int]]:
    low, end = SPAN_START // SECOND, SPAN_END // SECOND
    offset = offset_at(low)
    yield low, offset
    while low < end:
        high = min(low + _PROBE_STEP, end)
        found = offset_at(high)
        if found != offset:
            high = _first_change(offset_at, low, high, offset)
            offset = offset_at(high)
            yield high, offset
        low = high


def _first_change(offset_at: Callable[[int], int], low: int, high: int, offset: int) -> int:
    """The first second at which `offset` no longer holds; it holds at `low`, not at `high`."""
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(middle) == offset:
            low = middle
        else:
            high = middle
    return high
