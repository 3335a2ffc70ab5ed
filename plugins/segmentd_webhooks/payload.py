"""The body of a request: a batch as JSON."""

from __future__ import annotations

from typing import Final

import orjson

from segmentd.api import Batch, MembershipChange, format_instant

TYPE: Final = "memberships.changed"


def body_of(batch: Batch) -> bytes:
    """UTF-8 JSON with `type`, `timestamp` (when the last change was recorded) and `data`."""
    return orjson.dumps(
        {
            "type": TYPE,
            "timestamp": format_instant(batch.changes[-1].recorded_time),
            "data": {"changes": [_change(each) for each in batch.changes]},
        }
    )


def _change(change: MembershipChange) -> dict[str, str | int]:
    """The fields of a transition as WatchTransitions and `segmentd watch --json` name them."""
    return {
        "position": change.position,
        "revision": change.revision,
        "segment_id": change.segment_id,
        "segment_version": change.segment_version,
        "user_id": change.user_id,
        "user_key": change.user_key,
        "move": "ENTERED" if change.entered else "LEFT",
        "effective_time": format_instant(change.effective_time),
        "recorded_time": format_instant(change.recorded_time),
        "cause": change.cause,
        "message_id": change.message_id,
    }
