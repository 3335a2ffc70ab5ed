"""The whole program without gRPC, at a frozen clock, with the built-in types."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from segmentd.plugins.host import load_plugins
from segmentd.population.kinds import Json
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.segments import SegmentView
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock, Micros, parse_instant

START = parse_instant("2026-01-01T00:00:00Z")


def opened(path: str | Path = ":memory:", at: Micros = START, disabled: Collection[str] = ()) -> Service:
    """A service on this database; close it."""
    return Service.open(path, load_plugins(disabled), FrozenClock(at), Currencies())


async def define(service: Service, name: str, rule: Json, include: tuple[str, ...] = ()) -> SegmentView:
    """Create a segment."""
    return await service.segments.create(SegmentSpec(name, rule=rule, include=include), "", "")


async def member(service: Service, user: str, segment: str) -> bool:
    """Whether the user is in the segment now."""
    return (await service.memberships.check(user, segment)).member
