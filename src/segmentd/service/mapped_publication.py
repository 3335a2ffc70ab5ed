"""Publishing to workers: the mapped files follow what `Live` publishes, in the same breath."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import numpy as np

from segmentd.engine.catalogue import Catalogue, Entry
from segmentd.mapping.hashing import Digest, default_digest
from segmentd.mapping.manifest import ModelLine, SegmentLine
from segmentd.mapping.publisher import Publisher
from segmentd.service.live import Live
from segmentd.service.publication import Publication
from segmentd.service.segment_info import SegmentInfo
from segmentd.times import Clock


class MappedPublication(Publication):
    """Used by the engine's thread alone. From its start on the arrays of the memberships are mapped files."""

    def __init__(self, live: Live, clock: Clock, directory: Path, digest: Digest = default_digest) -> None:
        """Makes the directory anew and publishes what there is. Raises StorageFailed."""
        self._live = live
        self._publisher = Publisher(directory, digest)
        self._catalogue: Catalogue | None = None
        self._segments: dict[str, SegmentInfo] = {}
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
        if kind is not None:
            return
        live = self._live
        if live.catalogue is not self._catalogue or live.segments is not self._segments:
            self._publisher.describe(segment_lines(live.catalogue, live.segments))
            self._catalogue, self._segments = live.catalogue, live.segments
        memberships = live.memberships
        self._publisher.end(
            memberships.words,
            memberships.horizons,
            memberships.foreseen,
            live.revision,
            live.instant,
            live.published_rows,
        )

    def prepare(self, live: Live) -> None:
        # Readers take a row beyond the published ones for nobody's, so new ids may be in the index before.
        rows = np.arange(live.published_rows, len(live.users), dtype=np.int64)
        self._publisher.enter(live.users.user_ids[live.published_rows : len(live.users)], rows)
        live.memberships.ensure(len(live.users))

    def start_over(self, live: Live) -> None:
        index = live.users.index
        live.memberships.move_to(self._publisher.zeros)
        self._publisher.reset_index(list(index), np.fromiter(index.values(), np.int64, len(index)))

    def lead(self, user_ids: Iterable[str], row: int) -> None:
        self._publisher.lead(user_ids, row)

    def forget(self, user_ids: Iterable[str]) -> None:
        self._publisher.forget(user_ids)

    def set_clock(self, clock: Clock) -> None:
        self._publisher.freeze(clock.now() if clock.frozen else None)

    def close(self) -> None:
        self._publisher.close()


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
