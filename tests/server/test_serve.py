"""The server as a process: start, signals while calls are under way, refusals at the start, a lost database."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from tests.server.live import LISTEN, run
from tests.server.served import START, Client, refusal

from segmentd.errors import InvalidInput, PluginBroken, SegmentdError, StorageFailed
from segmentd.plugins.host import load_plugins
from segmentd.server.serve import serve
from segmentd.service.engine import Engine
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.settings import Settings
from segmentd.storage import Store
from segmentd.times import FrozenClock

PRO = {"attribute": {"plan": {"equals": "pro"}}}
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from segmentd.server.serve import serve
from segmentd.service.value_types import Currencies
from segmentd.settings import Settings
from segmentd.times import WallClock
asyncio.run(serve(Settings(database=Path(sys.argv[1]), listen="127.0.0.1:0", drain_grace=5), WallClock(),
                  lambda address: print(json.dumps(address), flush=True)))
"""


@asynccontextmanager
async def process(path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A server in a process of its own, and its address; killed at the end of the block if it still runs."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, str(path), stdout=pipe)
    assert child.stdout is not None
    try:
        yield child, json.loads(await child.stdout.readline())
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_under_load_loses_nothing_acknowledged(tmp_path: Path, number: signal.Signals) -> None:
    async def test() -> None:
        acknowledged: list[str] = []

        async def write(address: str, worker: int) -> None:
            async with grpc.aio.insecure_channel(address) as channel:
                client = Client(channel)
                for turn in range(100_000):
                    user = f"{worker}-{turn}"
                    await client.upsert({user: {"plan": "pro"}})
                    acknowledged.append(user)

        async with process(tmp_path / "db") as (child, address):
            async with grpc.aio.insecure_channel(address) as channel:
                await Client(channel).define("pro", PRO)
            workers = [asyncio.create_task(write(address, worker)) for worker in range(4)]
            while len(acknowledged) < 50:
                await asyncio.wait(workers, timeout=0.01)
            child.send_signal(number)
            assert await child.wait() == 0
            for result in await asyncio.gather(*workers, return_exceptions=True):
                assert isinstance(result, grpc.aio.AioRpcError)
                # CANCELLED is gRPC's own answer to a call that it took and handed to no handler before it stopped.
                assert result.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        async with process(tmp_path / "db") as (child, address):
            async with grpc.aio.insecure_channel(address) as channel:
                client = Client(channel)
                for user in acknowledged:
                    assert await client.is_member(user, "pro")
            child.terminate()
            assert await child.wait() == 0

    run(test())


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"database": Path("/nowhere/x.db")}, StorageFailed, "the folder /nowhere does not exist"),
        ({"disabled_plugins": ["astrology"]}, PluginBroken, "no plugin is called astrology"),
        ({"listen": "somewhere"}, InvalidInput, "'somewhere' is not HOST:PORT"),
        ({"listen": "192.0.2.1:50051"}, InvalidInput, "cannot listen on 192.0.2.1:50051"),
    ],
)
def test_a_start_that_fails_says_why_in_one_line(
    tmp_path: Path, fields: dict[str, object], kind: type[SegmentdError], words: str
) -> None:
    settings = Settings.model_validate({"database": tmp_path / "db", "listen": LISTEN, **fields})
    with pytest.raises(kind) as seen:
        run(serve(settings, FrozenClock(START)))
    assert words in seen.value.message
    assert "\n" not in seen.value.message


def test_what_is_no_address_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        run(serve(Settings(database=tmp_path / "db", listen="somewhere"), FrozenClock(START)))
    assert list(tmp_path.iterdir()) == []


def test_a_database_serves_one_server(tmp_path: Path) -> None:
    async def test() -> None:
        async with process(tmp_path / "db"):
            with pytest.raises(StorageFailed):
                await serve(Settings(database=tmp_path / "db", listen=LISTEN), FrozenClock(START))

    run(test())


def test_a_disabled_plugin_is_not_there(tmp_path: Path) -> None:
    async def test() -> None:
        settings = Settings(database=tmp_path / "db", listen=LISTEN, disabled_plugins=("rfm",))

        async def ready(address: str) -> None:
            async with grpc.aio.insecure_channel(address) as channel:
                refused = await refusal(Client(channel).define("s", {"rfm": {"segment": ["Champions"]}}))
                assert refused.reason == "INVALID_RULE"
            os.kill(os.getpid(), signal.SIGTERM)

        await serve(settings, FrozenClock(START), ready)

    run(test())


def test_the_files_of_workers_are_there_until_the_service_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is queued when a server ends is published still, which may take new files."""
    seen: list[bool] = []
    mapped = tmp_path / "db.workers" / "mapped"
    close = Service.close

    def closing(service: Service) -> None:
        seen.append(mapped.is_dir())
        close(service)

    monkeypatch.setattr(Service, "close", closing)

    async def ready(address: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    run(serve(Settings(database=tmp_path / "db", listen=LISTEN, workers=1), FrozenClock(START), ready))
    assert seen == [True]
    assert not mapped.parent.exists()


def test_a_server_that_lost_its_database_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit fails, and starting again from disk fails too: memory may be ahead of the disk, and must not answer."""

    async def test() -> None:
        async def ready(address: str) -> None:
            async with grpc.aio.insecure_channel(address) as channel:
                client = Client(channel)
                await client.define("pro", PRO)
                monkeypatch.setattr(Store, "insert_users", fail)
                monkeypatch.setattr(Engine, "recover", fail)
                refused = await refusal(client.upsert({"u": {"plan": "pro"}}))
                assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "STORAGE_FAILED")

        with pytest.raises(StorageFailed, match="could not start again from disk"):
            await serve(Settings(database=tmp_path / "db", listen=LISTEN), FrozenClock(START), ready)

    run(test())
    monkeypatch.undo()
    service = Service.open(tmp_path / "db", load_plugins(), FrozenClock(START), Currencies())
    service.close()


def test_a_server_that_starts_again_from_disk_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async def ready(address: str) -> None:
            async with grpc.aio.insecure_channel(address) as channel:
                client = Client(channel)
                await client.define("pro", PRO)
                await client.upsert({"u": {"plan": "pro"}})
                with monkeypatch.context() as patch:
                    patch.setattr(Store, "write_profiles", fail)
                    assert (await refusal(client.upsert({"v": {"plan": "pro"}}))).reason == "STORAGE_FAILED"
                assert not (await client.check("v", "pro")).user_known
                assert await client.is_member("u", "pro")
                await client.upsert({"v": {"plan": "pro"}})
                assert await client.is_member("v", "pro")
            os.kill(os.getpid(), signal.SIGTERM)

        await serve(Settings(database=tmp_path / "db", listen=LISTEN), FrozenClock(START), ready)

    run(test())


def fail(*_: object) -> None:
    raise StorageFailed("the disk is gone")
