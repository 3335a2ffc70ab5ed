"""Batches, each item of which is taken or refused by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from segmentd.errors import InvalidInput
from segmentd.niceness import give_way
from segmentd.server.faults import Faults

T = TypeVar("T")
W = TypeVar("W")
R = TypeVar("R")
_TURN: Final = 64
"""So many items are converted in a row; then the loop serves others."""


def converted(
    items: Sequence[T], convert: Callable[[T, Faults], W], refuse: Callable[[InvalidInput], R]
) -> tuple[list[W], dict[int, R]]:
    """The items of sound form in order, and index → result for the others. Paths are relative to the item."""
    sound: list[W] = []
    refused: dict[int, R] = {}
    faults = Faults()
    for index, item in enumerate(items):
        give_way()
        write = convert(item, faults)
        if faults.found:
            refused[index] = refuse(InvalidInput(faults.found))
            faults = Faults()
        else:
            sound.append(write)
    return sound, refused


async def converted_in_turns(
    items: Sequence[T], convert: Callable[[T, Faults], W], refuse: Callable[[InvalidInput], R]
) -> tuple[list[W], dict[int, R]]:
    """The same of a batch that may be large, in turns with whatever else the loop serves."""
    sound, refused = converted(items[:_TURN], convert, refuse)
    for start in range(_TURN, len(items), _TURN):
        await asyncio.sleep(0)
        more, faulty = converted(items[start : start + _TURN], convert, refuse)
        sound += more
        refused |= {start + index: result for index, result in faulty.items()}
    return sound, refused


def merged(results: Sequence[R], refused: Mapping[int, R]) -> Iterator[tuple[int, R]]:
    """All items by index: those refused for their form, and what became of the others."""
    rest = iter(results)
    for index in range(len(results) + len(refused)):
        yield index, refused[index] if index in refused else next(rest)
