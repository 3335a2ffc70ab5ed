"""Publishing to workers: the mapped files follow what `Live` publishes, in the same breath."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from segmentd.engine.catalogue import Catalogue, Entry
from segmentd.engine.memberships import in_memory
from segmentd.errors import StorageFailed
from segmentd.mapping.hashing import Digest, default_digest
from segmentd.mapping.manifest import ModelLine, SegmentLine
from segmentd.mapping.publisher import Publisher
from segmentd.service.live import Live
from segmentd.service.pause import Pause
from segmentd.service.publication import Publication
from segmentd.service.segment_info import SegmentInfo
from segmentd.times import FOREVER, MINUTE, SECOND, Clock

OPTIONAL: Final = "foreseen"
"""The array without which everything else goes on."""
_FIRST_PAUSE: Final = 3 * SECOND
"""Until then workers have seen at two looks, a second apart, that nothing is published, and given up the old files."""
_LONGEST_PAUSE: Final = MINUTE
_log = logging.getLogger(__name__)


class MappedPublication(Publication):
    """Used by the engine's thread alone. From its start on the arrays of the memberships are mapped files.

    Where a file cannot be made, be it that the disk is full, nothing is published any more: what is in memory alone
    takes the place of what was mapped, readers leave all questions to the engine, and later all files are made anew.
    """

    def __init__(self, live: Live, clock: Clock, directory: Path, digest: Digest = default_digest) -> None:
        """Makes the directory anew and publishes what there is. Raises StorageFailed where not even a head can be."""
        self._live = live
        self._clock = clock
        self._publisher = Publisher(directory, digest)
        self._catalogue: Catalogue | None = None
        self._segments: dict[str, SegmentInfo] = {}
        self._suspended = False
        self._pause = Pause(_FIRST_PAUSE, _LONGEST_PAUSE)
        try:
            self.set_clock(clock)
            self.start_over(live)
            with live.lock, self:
                live.publication = self
        except BaseException:
            self._publisher.close()
            raise

    def __enter__(self) -> None:
        self._publisher.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None or self._suspended:
            return
        with self._or_suspended():
            self._publish()

    def prepare(self, live: Live) -> None:
        if not self._suspended:
            # Readers take a row beyond the published ones for nobody's, so new ids may be in the index before.
            rows = np.arange(live.published_rows, len(live.users), dtype=np.int64)
            with self._or_suspended():
                self._publisher.enter(live.users.user_ids[live.published_rows : len(live.users)], rows)
        live.memberships.ensure(len(live.users))

    def start_over(self, live: Live) -> None:
        if live is not self._live:  # a traceback may hold on to what was there before, and so to the room of its files
            self._live.memberships.move_to(in_memory)
        if not self._suspended:
            with self._or_suspended():
                self._move_to_files(live)

    def lead(self, user_ids: Iterable[str], row: int) -> None:
        if not self._suspended:
            self._publisher.lead(user_ids, row)

    def forget(self, user_ids: Iterable[str]) -> None:
        if self._suspended:
            self._publisher.abandon()  # the old index knows of them
        else:
            self._publisher.forget(user_ids)

    def set_clock(self, clock: Clock) -> None:
        self._publisher.freeze(clock.now() if clock.frozen else None)

    def next_try(self) -> int:
        if not self._suspended or self._clock.frozen:  # where it is frozen, `try_again` does not wait
            return FOREVER
        return self._pause.until(self._clock.now())

    def try_again(self) -> None:
        if not self._suspended or (not self._clock.frozen and self.next_try() > self._clock.now()):
            return
        live = self._live
        self._give_up_files()
        self._suspended = False
        self.start_over(live)
        with live.lock, self:
            pass
        if self._suspended:
            self._give_up_files()  # a part of them is of no use, and others may lack its room
        else:
            self._pause.end()
            _log.info("workers answer again")

    def close(self) -> None:
        self._publisher.close()

    def _move_to_files(self, live: Live) -> None:
        """Nothing moves before there is a file for everything, since it may be in vain. Raises StorageFailed."""
        memberships, index = live.memberships, live.users.index
        old = {"words": memberships.words, "horizons": memberships.horizons}
        files = {name: self._publisher.zeros(name, array.shape, array.dtype) for name, array in old.items()}
        self._publisher.reset_index(list(index), np.fromiter(index.values(), np.int64, len(index)))

        def allocate(name: str, shape: tuple[int, ...], dtype: DTypeLike, /) -> NDArray[Any]:
            return files.pop(name) if name in files else self._zeros(name, shape, dtype)

        memberships.move_to(allocate)

    def _publish(self) -> None:
        live, memberships = self._live, self._live.memberships
        if live.catalogue is not self._catalogue or live.segments is not self._segments:
            self._publisher.describe(segment_lines(live.catalogue, live.segments))
            self._catalogue, self._segments = live.catalogue, live.segments
        self._publisher.end(
            memberships.words,
            memberships.horizons,
            memberships.foreseen,
            live.revision,
            live.instant,
            live.published_rows,
        )

    def _zeros(self, name: str, shape: tuple[int, ...], dtype: DTypeLike, /) -> NDArray[Any]:
        """A mapped array, or one in memory where that cannot be had. Raises StorageFailed for one that is optional."""
        if not self._suspended:
            try:
                return self._publisher.zeros(name, shape, dtype)
            except (StorageFailed, OSError) as error:
                if name == OPTIONAL:
                    raise StorageFailed(str(error)) from error
                self._suspend(error)
        return in_memory(name, shape, dtype)

    @contextmanager
    def _or_suspended(self) -> Iterator[None]:
        try:
            yield
        except (StorageFailed, OSError) as error:
            self._suspend(error)

    def _suspend(self, error: StorageFailed | OSError) -> None:
        self._publisher.begin()
        self._suspended = True
        said = _log.debug if self._pause.begun else _log.warning
        self._pause.begin(self._clock.now())
        said("workers leave all questions to the engine until there is room again: %s", error)

    def _give_up_files(self) -> None:
        memberships = self._live.memberships
        if any(isinstance(each.base, np.memmap) for each in (memberships.words, memberships.horizons)):
            memberships.move_to(in_memory)
        self._publisher.abandon()
        self._catalogue = None


def segment_lines(catalogue: Catalogue, segments: dict[str, SegmentInfo]) -> list[SegmentLine]:
    """What readers have to know of the segments."""
    return [_line(entry, segments[name]) for name, entry in catalogue.entries.items()]


def _line(entry: Entry, info: SegmentInfo) -> SegmentLine:
    definition, plan = entry.definition, entry.plan
    models = plan.all_models if plan is not None else ()
    return SegmentLine(
        definition.segment_id,
        definition.segment_key,
        definition.version,
        entry.state,
        entry.reason,
        plan.slot if plan is not None else -1,
        plan.clock if plan is not None else False,
        tuple(ModelLine(each.key, each.version, each.fit_time) for each in models),
        info.spec.name,
        dict(info.spec.labels),
    )
