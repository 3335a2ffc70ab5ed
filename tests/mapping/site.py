"""A service on a database in a file whose memberships are mapped, and a reader beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from tests.mapping.same_answers import compare
from tests.service.opened import define, opened

from segmentd.population.kinds import Json
from segmentd.service.items import ProfileWrite
from segmentd.service.mapped_memberships import MappedMemberships

T = TypeVar("T")
PRO: Json = {"attribute": {"plan": {"equals": "pro"}}}


class Site:
    """Everything by plain calls."""

    def __init__(self, folder: Path) -> None:
        self.service = opened(folder / "test.db")
        self.directory = folder / "mapped"
        self.service.map_to(self.directory)
        self.engine = self.service._engine
        self.mapped = MappedMemberships(self.directory)

    def do(self, asking: Coroutine[Any, Any, T]) -> T:
        """Run a use case."""
        return asyncio.run(_awaited(asking))

    def define(self, name: str, rule: Json = PRO) -> None:
        """A new segment."""
        self.do(define(self.service, name, rule))

    def write(self, *user_ids: str, plan: str = "pro") -> None:
        """Set the plan of these users, in one commit."""
        outcome = self.do(self.service.profiles.upsert([ProfileWrite(each, {"plan": plan}) for each in user_ids]))
        assert not any(each.error for each in outcome.results)

    def compare(self, users: Collection[str]) -> None:
        """The reader says of these users what the engine says."""
        engine = self.engine
        compare(engine.live, self.service.memberships, self.mapped, engine.clock.now(), users)


async def _awaited(asking: Coroutine[Any, Any, T]) -> T:
    return await asking
