"""Starts that are refused, addresses that several share, workers that cannot start, and what is counted."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc.aio
import pytest
from tests.server.live import LISTEN, run
from tests.server.served import START

from segmentd.errors import Internal, InvalidInput, StorageFailed
from segmentd.server.address import parse
from segmentd.server.reservation import Reservation
from segmentd.server.run import Server
from segmentd.server.serve import serve
from segmentd.server.workers.fleet import Fleet
from segmentd.server.workers.metrics import WorkerCollector
from segmentd.server.workers.orders import Orders, Report
from segmentd.server.workers.room import Room
from segmentd.server.workers.tallies import ANSWERED, ENDED, Tallies
from segmentd.settings import Settings
from segmentd.times import FrozenClock


def orders(tmp_path: Path) -> Orders:
    """For a worker that finds nothing."""
    return Orders(0, "127.0.0.1:1", f"unix:{tmp_path}/none", str(tmp_path / "none"), str(tmp_path / "none"), 1, "error")


@pytest.mark.parametrize("listen", ["unix:/tmp/s", "nowhere"])
def test_what_workers_cannot_share_is_refused_before_there_is_a_database(tmp_path: Path, listen: str) -> None:
    settings = Settings(database=tmp_path / "x.db", listen=listen, workers=2)
    with pytest.raises(InvalidInput, match=r"SEGMENTD_LISTEN: .*HOST:PORT"):
        run(serve(settings, FrozenClock(START)))
    assert not (tmp_path / "x.db").exists()


@pytest.mark.parametrize("listen", [LISTEN, "[::1]:0", "localhost:0", "0.0.0.0:0"])
def test_a_reserved_port_is_shared_by_those_who_know_of_it_and_closed_to_others(listen: str) -> None:
    async def test() -> None:
        reservation = Reservation(listen)
        host, port = parse(reservation.address)
        assert port > 0
        servers = [Server(lambda _: None, [], shared=True) for _ in range(2)]
        for server in servers:
            assert await server.start(reservation.address) == reservation.address
        with pytest.raises(InvalidInput, match="address already in use"):
            await Server(lambda _: None, []).start(reservation.address)
        async with grpc.aio.insecure_channel(f"localhost:{port}" if host == "0.0.0.0" else reservation.address) as one:
            await one.channel_ready()
        for server in servers:
            await server.drain(0)
        reservation.close()

    run(test())


def test_a_worker_that_cannot_start_ends_the_start_with_the_cause(tmp_path: Path) -> None:
    async def test() -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        fleet = Fleet([orders(tmp_path), replace(orders(tmp_path), number=1)], lambda number: None)
        with pytest.raises(Internal, match=r"worker 0 cannot start: .*No such file"):
            await fleet.start()
        await fleet.drain(0)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before

    asyncio.run(asyncio.wait_for(test(), 60))


def test_a_worker_that_ends_without_a_word_is_told_of_too() -> None:
    assert Report.read(b"").error == "it ended before it listened"
    assert Report.read(Report().line()).error == ""


def test_orders_are_read_as_they_were_given(tmp_path: Path) -> None:
    given = replace(orders(tmp_path), number=3, grace=0.5)
    assert Orders.read(given.line()) == given


def test_counts_are_kept_by_worker_whoever_has_mapped_the_file(tmp_path: Path) -> None:
    Tallies.make(tmp_path / "tallies", 2)
    Tallies(tmp_path / "tallies").of(1)[ANSWERED] += 3
    Tallies(tmp_path / "tallies").of(0)[ENDED] += 1
    tallies = Tallies(tmp_path / "tallies")
    families = {each.name: each for each in WorkerCollector([tallies.of(0), tallies.of(1)]).collect()}
    counts = {
        name: {sample.labels["worker"]: sample.value for sample in family.samples} for name, family in families.items()
    }
    assert counts == {
        "segmentd_worker_answered_calls": {"0": 0, "1": 3},
        "segmentd_worker_forwarded_calls": {"0": 0, "1": 0},
        "segmentd_worker_unexpected_ends": {"0": 1, "1": 0},
    }


@pytest.fixture
def long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A database whose path is too long for a socket beside it, and a temporary directory of the test's own."""
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    with tempfile.TemporaryDirectory() as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        yield folder / "x.db"


def temporary() -> list[Path]:
    """What is in the temporary directory."""
    return list(Path(tempfile.gettempdir()).iterdir())


def test_a_database_with_a_long_path_has_its_socket_elsewhere(long: Path) -> None:
    room = Room(long)
    assert len(str(room.socket)) <= 100
    assert temporary() == [room.socket.parent]
    assert (room.socket.parent.stat().st_mode & 0o777) == 0o700
    room.socket.touch()
    room.close()
    assert temporary() == []
    assert not any(long.parent.iterdir())


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("workers", [True, False])
def test_the_next_start_removes_a_socket_elsewhere_that_a_kill_left(long: Path, workers: bool, made: bool) -> None:
    killed = Room(long)
    killed.socket.touch()
    if not made:  # killed just before, or the system has tidied up
        killed.socket.unlink()
        killed.socket.parent.rmdir()
    if workers:
        after = Room(long)
        assert temporary() == [after.socket.parent]
        after.close()
    else:
        Room.clear(long)
    assert temporary() == []
    assert not any(long.parent.iterdir())


def test_a_link_that_is_not_of_segmentd_is_not_followed(long: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    beside = long.with_name("x.db.workers")
    beside.mkdir()
    (beside / "elsewhere").symlink_to(theirs)
    Room.clear(long)
    assert theirs.is_dir()
    assert not beside.exists()


@pytest.mark.parametrize("foreign", ["precious", "mapped/precious"])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_folder_that_has_something_else_in_it_ends_the_start_and_stays(
    tmp_path: Path, foreign: str, workers: int
) -> None:
    folder = tmp_path / "x.db.workers"
    (folder / foreign).parent.mkdir(parents=True)
    (folder / foreign).write_text("stays")
    (folder / "tallies").touch()
    settings = Settings(database=tmp_path / "x.db", listen=LISTEN, workers=workers)
    with pytest.raises(StorageFailed, match=f"{(folder / foreign).parent} has 'precious' in it"):
        run(serve(settings, FrozenClock(START)))
    assert (folder / foreign).read_text() == "stays"
    assert (folder / "tallies").exists()


def test_a_database_in_memory_has_a_temporary_room() -> None:
    room = Room(Path(":memory:"))
    assert (room.mapped.parent.stat().st_mode & 0o777) == 0o700
    room.close()
    assert not room.mapped.parent.exists()
