"""After an erasure nothing of the user is left, and everybody else's answers stand."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from tests.service.opened import START, define, member, opened

from segmentd.errors import FailedPrecondition, NotFound, Reason
from segmentd.population.kinds import Json
from segmentd.records import LoggedTransition
from segmentd.service.aside import Aside
from segmentd.service.identity import Erased
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.merging import UserMerge
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.times import DAY, HOUR, Micros

BUYERS: Json = {"behavioral": {"event": "Buy", "within": "7d"}}


def left_in(folder: Path, *markers: str) -> dict[str, int]:
    """How often the markers occur in any file of a folder, by file."""
    found = {}
    for file in filter(Path.is_file, folder.rglob("*")):
        content = file.read_bytes()
        found[file.name] = sum(content.count(marker.encode()) for marker in markers)
    return {name: count for name, count in found.items() if count}


def marked(mark: str, text: str, number: int) -> str:
    return f"{mark}-{text}-{number}"


async def crowd(service: Service, chance: random.Random, mark: str, count: int = 2_000, every: int = 97) -> list[str]:
    """Many users in random order whose ids, attributes and events are rewritten again and again; each 97th is marked.

    Every value of a marked user begins with the mark.
    """
    names = [marked(mark, "id", i) if i % every == 0 else f"{chance.getrandbits(48):x}" for i in range(count)]
    order = names[:]
    for turn in range(3):
        chance.shuffle(order)
        for start in range(0, count, 500):
            part = order[start : start + 500]
            await service.profiles.upsert([ProfileWrite(name, attributes(chance, name, mark, turn)) for name in part])
            await service.profiles.ingest([bought(chance, name, mark, turn) for name in part])
    return [name for name in names if name.startswith(mark)]


def attributes(chance: random.Random, name: str, mark: str, turn: int) -> dict[str, Json]:
    word = marked(mark, "attribute", turn) if name.startswith(mark) else "somebody"
    return {"email": word * chance.randrange(1, 60), "city": word * chance.randrange(1, 4), "x": turn}


def bought(chance: random.Random, name: str, mark: str, turn: int) -> EventWrite:
    whose = mark if name.startswith(mark) else f"{chance.getrandbits(48):x}"
    return EventWrite(
        name,
        "Buy",
        f"{whose}-message-{chance.getrandbits(64):x}",
        properties={"note": f"{whose}-property" * chance.randrange(1, 300)},
        context={"campaign": {"name": f"{whose}-context"}},
    )


def test_no_byte_of_erased_users_is_left(tmp_path: Path) -> None:
    mark = "MARKED"

    async def scenario() -> None:
        service = opened(tmp_path / "test.db")
        try:
            await define(service, "buyers", BUYERS)
            users = await crowd(service, random.Random(1), mark)
            ids: Json = [*users[:5], "other"]
            rule: Json = {"any": [{"list": {"users": ids}}, {"not": {"list": {"users": ids}}}]}
            await service.segments.create(
                SegmentSpec("all", rule=rule, include=(users[1],), exclude=(users[2],)), "", ""
            )
            await service.segments.update(SegmentSpec("all", include=(users[3],)), ["include"], "", "", "")
            await service.identity.merge([UserMerge(users[6], users[7]), UserMerge("alias-of-MARKED", users[7])])
            assert left_in(tmp_path, mark)
            erased = await asyncio.gather(*(service.identity.erase(each) for each in users if each != users[6]))
            assert all(each.purged for each in erased)
            assert left_in(tmp_path, mark) == {}
            await service.profiles.upsert([ProfileWrite("late", {"x": i}) for i in range(500)])
            await crowd(service, random.Random(2), "other", 500)
            assert left_in(tmp_path, mark) == {}
        finally:
            service.close()
        assert left_in(tmp_path, mark) == {}
        opened(tmp_path / "test.db").close()
        assert left_in(tmp_path, mark) == {}

    asyncio.run(scenario())


def moves(service: Service) -> list[LoggedTransition]:
    found = service._engine.thread.call(lambda: service._engine.store.transitions(None, 10_000))
    return found.result()


def test_the_log_says_only_that_the_user_left(service: Service) -> None:
    async def scenario() -> None:
        await define(service, "buyers", BUYERS)
        await define(service, "named", None, include=("ada", "bob"))
        await service.profiles.ingest([EventWrite("ada", "Buy"), EventWrite("bob", "Buy")])
        await service.advance_clock(by=Micros(8 * DAY))
        keys = {each.transition.user_key for each in moves(service)}
        erased = await service.identity.erase("ada")
        left = [each for each in moves(service) if each.transition.user_key == 1]
        assert [(each.revision, each.transition.segment_key) for each in left] == [
            (erased.revision, 2),
            (erased.revision, 1),
        ]
        assert {(each.transition.entered, each.transition.cause) for each in left} == {(False, "ERASURE")}
        assert {each.transition.user_key for each in moves(service)} == keys
        assert (await service.memberships.members("named", -1, 10)).user_ids == ["bob"]
        assert service.segments.get("named").size == 1
        assert (await service.status()).users == 1

    asyncio.run(scenario())


def test_the_id_is_refused_for_a_while_and_is_then_a_new_user(tmp_path: Path) -> None:
    async def scenario() -> None:
        service = opened(tmp_path / "test.db")
        await define(service, "named", None, include=("ada",))
        await define(service, "buyers", BUYERS)
        await service.profiles.ingest([EventWrite("ada", "Buy", "m1")])
        await service.identity.merge([UserMerge("anon", "ada")])
        await service.identity.erase("anon")
        for _ in range(2):
            for name in ("ada", "anon"):
                with pytest.raises(NotFound):
                    await service.profiles.get(name)
                with pytest.raises(NotFound):
                    await service.identity.erase(name)
                written = await service.profiles.upsert([ProfileWrite(name, {"x": 1}), ProfileWrite("bob", {"x": 1})])
                told = await service.profiles.ingest([EventWrite(name, "Buy", "m2")])
                merged = await service.identity.merge([UserMerge(name, "bob"), UserMerge("bob", name)])
                errors: list[Any] = [written.results[0], *told.results, *merged.results]
                assert [each.error.reason for each in errors if each.error] == [Reason.USER_ERASED] * 4
                assert all(name not in str(each.error) for each in errors)
                assert written.results[1].error is None
                with pytest.raises(FailedPrecondition, match="erased"):
                    await define(service, "again", None, include=(name,))
                with pytest.raises(FailedPrecondition, match="erased"):
                    await define(service, "again", {"not": {"list": {"users": ["x", name]}}})
            service.close()
            service = opened(tmp_path / "test.db", Micros(START + HOUR))
        await service.advance_clock(by=Micros(30 * DAY))
        assert (await service.profiles.ingest([EventWrite("ada", "Buy", "m1")])).results[0].error is None
        assert not await member(service, "ada", "named")
        assert await member(service, "ada", "buyers")
        assert (await service.profiles.get("ada"))[0].merged_ids == ()
        with pytest.raises(NotFound):
            await service.profiles.get("anon")
        service.close()

    asyncio.run(scenario())


def test_an_id_that_only_definitions_name_is_erased_from_them(service: Service) -> None:
    async def scenario() -> None:
        spec = SegmentSpec("s", rule={"list": {"users": ["ghost", "bob"]}}, exclude=("ghost",), labels={"nobody": "x"})
        await service.segments.create(spec, "", "")
        with pytest.raises(NotFound):
            await service.identity.erase("nobody")
        await service.identity.erase("ghost")
        found = service.segments.get("s").info.spec
        assert "ghost" not in found.dump()
        assert found.exclude == ()
        await service.profiles.upsert([ProfileWrite("bob")])
        assert await member(service, "bob", "s")

    asyncio.run(scenario())


def erasing_meanwhile(service: Service, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next edit take a turn for each user, and erase one in the fifth."""
    judge, turns = Aside._judge, iter(range(5, -1_000, -1))

    def erasing(aside: Aside, start: int, stop: int) -> None:
        judge(aside, start, stop)
        if next(turns) == 0:
            service.identity._erase([Erased(user)])

    monkeypatch.setattr("segmentd.service.aside.CHUNK", 1)
    monkeypatch.setattr(Aside, "_judge", erasing)


