"""Limits hold where they say, and nowhere else."""

from __future__ import annotations

import asyncio

from segmentd.service.items import EventWrite
from segmentd.service.service import Service
from segmentd.service.value_types import MAX_KNOWN_NAMES


def wide(event: str, start: int, names: int = 500) -> EventWrite:
    """An event with so many properties, numbered from `start`."""
    return EventWrite("u", event, properties={f"p{start + i}": i for i in range(names)})


def test_names_new_to_one_event_leave_room_for_those_of_others(service: Service) -> None:
    """One commit group may bring more new names than one event can have."""
    writes = [wide(f"E{i}", 0) for i in range(MAX_KNOWN_NAMES // 500 + 2)]
    assert [each.error for each in asyncio.run(service.profiles.ingest(writes)).results] == [None] * len(writes)


def test_the_most_names_of_one_event_are_the_most_within_one_group_too(service: Service) -> None:
    writes = [wide("E", 500 * i) for i in range(MAX_KNOWN_NAMES // 500)]
    assert all(each.error is None for each in asyncio.run(service.profiles.ingest(writes)).results)
    [full] = asyncio.run(service.profiles.ingest([wide("E", MAX_KNOWN_NAMES, 1)])).results
    assert "there are 10,000 properties of E already" in str(full.error)
