"""A jump of the clock over years makes every move at its own instant, in commits of bounded size."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from tests.service.opened import START, define, member, opened

from segmentd.population.kinds import Json
from segmentd.service import commit
from segmentd.service.items import ProfileWrite
from segmentd.service.service import Service
from segmentd.storage import Store
from segmentd.times import DAY, Micros

BIRTHDAY: Json = {"attribute": {"birthday": {"anniversary": {"within_next": "7d"}}}}


@pytest.mark.parametrize("write_first", [False, True])
def test_the_moves_of_years_are_not_gathered_in_one_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_first: bool
) -> None:
    monkeypatch.setattr(commit, "WAVE_DAYS", 365)

    async def scenario(service: Service) -> bool:
        await define(service, "birthday", BIRTHDAY)
        await service.profiles.upsert([ProfileWrite(user, {"birthday": "1990-06-15"}) for user in ("u", "v")])
        if write_first:
            service._engine.clock.move_to(Micros(START + 1_461 * DAY))  # type: ignore[attr-defined]  # it is frozen
            await service.profiles.upsert([ProfileWrite("u", {"x": 1})])
        else:
            await service.advance_clock(by=Micros(1_461 * DAY))
        return await member(service, "u", "birthday")

    service = opened(tmp_path / "db")
    assert not asyncio.run(scenario(service))
    service.close()
    with Store.open(tmp_path / "db") as store:
        log = store.transitions(None, 100)
    moves = [each.transition for each in log]
    assert [move.entered for move in moves] == [True, True, False, False] * 4
    assert [move.effective_time for move in moves] == sorted(move.effective_time for move in moves)
    assert max(Counter(each.revision for each in log).values()) <= 4
