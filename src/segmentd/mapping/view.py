"""The files of one generation as a reader has them mapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentd.mapping.index import Slots
from segmentd.mapping.manifest import SegmentLine, read_manifest, read_segments
from segmentd.mapping.private_files import map_array

C = TypeVar("C")
P = TypeVar("P")


class Bit(NamedTuple, Generic[P]):
    """Where the bit of an active segment is, whether it depends on time, and what answers say of it besides."""

    word: int
    shift: int
    clock: bool
    says: P


@dataclass(frozen=True, slots=True)
class Interpreted(Generic[C, P]):
    """What the segments of a generation are to whoever asks: a catalogue, and the active ones by id."""

    catalogue: C
    bits: Mapping[str, Bit[P]]


Interpret: TypeAlias = Callable[[Sequence[SegmentLine]], Interpreted[C, P]]


@dataclass(frozen=True, slots=True, eq=False)
class View(Generic[C, P]):
    """`words` uint64 (rows, width), `horizons` int64 (rows,), `slots` of the index; and each once more as plain words:
    one of them is read in a fifth of the time that numpy takes.
    """

    generation: int
    homes: int
    rows: int
    width: int
    slots: Slots
    words: NDArray[np.uint64]
    horizons: NDArray[np.int64]
    slot_words: memoryview
    member_words: memoryview
    horizon_words: memoryview
    catalogue: C
    bits: Mapping[str, Bit[P]]


def map_view(directory: Path, generation: int, interpret: Interpret[C, P]) -> View[C, P]:
    """Map a generation. Raises FileNotFoundError where a later one has replaced it."""
    manifest = read_manifest(directory, generation)
    words = map_array(directory / manifest.words, (manifest.rows, manifest.width), np.uint64)
    horizons = map_array(directory / manifest.horizons, (manifest.rows,), np.int64)
    slots = map_array(directory / manifest.index, (manifest.size, 2), np.uint64)
    meaning = interpret(read_segments(directory / manifest.segments))
    return View(
        generation,
        manifest.homes,
        manifest.rows,
        manifest.width,
        slots,
        words,
        horizons,
        slots.data.cast("B").cast("Q"),
        words.data.cast("B").cast("Q"),
        horizons.data.cast("B").cast("q"),
        meaning.catalogue,
        meaning.bits,
    )
