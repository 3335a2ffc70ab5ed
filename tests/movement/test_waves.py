"""A wave of deadlines that is cut, and a process that is killed between two of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.driver import START, event, tally
from tests.engine.oracle import Definition
from tests.movement.site import Site, spec_of

from segmentd.service import commit
from segmentd.times import Micros


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Two deadlines make a wave; one segment of those who did E in the last ten microseconds."""
    monkeypatch.setattr(commit, "WAVE", 2)
    site = Site(tmp_path, 0)
    spec = spec_of("s", Definition({}), tally(within=10))
    for _ in site.edit(spec, lambda: None):
        pass
    yield site
    site.close()


def gone(site: Site) -> list[tuple[int, int]]:
    """(instant, user) of those who left."""
    return [(each.at, each.user) for each in (placed.entry for placed in site.log()) if not each.entered]


@pytest.mark.parametrize("steps", range(6))
def test_no_deadline_is_lost_between_two_parts(site: Site, steps: int) -> None:
    """One earlier than all others, and so many others at one instant that it is cut between them."""
    times = [2, 3, 3, 3, 3, 3, 3]
    site.clock.move_to(Micros(START + 5))
    site.write([event(f"u{place}", at=time) for place, time in enumerate(times)])
    site.clock.move_to(Micros(START + 20))
    for _ in range(steps):
        site.engine.step()
    site.kill(20)
    assert gone(site) == [(time + 10, place + 1) for place, time in enumerate(times)]
    assert site.stored() == set()
    assert len(site.log()) == 2 * len(times)
