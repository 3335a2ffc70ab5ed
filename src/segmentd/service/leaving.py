"""What the log says of users who are nobody from now on, beyond the moves that a judged pass finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from segmentd.engine.catalogue import State
from segmentd.engine.stage import Stage
from segmentd.records import TransitionRecord
from segmentd.service.live import Live
from segmentd.service.written import Cause
from segmentd.storage import Store
from segmentd.times import Micros


def unanswered_moves(
    live: Live, store: Store, stage: Stage, keys: Mapping[int, Sequence[int]], instant: Micros, cause: Cause
) -> list[TransitionRecord]:
    """The moves out of segments that could not be judged: users whom the log has in them leave, so that it adds up.

    `keys`: the surrogate keys that stand for each removed row.
    """
    user_keys = sorted(key for each in keys.values() for key in each)
    return [
        TransitionRecord(segment_key, version, user_key, False, instant, cause)
        for segment_key, version in _unjudged(live, stage, list(keys))
        for user_key in user_keys
        if store.member_at(segment_key, user_key, instant)
    ]


def _unjudged(live: Live, stage: Stage, rows: list[int]) -> Iterator[tuple[int, int]]:
    """(segment key, version) of those that have no plan, or whose plan failed just now and kept its bits."""
    words, _ = stage.read(np.array(sorted(rows), dtype=np.int64))
    for entry in live.catalogue.entries.values():
        definition, plan = entry.definition, entry.plan
        if entry.state is State.ARCHIVED:
            continue
        if plan is None or bool((words[:, plan.slot >> 6] & np.uint64(1 << (plan.slot & 63))).any()):
            yield definition.segment_key, definition.version