async def some_users(service: Service) -> None:
    await service.profiles.upsert([ProfileWrite(name, {"x": 1}) for name in ("ada", *map(str, range(30)))])


@pytest.mark.parametrize("rule", [None, {"list": {"users": ["ada"]}}])
def test_an_edit_under_way_that_names_an_erased_user_is_refused(
    service: Service, rule: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        await some_users(service)
        erasing_meanwhile(service, "ada", monkeypatch)
        with pytest.raises(FailedPrecondition, match="erased"):
            await define(service, "named", rule, include=() if rule else ("ada",))
        with pytest.raises(NotFound):
            service.segments.get("named")
        with pytest.raises(NotFound):
            await service.profiles.get("ada")

    asyncio.run(scenario())


def test_an_edit_under_way_goes_on_with_what_an_erasure_left_of_others(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        await some_users(service)
        await define(service, "old", {"list": {"users": ["ada", "7"]}})
        erasing_meanwhile(service, "ada", monkeypatch)
        await define(service, "other", {"not": {"segment": "old"}})
        assert len((await service.memberships.members("other", -1, 100)).user_ids) == 29
        await service.advance_clock(by=Micros(31 * DAY))
        await service.profiles.upsert([ProfileWrite("ada")])
        assert not await member(service, "ada", "old")
        assert await member(service, "ada", "other")
        assert (await service.memberships.explain("ada", "other", with_leaves=False)).check.member

    asyncio.run(scenario())


def test_a_reader_of_an_older_state_puts_the_overwriting_off(tmp_path: Path) -> None:
    async def scenario() -> None:
        service = opened(tmp_path / "test.db")
        await service.profiles.upsert([ProfileWrite("MARKED-ada", {"x": "MARKED"})])
        store = service._engine.store
        reader = store.reader()
        assert reader is not None
        with reader.snapshot() as reads:
            assert reads.user_ids([1]) == {1: "MARKED-ada"}
            assert not (await service.identity.erase("MARKED-ada")).purged
            assert reads.user_ids([1]) == {1: "MARKED-ada"}
        reader.close()
        service.close()
        service = opened(tmp_path / "test.db")
        while store_owes(service):
            await service.status()
        assert left_in(tmp_path, "MARKED") == {}
        service.close()

    asyncio.run(scenario())


def store_owes(service: Service) -> bytes | None:
    """Whether the file has something left to forget."""
    return service._engine.thread.call(lambda: service._engine.store.meta("purge_owed")).result()
