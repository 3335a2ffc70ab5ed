"""What random histories rarely come to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.driver import event, tally
from tests.engine.oracle import Definition
from tests.movement.site import Site, spec_of

from segmentd.population.kinds import Json
from segmentd.service.merging import UserMerge


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
