"""A port belongs to one server, whether somebody listens there at the moment or not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import grpc.aio
import pytest
from tests.server.live import LISTEN, run
from tests.server.served import START

from segmentd.errors import InvalidInput
from segmentd.server.address import parse
from segmentd.server.reservation import Reservation
from segmentd.server.run import Server
from segmentd.server.serve import serve
from segmentd.settings import Settings
from segmentd.times import FrozenClock

IN_USE = "address already in use"


@contextmanager
def socket_at(listen: str, *options: int, listening: bool = True) -> Iterator[socket.socket]:
    """A socket of a program that knows nothing of segmentd."""
    host, port = parse(listen)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as other:
        for option in options:
            other.setsockopt(socket.SOL_SOCKET, option, 1)
        other.bind((host, port))
        if listening:
            other.listen()
        yield other


@pytest.mark.parametrize("listen", [LISTEN, "[::1]:0", "localhost:0", "0.0.0.0:0", "[::]:0"])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_port_is_refused_to_others_with_and_without_workers_that_listen(listen: str, workers: int) -> None:
    async def test() -> None:
        with closing(Reservation(listen)) as reserved:
            servers = [Server(lambda _: None, [], shared=True) for _ in range(workers)]
            for server in servers:
                await server.start(reserved.address)
            with pytest.raises(InvalidInput, match=IN_USE):
                Reservation(reserved.address)
            with pytest.raises(InvalidInput, match=IN_USE):
                await Server(lambda _: None, []).start(reserved.address)
            for server in servers:
                await server.drain(0)
            with pytest.raises(InvalidInput, match=IN_USE):  # as between a worker and the one after it
                Reservation(reserved.address)
        Reservation(reserved.address).close()

    run(test())


def test_who_does_not_ask_to_share_cannot_listen_on_a_reserved_port() -> None:
    async def test() -> None:
        with closing(Reservation(LISTEN)) as reserved:
            with pytest.raises(OSError, match="in use"), socket_at(reserved.address, socket.SO_REUSEADDR):
                pass
            unasked = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
            with pytest.raises(RuntimeError):
                unasked.add_insecure_port(reserved.address)

    run(test())


@pytest.mark.parametrize("option", [socket.SO_REUSEADDR, socket.SO_REUSEPORT])
def test_a_port_where_somebody_listens_is_refused_also_if_it_could_be_shared(option: int) -> None:
    with socket_at(LISTEN, option) as other:
        port = other.getsockname()[1]
        for host in ("127.0.0.1", "0.0.0.0", "localhost"):
            with pytest.raises(InvalidInput, match=IN_USE):
                Reservation(f"{host}:{port}")


def test_another_address_of_the_machine_has_ports_of_its_own() -> None:
    with closing(Reservation(LISTEN)) as reserved:
        _, port = parse(reserved.address)
        Reservation(f"127.0.0.2:{port}").close()


def test_a_port_whose_connections_are_being_forgotten_is_free() -> None:
    with socket_at(LISTEN, socket.SO_REUSEADDR) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            server.accept()[0].close()
            assert client.recv(1) == b""
    with pytest.raises(OSError, match="in use"), socket_at(f"127.0.0.1:{port}"):
        pass
    with closing(Reservation(f"127.0.0.1:{port}")) as reserved:
        assert reserved.address == f"127.0.0.1:{port}"


def test_a_path_where_a_server_answers_is_refused_and_one_that_was_left_is_not(tmp_path: Path) -> None:
    async def test() -> None:
        listen = f"unix:{tmp_path}/s"
        first = Server(lambda _: None, [])
        await first.start(listen)
        for other in (listen, f"unix://{tmp_path}/s"):
            with pytest.raises(InvalidInput, match=IN_USE):
                await Server(lambda _: None, []).start(other)
        await first.drain(0)
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(tmp_path / "left"))
        second = Server(lambda _: None, [])
        await second.start(f"unix:{tmp_path}/left")
        await second.drain(0)

    run(test())


@pytest.mark.parametrize("workers", [0, 1])
def test_a_port_that_is_taken_makes_no_database(tmp_path: Path, workers: int) -> None:
    with closing(Reservation(LISTEN)) as reserved:
        settings = Settings(database=tmp_path / "db", listen=reserved.address, workers=workers)
        with pytest.raises(InvalidInput, match=IN_USE):
            run(serve(settings, FrozenClock(START)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("workers", [0, 1])
def test_a_server_keeps_its_port_from_the_start_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """While it loads, while it serves, and while it lets go: the second one never has the port."""
    with closing(Reservation(LISTEN)) as free:
        listen = free.address
    refused: list[str] = []

    def try_it(when: str) -> None:
        with pytest.raises(InvalidInput, match=IN_USE):
            Reservation(listen)
        refused.append(when)

    opened = serve.__globals__["_opened"]

    def opening(settings: Settings, clock: FrozenClock) -> object:
        try_it("loading")
        return opened(settings, clock)

    async def ready(address: str) -> None:
        assert address == listen
        await asyncio.to_thread(try_it, "serving")
        raise InvalidInput.at("x", "enough")

    monkeypatch.setitem(serve.__globals__, "_opened", opening)
    with pytest.raises(InvalidInput, match="enough"):
        run(serve(Settings(database=tmp_path / "db", listen=listen, workers=workers), FrozenClock(START), ready))
    assert refused == ["loading", "serving"]
    Reservation(listen).close()
