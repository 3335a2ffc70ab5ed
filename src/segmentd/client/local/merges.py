"""Merges on their way into a copy: their moves and the ids that they lead on come apart, and are shown together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import transition_pb2

Moves: TypeAlias = list[transition_pb2.Transition]


class Merges:
    """Holds moves back from the first sign of a merge until a checkpoint says that all of it was told.

    `led` has the ids that lead to another user, as far as that is shown; other threads may look into it.
    """

    def __init__(self) -> None:
        self.led: dict[str, str] = {}
        self._coming: dict[str, str] = {}
        self._anew = False
        self._held: Moves | None = None

    def hold(self, transitions: Iterable[transition_pb2.Transition]) -> bool:
        """Whether they are held back, and not to be shown now."""
        if self._held is None:
            if all(each.cause != transition_pb2.TRANSITION_CAUSE_MERGE for each in transitions):
                return False
            self._held = []
        self._held.extend(transitions)
        return True

    def tell(self, part: questions.MergedIds) -> None:
        """Ids that lead to others, from the next checkpoint on."""
        if part.first:
            self._coming, self._anew = {}, True
        self._coming.update(zip(part.user_ids, part.survivor_ids, strict=True))
        if self._held is None:
            self._held = []

    def take(self, revision: int) -> tuple[Moves, Moves]:
        """The moves held back up to a revision of which all was told: of others, and of those who are led on now."""
        held = self._held or []
        self._held = [each for each in held if each.revision > revision] or None
        told = [each for each in held if each.revision <= revision]
        parts: tuple[Moves, Moves] = [], []
        for each in told:
            parts[each.user_id in self._coming].append(each)
        return parts

    def lead(self) -> None:
        """From now on the ids that were told lead to their survivors."""
        if self._anew:
            self.led = self._coming
        else:
            self.led.update(self._coming)
        self._coming, self._anew = {}, False
