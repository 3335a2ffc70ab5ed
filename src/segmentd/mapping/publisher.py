"""The engine's side: what readers of the mapped files see, from one revision to the next."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from segmentd.mapping import private_files
from segmentd.mapping.hashing import Digest, default_digest, new_seed
from segmentd.mapping.head import NAME, HeadWriter
from segmentd.mapping.index import Rows
from segmentd.mapping.index_writer import IndexWriter
from segmentd.mapping.manifest import Manifest, SegmentLine, manifest_name, write_manifest, write_segments
from segmentd.population.foreseen import Foreseen

_INDEX: Final = "index"
MAPPED: Final = private_files.Contents(
    re.compile(rf"{NAME}|(words|horizons|foreseen|{_INDEX}|segments|manifest)-\d+(\.new)?")
)
"""The names of all files that a publisher makes, unfinished ones too."""


class Publisher:
    """A directory of mapped files and what is in them; used by the engine's thread alone.

    What readers see changes between `begin` and `end`. Where an error gets in between, the sequence stays odd, and
    nobody reads until a later `end`. Arrays come from `zeros`. What is written to those that `end` was last told of is
    seen at once; whoever does that outside of the two has to leave every answer right. `reset_index` comes before the
    first `end`.
    """

    def __init__(self, directory: Path, digest: Digest = default_digest) -> None:
        """Makes the directory anew, with a head in it. Raises StorageFailed."""
        private_files.make(directory, MAPPED)
        self.directory = directory
        self._digest = digest
        self._seed = new_seed()
        self._made = 0
        self._names: dict[int, tuple[str, NDArray[Any]]] = {}
        """The file of each array, by its identity; the array is kept so that no other gets the same."""
        self._segments = ""
        self._manifest: Manifest | None = None
        self._generation = 0
        self._epoch = 0
        self._head = HeadWriter(directory, self._seed)
        self._index = self._no_index()

    def zeros(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array of zeros in a new file. Raises StorageFailed."""
        file = self._new_name(name)
        array = private_files.new_array(self.directory / file, shape, dtype)
        self._names[id(array)] = file, array
        return array

    def reset_index(self, user_ids: Sequence[str], rows: Rows) -> None:
        """The index has these ids and no others, from the next `end` on."""
        self._index = IndexWriter(self._digest, self._seed, lambda size: self.zeros(_INDEX, (size, 2), np.uint64))
        self._epoch += 1
        self._index.enter(user_ids, rows)

    def abandon(self) -> None:
        """Nobody reads until the next `end`, before which everything is to be given anew; all files but the head go.

        Their room is free once nobody has them mapped: the arrays that came from `zeros` are to be given up before.
        """
        self._head.begin()
        self._index = self._no_index()
        self._names, self._segments, self._manifest = {}, "", None
        self._remove_all_but({NAME})

    def enter(self, user_ids: Sequence[str], rows: Rows) -> None:
        """New ids lead to rows that are not published yet; also before `begin`."""
        self._index.enter(user_ids, rows)

    def lead(self, user_ids: Iterable[str], row: int) -> None:
        """Ids that are in the index lead to another row."""
        self._epoch += 1
        for user_id in user_ids:
            self._index.lead(user_id, row)

    def forget(self, user_ids: Iterable[str]) -> None:
        """Ids that are in the index lead nowhere."""
        self._epoch += 1
        for user_id in user_ids:
            self._index.forget(user_id)

    def freeze(self, instant: int | None) -> None:
        """Where a frozen clock stands; None: the clock is that of the wall."""
        self._head.freeze(instant)

    def describe(self, lines: list[SegmentLine]) -> None:
        """The segments from the next `end` on. Raises StorageFailed."""
        self._segments = self._new_name("segments")
        write_segments(self.directory / self._segments, lines)

    def begin(self) -> None:
        """Readers wait from now on."""
        self._head.begin()

    def end(
        self,
        words: NDArray[np.uint64],
        horizons: NDArray[np.int64],
        foreseen: Foreseen | None,
        revision: int,
        instant: int,
        published_rows: int,
    ) -> None:
        """Publish; `describe` was called before. Raises StorageFailed where another generation cannot be written."""
        manifest = self._current(words, horizons, foreseen)
        if manifest != self._manifest:
            write_manifest(self.directory, self._generation + 1, manifest)
            self._generation += 1
        self._head.end(self._generation, revision, instant, published_rows, self._epoch)
        if manifest != self._manifest:
            self._manifest = manifest
            self._remove_others(manifest)

    def close(self) -> None:
        """Remove the directory; whoever has files of it mapped keeps them until it ends."""
        self._head.close()
        private_files.leave(self.directory, MAPPED)

    def _current(self, words: NDArray[np.uint64], horizons: NDArray[np.int64], foreseen: Foreseen | None) -> Manifest:
        index = self._index
        rows, width = words.shape
        return Manifest(
            self._name_of(words),
            self._name_of(horizons),
            rows,
            width,
            self._name_of(index.slots),
            index.homes,
            len(index.slots),
            self._segments,
            self._name_of(foreseen.whole) if foreseen is not None else "",
        )

    def _name_of(self, array: NDArray[Any]) -> str:
        return self._names[id(array)][0]

    def _remove_others(self, manifest: Manifest) -> None:
        """Arrays that were replaced are no longer written to, and need no names."""
        self._names = {key: named for key, named in self._names.items() if named[0] in manifest.files}
        self._remove_all_but({*manifest.files, NAME, manifest_name(self._generation)})

    def _remove_all_but(self, kept: Collection[str]) -> None:
        with suppress(OSError):  # nobody needs them; the next time is soon enough
            for path in self.directory.iterdir():
                if path.name not in kept:
                    path.unlink()

    def _no_index(self) -> IndexWriter:
        """Stands for one until `reset_index`; no file."""
        return IndexWriter(self._digest, self._seed, lambda size: np.zeros((size, 2), dtype=np.uint64))

    def _new_name(self, name: str) -> str:
        self._made += 1
        return f"{name}-{self._made}"
