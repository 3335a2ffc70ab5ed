"""The files of one generation as a reader has them mapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentd.mapping.index import Slots
from segmentd.mapping.manifest import SegmentLine, read_manifest, read_segments
from segmentd.mapping.private_files import map_array
from segmentd.population.foreseen import Foreseen

NO_GENERATION: Final = -1
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
    one of them is read in a fifth of the time that numpy takes. `foreseen` stands beside the first two.
    """

    generation: int
    homes: int
    rows: int
    width: int
    slots: Slots
    words: NDArray[np.uint64]
    horizons: NDArray[np.int64]
    foreseen: Foreseen | None
    slot_words: memoryview
    member_words: memoryview
    horizon_words: memoryview
    catalogue: C
    bits: Mapping[str, Bit[P]]

    def answer(self, row: int, word: int, at: int) -> tuple[int, int]:
        """One word of a row at an instant, and until when it holds; where that is no later one, it is out of date."""
        horizon = self.horizon_words[row]
        if at >= horizon and self.foreseen is not None:
            foreseen = self.foreseen.of(row, word, at)
            if foreseen is not None:
                return foreseen
        return self.member_words[row * self.width + word], horizon


def map_view(directory: Path, generation: int, interpret: Interpret[C, P]) -> View[C, P]:
    """Map a generation. Raises FileNotFoundError where a later one has replaced it."""
    manifest = read_manifest(directory, generation)
    shape = manifest.rows, manifest.width
    words = map_array(directory / manifest.words, shape, np.uint64)
    horizons = map_array(directory / manifest.horizons, shape[:1], np.int64)
    foreseen = None
    if manifest.foreseen:
        whole = map_array(directory / manifest.foreseen, (Foreseen.size(*shape),), np.uint64)
        foreseen = Foreseen(whole, manifest.rows)
    slots = map_array(directory / manifest.index, (manifest.size, 2), np.uint64)
    meaning = interpret(read_segments(directory / manifest.segments))
    return _view(generation, manifest.homes, slots, words, horizons, foreseen, meaning)


def nothing_mapped(interpret: Interpret[C, P]) -> View[C, P]:
    """A view of no generation and nobody, which takes no room."""
    free = np.zeros((1, 2), dtype=np.uint64)  # a search ends there
    words, horizons = np.zeros((1, 1), dtype=np.uint64), np.zeros(1, dtype=np.int64)
    return _view(NO_GENERATION, 1, free, words, horizons, None, interpret(()))


def _view(
    generation: int,
    homes: int,
    slots: Slots,
    words: NDArray[np.uint64],
    horizons: NDArray[np.int64],
    foreseen: Foreseen | None,
    meaning: Interpreted[C, P],
) -> View[C, P]:
    rows, width = words.shape
    return View(
        generation,
        homes,
        rows,
        width,
        slots,
        words,
        horizons,
        foreseen,
        slots.data.cast("B").cast("Q"),
        words.data.cast("B").cast("Q"),
        horizons.data.cast("B").cast("q"),
        meaning.catalogue,
        meaning.bits,
    )
