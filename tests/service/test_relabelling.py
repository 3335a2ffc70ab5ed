"""What changes nobody's answer judges nobody: the version grows, and bits, models and the log stay."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from tests.service.opened import define, member, opened

from segmentd.engine.catalogue import State
from segmentd.errors import PluginBroken
from segmentd.population.kinds import Json
from segmentd.records import START as LOG_START
from segmentd.service.aside import Aside
from segmentd.service.group_info import GroupSpec
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.segments import SegmentView
from segmentd.service.service import Service
from segmentd.times import DAY, SECOND, Micros

PRO: Json = {"attribute": {"plan": {"equals": "pro"}}}


def top(every: str | None) -> Json:
    """Of those who spend most; with a schedule or none."""
    rfm: dict[str, Json] = {"m": {"at_least": 3}}
    return {"any": [{"rfm": rfm if every is None else {**rfm, "refit": {"every": every}}}, {"segment": "pro"}]}


async def fill(service: Service) -> None:
    """Twenty users, every second of whom is pro."""
    plans = [ProfileWrite(f"u{n}", {"plan": "pro" if n % 2 else "free"}) for n in range(20)]
    await service.profiles.upsert(plans)
    orders = [EventWrite(f"u{n}", "Order Completed", properties={"revenue": n + 1}) for n in range(20)]
    await service.profiles.ingest(orders)
    await define(service, "pro", PRO)
    await define(service, "top", top("1d"), include=("u0",))
    await define(service, "both", {"all": [{"segment": "pro"}, {"segment": "top"}]})


async def update(service: Service, spec: SegmentSpec, fields: Collection[str]) -> SegmentView:
    """Update without an etag."""
    return await service.segments.update(spec, fields, "", "ann", "why")


def moves(service: Service) -> int:
    """How many moves the log has."""
    read = service._engine.thread.call(lambda: service._engine.store.transitions(LOG_START, 10_000))
    return len(read.result())


class Judged(PluginBroken):
    """An edit judged users aside."""


def never_judge(patch: pytest.MonkeyPatch) -> None:
    """Let every edit fail that judges users aside."""

    def refuse(aside: Aside) -> Any:
        raise Judged(", ".join(aside.names))

    patch.setattr(Aside, "judge", refuse)


def test_words_and_schedules_change_without_judging_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def change(service: Service) -> tuple[Any, ...]:
        await fill(service)
        before, sizes = moves(service), [service.memberships.size(name) for name in ("pro", "top", "both")]
        never_judge(monkeypatch)
        words = SegmentSpec("pro", "Pro", "pays", "ann", {"team": "x"})
        view = await update(service, words, ["name", "description", "owner", "labels"])
        assert (view.info.version, view.info.author, view.info.note) == (2, "ann", "why")
        assert (view.info.update_time, view.info.create_time) > (view.info.create_time, 0)
        for place, every in enumerate(("2h", None, "3d"), 2):
            view = await update(service, SegmentSpec("top", rule=top(every)), ["rule"])
            assert (view.state, view.info.version, view.info.spec.rule) == (State.ACTIVE, place, top(every))
            assert [each.fitted.version for each in view.models if each.fitted] == [1]
        assert (moves(service), [service.memberships.size(name) for name in ("pro", "top", "both")]) == (before, sizes)
        check = await service.memberships.check("u0", "top")
        assert (check.member, check.revision) == (True, view.revision)
        # What is written goes on to be judged, by dependants too; moves tell the new version.
        await service.profiles.upsert([ProfileWrite("u0", {"plan": "pro"})])
        assert await member(service, "u0", "both")
        monkeypatch.undo()
        log = service._engine.thread.call(lambda: service._engine.store.transitions(LOG_START, 10_000)).result()
        key = service.segments.get("pro").info.segment_key
        assert [each.transition.segment_version for each in log if each.transition.segment_key == key][-1] == 2
        return await seen(service)

    async def seen(service: Service) -> tuple[Any, ...]:
        found = [(await service.memberships.members(name, -1, 100)).user_ids for name in ("pro", "top", "both")]
        versions = [(await service.segments.versions(name))[0] for name in ("pro", "top", "both")]
        return found, versions

    first = opened(tmp_path / "db")
    said = asyncio.run(change(first))
    first.close()
    second = opened(tmp_path / "db")
    assert asyncio.run(seen(second)) == said
    second.close()


def test_a_changed_schedule_counts_at_once(service: Service) -> None:
    async def run() -> None:
        await fill(service)
        await update(service, SegmentSpec("top", rule=top("2d")), ["rule"])
        for days, version in ((1, 1), (1, 2)):
            await service.advance_clock(by=Micros(DAY * days + SECOND))  # it was fitted a moment after the start
            [model] = service.segments.get("top").models
            assert model.fitted is not None
            assert model.fitted.version == version

    asyncio.run(run())


def test_a_group_takes_another_name_without_judging_anybody(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        await fill(service)
        await service.groups.create(GroupSpec("g", ("pro", "top")), "", "")
        never_judge(monkeypatch)
        view = await service.groups.update(GroupSpec("g", name="Waterfall"), ["name"], "", "ann", "")
        assert (view.info.version, view.info.spec.name) == (2, "Waterfall")
        assert service.segments.get("g/top").info.spec.name == "Waterfall: top"
        again = await service.groups.update(GroupSpec("g", description="words"), ["description"], "", "", "")
        assert (again.info.version, service.groups.get("g").info.spec.description) == (3, "words")
        with pytest.raises(Judged):
            await service.groups.update(GroupSpec("g", ("top", "pro")), ["segment_ids"], "", "", "")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("fields", "spec"),
    [
        (["rule"], SegmentSpec("top", rule={"any": [{"rfm": {"m": {"at_least": 4}}}, {"segment": "pro"}]})),
        (["rule"], SegmentSpec("top", rule={"all": [{"rfm": {"m": {"at_least": 3}}}, {"segment": "pro"}]})),
        (["rule"], SegmentSpec("top", rule={"any": [{"rfm": {"m": {"at_least": 3}}}]})),
        (["rule"], SegmentSpec("top", rule={"any": [{"rfm": {"m": {"at_least": 3}}}, {"segment": "other"}]})),
        (["rule"], SegmentSpec("top", rule=None)),
        (["include"], SegmentSpec("top", include=("u0", "u2"))),
        (["exclude"], SegmentSpec("top", exclude=("u1",))),
    ],
)
def test_what_may_change_an_answer_is_judged(
    service: Service, monkeypatch: pytest.MonkeyPatch, fields: list[str], spec: SegmentSpec
) -> None:
    async def run() -> None:
        await fill(service)
        await define(service, "other", PRO)
        never_judge(monkeypatch)
        with pytest.raises(Judged, match="top"):
            await update(service, spec, fields)
        with pytest.raises(Judged, match="both"):
            await service.segments.archive("both", "")

    asyncio.run(run())
