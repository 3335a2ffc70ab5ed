"""Moves of the log as the batches that consumers get: named at each attempt, so that who was erased has no name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from hashlib import blake2b

from segmentd.plugins.consumer import Batch, MembershipChange
from segmentd.records import LoggedTransition, Position
from segmentd.service.engine import Engine
from segmentd.service.log_naming import LogNaming, NamedMove


class Batches:
    """Makes the batches of one consumer; used by one thread."""

    def __init__(self, engine: Engine, consumer: str, database_id: str, text: Callable[[Position], str]) -> None:
        """`text` writes positions as watchers know them."""
        self._naming = LogNaming(engine.live, engine.log_reader)
        self._seed = f"{database_id} {consumer}"
        self._text = text

    def batch(self, moves: Sequence[LoggedTransition]) -> Batch:
        """The batch of these moves, one or more."""
        return Batch(self._id(moves), tuple(self._change(each) for each in self.named(moves)))

    def named(self, moves: Sequence[LoggedTransition]) -> list[NamedMove]:
        """The same moves with the ids of segments and users of now."""
        found = self._naming.at_once(moves)
        return found if found is not None else asyncio.run(self._naming.thoroughly(moves))

    def _id(self, moves: Sequence[LoggedTransition]) -> str:
        """The same for the same moves, whenever they are delivered; letters, digits and _ only."""
        first, last = moves[0].position, moves[-1].position
        return f"msg_{blake2b(f'{self._seed} {first} {last}'.encode(), digest_size=16).hexdigest()}"

    def _change(self, named: NamedMove) -> MembershipChange:
        logged, segment_id, user_id = named
        move = logged.transition
        return MembershipChange(
            segment_id,
            move.segment_version,
            user_id,
            move.user_key,
            move.entered,
            move.effective_time,
            logged.recorded_time,
            str(move.cause),
            (move.message_id or "") if user_id else "",
            logged.revision,
            self._text(logged.position),
        )
