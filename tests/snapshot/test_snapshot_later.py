"""What happened since a snapshot was written is in a start from it; or nothing is, and it is not used."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest
from tests.service.opened import START, define, opened
from tests.service.test_erasing import left_in
from tests.service.uploading import BETA, upload
from tests.snapshot.same import check_starts
from tests.snapshot.test_snapshot_doubt import PLUGINS, fill, only

from segmentd.population.kinds import Json, Kind
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.merging import UserMerge
from segmentd.service.retention import EventDeclaration
from segmentd.service.service import Service
from segmentd.service.snapshots import taking
from segmentd.service.snapshots.keeper import INTERVAL, SHARE, Attempt
from segmentd.service.snapshots.taking import Moved
from segmentd.storage import Store
from segmentd.times import DAY, FOREVER, HOUR, MINUTE, SECOND, Micros

Happening = Callable[[Service], Coroutine[Any, Any, object]]


async def profiles(service: Service) -> None:
    """Attributes change, go and come; and new users."""
    writes: dict[str, dict[str, Json]] = {
        "u1": {"age": 90, "plan": None},
        "u2": {"tags": ["new"], "city": "Bonn"},
        "new": {"age": 50},
    }
    await service.profiles.upsert([ProfileWrite(user, values) for user, values in writes.items()])


async def events(service: Service) -> None:
    """New ones and late ones, of old users and new ones, of old names and new ones."""
    for number, (user, name, time) in enumerate(
        [("u0", "Buy", 0), ("u0", "Buy", -3 * DAY), ("u1", "Buy", -DAY), ("late", "Buy", -DAY), ("u2", "See", 0)]
    ):
        write = EventWrite(
            user, name, f"later-{number}", Micros(START + time), {"sku": "u2" if number else "x", "n": 1}
        )
        await service.profiles.ingest([write])


async def definitions(service: Service) -> None:
    """A segment of new events, and one of another one."""
    await define(service, "seen", {"behavioral": {"event": "See", "within": "7d"}})
    await define(service, "not-old", {"not": {"segment": "old"}})


async def lists(service: Service) -> None:
    """A list changes, and one comes."""
    await upload(service, "beta", [f"u{number}" for number in range(0, 40, 3)])
    await upload(service, "gamma", ["u1", "fresh"])


async def time(service: Service) -> None:
    """Deadlines pass."""
    await service.advance_clock(by=Micros(6 * DAY + HOUR))


async def everything(service: Service) -> None:
    """One after the other."""
    for each in (profiles, events, definitions, lists, time, events, profiles):
        await each(service)


async def erasure(service: Service) -> None:
    """Somebody is forgotten."""
    await service.identity.erase("u1")


async def merge(service: Service) -> None:
    """Two are one."""
    await service.identity.merge([UserMerge("u1", "u2")])


async def retyping(service: Service) -> None:
    """Texts become sets of texts."""
    results, _ = await service.profiles.declare([("plan", Kind.TAGS)], retype=True)
    assert results == [None]


async def pruning(service: Service) -> None:
    """Old events are taken out."""
    await service.retention.declare([EventDeclaration("Buy", "8d")])
    await service.advance_clock(by=Micros(9 * DAY))
    while _old_events(service):
        await asyncio.wrap_future(service._engine.thread.background(_nothing()))


def _old_events(service: Service) -> int:
    store = service._engine.store
    return service._engine.thread.call(lambda: store.event_names().get("Buy", 0)).result()


def killed(service: Service, path: Path, name: str) -> Path:
    """A copy of all files of a database, as a killed server leaves them."""
    target = path.with_name(name)
    engine = service._engine
    engine.thread.call(lambda: _copy(path, target)).result()
    return target


def _copy(path: Path, target: Path) -> None:
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{target}{suffix}")
    shutil.copytree(f"{path}.snapshot", f"{target}.snapshot")


def begun(path: Path) -> tuple[Service, Attempt]:
    """A service with users, segments and a list, which begins to write a snapshot."""
    service = opened(path)
    asyncio.run(_prepared(service))
    engine = service._engine
    engine.snapshots._next = Micros(FOREVER)  # none but this one
    return service, engine.thread.call(lambda: Attempt(engine.live, engine.store)).result()


async def _prepared(service: Service) -> None:
    await upload(service, "beta", ["u3", "u4", "u5"])
    await fill(service)
    await define(service, "beta", BETA)


def go_on(service: Service, attempt: Attempt, steps: int) -> bool:
    """So many steps, on the thread that writes; whether it is written."""

    def run() -> bool:
        for _ in range(steps):
            if not attempt.step():
                attempt.seal()
                attempt.finish()
                return True
        return False

    return service._engine.thread.call(run).result()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "ROWS", 16)
    monkeypatch.setattr(taking, "EVENT_ROWS", 8)


@pytest.mark.parametrize("happening", [profiles, events, definitions, lists, time, everything])
@pytest.mark.parametrize("steps", [0, 4, 1_000])
def test_what_came_later_is_read_from_the_database(tmp_path: Path, happening: Happening, steps: int) -> None:
    """Also what came while the snapshot was being written."""
    service, attempt = begun(tmp_path / "a.db")
    try:
        done = go_on(service, attempt, steps)
        asyncio.run(happening(service))
        if not done:
            assert go_on(service, attempt, 1_000)
        copy = killed(service, tmp_path / "a.db", "b.db")
    finally:
        service.close()
    with Store.open(copy) as store:
        assert check_starts(store, PLUGINS)


@pytest.mark.parametrize("happening", [erasure, merge, retyping, pruning])
def test_what_changes_the_past_takes_the_snapshot_with_it(tmp_path: Path, happening: Happening) -> None:
    """The file, too, at once; the next one is written anew."""
    path = tmp_path / "a.db"
    service, attempt = begun(path)
    try:
        assert go_on(service, attempt, 1_000)
        asyncio.run(happening(service))
        assert list(Path(f"{path}.snapshot").iterdir()) == []
    finally:
        service.close()
    with Store.open(path) as store:
        assert check_starts(store, PLUGINS)


@pytest.mark.parametrize("happening", [erasure, merge, retyping, pruning])
def test_a_snapshot_that_is_being_written_is_given_up(tmp_path: Path, happening: Happening) -> None:
    """What it holds already is removed."""
    path = tmp_path / "a.db"
    service, attempt = begun(path)
    try:
        assert not go_on(service, attempt, 5)
        asyncio.run(happening(service))
        assert list(Path(f"{path}.snapshot").iterdir()) == []
        with pytest.raises(Moved):
            go_on(service, attempt, 1_000)
        attempt.abandon()
    finally:
        service.close()


@pytest.mark.parametrize("happening", [profiles, events, lists, erasure, merge, retyping])
def test_an_older_snapshot_under_the_name_of_the_newest_is_not_used(
    tmp_path: Path, happening: Happening, caplog: pytest.LogCaptureFixture
) -> None:
    """The numbers of users and events may be the same; who they are is not."""
    path, old = tmp_path / "a.db", tmp_path / "old"
    service, attempt = begun(path)
    try:
        assert go_on(service, attempt, 1_000)
        shutil.copy(only(path), old)
        asyncio.run(happening(service))
    finally:
        service.close()
    newest = only(path)
    shutil.copy(old, newest)
    with Store.open(path) as store:
        assert not check_starts(store, PLUGINS)
    [line] = [each.getMessage() for each in caplog.records if str(newest) in each.getMessage()]
    assert "is not used, everything is read from the database: is the content of another snapshot" in line


def test_nothing_of_an_erased_user_is_in_any_snapshot(tmp_path: Path) -> None:
    """Nor in one that is written later: texts that nobody has any more stay in memory."""
    path = tmp_path / "a.db"
    service, attempt = begun(path)
    try:
        secret: dict[str, Json] = {"email": "secret-mail", "tags": ["secret-tag"]}
        asyncio.run(service.profiles.upsert([ProfileWrite("secret-id", secret)]))
        event = EventWrite("secret-id", "Buy", "secret-message", START, {"sku": "secret-sku"})
        asyncio.run(service.profiles.ingest([event]))
        assert go_on(service, attempt, 1_000)
        again = service._engine.thread.call(lambda: Attempt(service._engine.live, service._engine.store)).result()
        assert go_on(service, again, 1_000)
        assert left_in(Path(f"{path}.snapshot"), "secret")
        assert asyncio.run(service.identity.erase("secret-id")).purged
        assert left_in(tmp_path, "secret") == {}
        third = service._engine.thread.call(lambda: Attempt(service._engine.live, service._engine.store)).result()
        assert go_on(service, third, 1_000)
        assert left_in(tmp_path, "secret") == {}
    finally:
        service.close()
    assert left_in(tmp_path, "secret") == {}


def test_one_is_written_now_and_then_while_others_have_their_turn(tmp_path: Path) -> None:
    """After a while in which something was written; then not again until more is."""
    path = tmp_path / "a.db"
    service = opened(path)
    try:
        asyncio.run(fill(service))
        assert not Path(f"{path}.snapshot").exists()
        asyncio.run(service.advance_clock(by=Micros(INTERVAL)))
        asyncio.run(service.profiles.upsert([ProfileWrite("u1", {"age": 3})]))
        _settle(service)
        [first] = Path(f"{path}.snapshot").iterdir()
        copy = killed(service, path, "b.db")
        asyncio.run(service.advance_clock(by=Micros(INTERVAL)))
        _settle(service)
        assert [first] == list(Path(f"{path}.snapshot").iterdir())
    finally:
        service.close()
    with Store.open(copy) as store:
        assert check_starts(store, PLUGINS)


def test_one_that_is_due_again_before_the_first_has_begun_is_no_second_one(tmp_path: Path) -> None:
    """The clock may jump while a task waits for its turn."""
    path = tmp_path / "a.db"
    service = opened(path)
    try:
        asyncio.run(fill(service))
        engine = service._engine

        def due_twice() -> None:
            for _ in range(2):
                engine.snapshots._next = Micros(0)
                engine.snapshots.begin_due()

        engine.thread.call(due_twice).result()
        _settle(service)
        assert len(list(Path(f"{path}.snapshot").iterdir())) == 1
    finally:
        service.close()


def test_one_that_took_long_is_not_written_again_before_a_hundred_times_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    service = opened(path)
    spent: list[float] = []
    finish = Attempt.finish

    def finished(attempt: Attempt, error: Exception | None = None) -> None:
        spent.append(attempt.seconds)
        attempt.seconds = 60.0
        finish(attempt, error)

    monkeypatch.setattr(Attempt, "finish", finished)
    try:
        asyncio.run(fill(service))
        for later, written in ((INTERVAL, 1), (INTERVAL, 1), (SHARE * MINUTE - 2 * INTERVAL, 1), (INTERVAL, 2)):
            asyncio.run(service.advance_clock(by=Micros(later)))
            asyncio.run(service.profiles.upsert([ProfileWrite("u1", {"age": later // SECOND})]))
            _settle(service)
            assert len(spent) == written
        assert min(spent) > 0.0
    finally:
        service.close()


def _settle(service: Service) -> None:
    """Until no snapshot is on its way; asked on the thread that writes, which has started whatever it has."""
    engine = service._engine
    engine.thread.background(_nothing()).result()
    while engine.thread.call(lambda: engine.snapshots._attempt).result() is not None:
        sealing = engine.thread.call(lambda: engine.snapshots._sealing).result()
        if sealing is not None:
            sealing.join()
        engine.thread.background(_nothing()).result()


def _nothing() -> Generator[None, None, None]:
    yield from ()
