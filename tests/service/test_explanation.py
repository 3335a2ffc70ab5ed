"""Explanations stay of a size that can be answered."""

from __future__ import annotations

import asyncio

from tests.service.opened import define

from segmentd.engine.explain import MAX_NODES, Explanation
from segmentd.population.kinds import Json
from segmentd.service.items import ProfileWrite
from segmentd.service.service import Service


def size(tree: Explanation) -> int:
    return 1 + sum(map(size, tree.children))


def test_segments_that_refer_to_others_several_times_do_not_unfold_without_end(service: Service) -> None:
    """Unfolded in full, the tree of the last one would have 4 ** 12 leaves."""

    async def scenario() -> Explanation:
        await service.profiles.upsert([ProfileWrite("u", {"x": 1})])
        await define(service, "s0", {"attribute": {"x": {"equals": 1}}})
        for level in range(12):
            target: Json = {"segment": f"s{level}"}
            await define(service, f"s{level + 1}", {"all": [target, target, target, target]})
        tree = (await service.memberships.explain("u", "s12", with_leaves=False)).tree
        assert tree is not None
        return tree

    tree = asyncio.run(scenario())
    assert tree.member
    assert size(tree) < MAX_NODES + 100
