"""Readers of the mapped files answer what was foreseen, and nothing that is so no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.mapping.site import Site
from tests.service.crowds import USERS, gather, make_a_few_a_crowd, overdue, recent

from segmentd.errors import StorageFailed
from segmentd.mapping import private_files
from segmentd.mapping.elsewhere import Elsewhere, Why
from segmentd.service import aside
from segmentd.service.segment_info import SegmentSpec


@pytest.fixture(autouse=True)
def a_few_are_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    make_a_few_a_crowd(monkeypatch)


def test_a_reader_answers_what_was_foreseen_and_leaves_nobody_to_the_engine(site: Site) -> None:
    async def steps() -> list[bool]:
        await gather(site.service)
        async with overdue(site.service):
            single = [(await site.mapped.check(user, "recent")).member for user in USERS]
            seen = await site.mapped.see(USERS)
            plan = seen.catalogue.entries["recent"].plan
            assert plan is not None
            return [*single, *seen.members(plan).tolist()]

    assert asyncio.run(steps()) == [False] * 2 * len(USERS)


def test_while_new_plans_are_judged_nobody_reads_what_was_foreseen_without_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steps() -> Why:
        await gather(site.service)
        spec = SegmentSpec("gone", rule={"not": {"segment": "recent"}})
        edit = site.engine._edited(lambda: site.service.segments._edits.creation(spec, "", ""))
        await asyncio.wrap_future(site.engine.thread.call(lambda: next(edit)))
        async with overdue(site.service):
            with pytest.raises(Elsewhere) as info:
                await site.mapped.check("g", "recent")
        edit.close()
        return info.value.why

    monkeypatch.setattr(aside, "CHUNK", 2)
    assert asyncio.run(steps()) is Why.OVERDUE


def test_without_room_on_the_disk_nothing_is_foreseen_and_the_engine_answers(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make = private_files.create

    def full(path: Path, size: int) -> int:
        if path.name.startswith("foreseen"):
            raise StorageFailed(f"{path} cannot be made: the disk is full")
        return make(path, size)

    async def steps() -> list[bool]:
        monkeypatch.setattr(private_files, "create", full)
        await gather(site.service)
        async with overdue(site.service):
            with pytest.raises(Elsewhere):
                await site.mapped.check("a", "recent")
            return await recent(site.service)

    assert asyncio.run(steps()) == [False] * len(USERS)
    assert "the disk is full" in caplog.text
