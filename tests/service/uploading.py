"""Uploading lists as a server would, and what tests ask of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from segmentd.population.kinds import Json
from segmentd.service.service import Service
from segmentd.service.upload import Mode, UploadSpec
from segmentd.service.user_lists import Applied

BETA: Final[Json] = {"list": {"uploaded": "beta"}}
"""The rule that asks for the list beta."""


async def upload(
    service: Service, list_id: str, user_ids: Sequence[str], mode: Mode = Mode.REPLACE, **options: Any
) -> Applied:
    """Upload ids in messages of three, to a list that is made where it is not there."""
    spec = UploadSpec(list_id, mode, **{"create": True, "allow_empty": True, **options})
    with service.user_lists.receiving(spec) as receiving:
        for start in range(0, len(user_ids), 3):
            await service.user_lists.take(receiving, user_ids[start : start + 3])
        return await service.user_lists.apply(receiving)


async def listed(service: Service, list_id: str) -> set[str]:
    """The users of a list, read in pages of two."""
    found: list[str] = []
    after: int | None = 0
    while after is not None:
        page = await service.user_lists.members(list_id, after, 2)
        found += page.user_ids
        after = page.after
    assert len(found) == len(set(found)) == page.total
    return set(found)


async def members(service: Service, segment_id: str) -> set[str]:
    """The members of a segment."""
    return set((await service.memberships.members(segment_id, -1, 100_000)).user_ids)
