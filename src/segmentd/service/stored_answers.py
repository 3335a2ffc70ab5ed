"""What the questions that stored bits answer need: the engine's memberships have it, and a worker's mapped ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from segmentd.service.memberships import Check, UserSegments
from segmentd.service.seen import Seen


class Revision(Protocol):
    """What is published, and waiting for more."""

    @property
    def revision(self) -> int:
        """The newest published revision."""

    async def at_least(self, min_revision: int) -> None:
        """Wait until a revision is published."""


class StoredAnswers(Revision, Protocol):
    """Questions about memberships; those of a worker may raise Elsewhere."""

    async def check(self, user_id: str, segment_id: str) -> Check:
        """Whether one user is in one segment."""

    async def see(self, user_ids: Sequence[str]) -> Seen:
        """All memberships of several users at one instant."""

    async def user_segments(
        self, user_id: str, labels: Mapping[str, str], after: str, limit: int, *, with_leaves: bool
    ) -> UserSegments:
        """At most `limit` segments with these labels that one user is in, by id, those beyond `after`."""
