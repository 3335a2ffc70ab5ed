"""What the mapped files of one generation are: arrays with their shapes, and the segments."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson

from segmentd.mapping.private_files import open_read_only, write

_PREFIX: Final = "manifest-"


@dataclass(frozen=True, slots=True)
class ModelLine:
    """The model that a segment is judged with: its identity, without what it learned."""

    key: str
    version: int
    fit_time: int


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """One segment as readers need it. `slot` is -1, and `clock` and `models` mean nothing, where it is not active."""

    segment_id: str
    segment_key: int
    version: int
    state: str
    reason: str
    slot: int
    clock: bool
    models: tuple[ModelLine, ...]
    name: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a generation by name: `words` uint64 (rows, width), `horizons` int64 (rows,), `index` uint64
    (size, 2), in which searches begin at so many `homes`, and `segments`, the `SegmentLine`s. `foreseen` is the
    array that `population.foreseen.Foreseen` is made of; empty where there is none.
    """

    words: str
    horizons: str
    rows: int
    width: int
    index: str
    homes: int
    size: int
    segments: str
    foreseen: str = ""

    @property
    def files(self) -> frozenset[str]:
        """The files that it names."""
        return frozenset(filter(None, (self.words, self.horizons, self.index, self.segments, self.foreseen)))


def manifest_name(generation: int) -> str:
    """The file of a generation's manifest."""
    return f"{_PREFIX}{generation}"


def write_manifest(directory: Path, generation: int, manifest: Manifest) -> None:
    """Raises StorageFailed."""
    write(directory / manifest_name(generation), orjson.dumps(asdict(manifest)))


def read_manifest(directory: Path, generation: int) -> Manifest:
    """Raises FileNotFoundError where a later one has replaced it."""
    return Manifest(**orjson.loads(_content(directory / manifest_name(generation))))


def write_segments(path: Path, lines: list[SegmentLine]) -> None:
    """Raises StorageFailed."""
    write(path, orjson.dumps([asdict(each) for each in lines]))


def read_segments(path: Path) -> list[SegmentLine]:
    """Raises FileNotFoundError where a later one has replaced it."""
    return [
        SegmentLine(**{**each, "models": tuple(ModelLine(**model) for model in each["models"])})
        for each in orjson.loads(_content(path))
    ]


def _content(path: Path) -> bytes:
    with os.fdopen(open_read_only(path), "rb") as file:
        return file.read()
