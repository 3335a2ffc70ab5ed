"""What random histories rarely come to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.engine.driver import START, event, tally
from tests.engine.oracle import Definition
from tests.movement.site import Site, spec_of

from segmentd.population.kinds import Json
from segmentd.service.log_pages import LogPage
from segmentd.service.merging import UserMerge
from segmentd.service.watch_parts import Wanted
from segmentd.times import Micros


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Nobody there."""
    site = Site(tmp_path, 0)
    yield site
    site.close()


def define(site: Site, rule: Json) -> None:
    """Segment s."""
    for _ in site.edit(spec_of("s", Definition({}), rule), lambda: None):
        pass


def test_who_is_absorbed_leaves_also_what_cannot_be_judged(site: Site) -> None:
    define(site, tally())
    site.write([event("a"), event("b")])
    define(site, {"richer": {"attribute": "points"}})
    assert set(site.store.members(1).tolist()) == {1, 2}
    site.do(site.identity.merge([UserMerge("a", "b")]))
    assert set(site.store.members(1).tolist()) == {2}
    last = site.log()[-1].entry
    assert (last.user, last.entered, last.cause) == (1, False, "MERGE")


async def told(site: Site, wanted: Wanted, meanwhile: Callable[[], Awaitable[object]]) -> list[tuple[str, bool]]:
    """(user, entered) of the moves that a watcher hears of who does not listen while something happens."""
    async with aclosing(site.watching.watch(wanted)) as parts:
        await anext(parts)
        await meanwhile()
        found: list[tuple[str, bool]] = []
        while isinstance(part := await anext(parts), LogPage):
            found += [(move.user_id, move.logged.transition.entered) for move in part.moves]
    return found


def test_a_segment_that_comes_and_goes_between_two_looks_is_heard_of(site: Site) -> None:
    async def meanwhile() -> None:
        for _ in range(2):
            site.runner.get_loop().call_soon(site.hand.run)
            await site.segments.delete("s")
            define(site, tally())

    site.write([event("a")])
    define(site, tally())
    wanted = Wanted(segment_ids=("s",), checkpoint_interval=0.0)
    moves = site.runner.run(told(site, wanted, meanwhile))
    assert moves == [("a", False), ("a", True), ("a", False), ("a", True)]


def test_a_user_who_comes_and_is_merged_between_two_looks_is_heard_of(site: Site) -> None:
    async def meanwhile() -> None:
        site.write([event("a")])
        await site.identity.merge([UserMerge("a", "b")])

    site.write([event("b", "F")])
    define(site, tally())
    moves = site.runner.run(told(site, Wanted(user_ids=("a",), checkpoint_interval=0.0), meanwhile))
    assert moves == [("a", True), ("a", False), ("b", True)]


def test_what_an_erased_user_did_by_time_is_erased_too(site: Site) -> None:
    define(site, tally(within=5))
    site.write([event("a"), event("b")])
    site.clock.move_to(Micros(START + 20))
    site.do(site.identity.erase("a"))
    moves = [(each.entry.user, each.entry.entered, each.entry.at, each.entry.cause) for each in site.log()]
    assert moves[1:] == [(2, False, 6, "TIME"), (1, False, 20, "ERASURE")]
