"""Moves of the log as messages."""

from __future__ import annotations

from typing import Final

from segmentd.server.instants import to_timestamp
from segmentd.service.log_naming import NamedMove
from segmentd.service.positions import Positions
from segmentd.v1 import transition_pb2

_CAUSES: Final = {
    name.removeprefix("TRANSITION_CAUSE_"): number for name, number in transition_pb2.TransitionCause.items()
}


def transition(move: NamedMove, positions: Positions) -> transition_pb2.Transition:
    """One move, with the position after it."""
    logged = move.logged
    made = logged.transition
    return transition_pb2.Transition(
        position=positions.text(logged.position),
        revision=logged.revision,
        segment_id=move.segment_id,
        segment_version=made.segment_version,
        user_id=move.user_id,
        user_key=made.user_key,
        move=transition_pb2.MOVE_ENTERED if made.entered else transition_pb2.MOVE_LEFT,
        effective_time=to_timestamp(made.effective_time),
        recorded_time=to_timestamp(logged.recorded_time),
        cause=_CAUSES[made.cause],
        message_id=made.message_id or "",
    )
