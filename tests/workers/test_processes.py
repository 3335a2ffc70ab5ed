"""Workers as processes: what happens when one of them, or the engine, is killed, stopped or drained."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.server.served import MEMBER, Client, refusal
from tests.server.toys import detail_in
from tests.workers.conftest import Served
from tests.workers.fleet_process import FleetProcess, fleet, is_there, run, said, until

from segmentd.service.service import BEHIND_WORKERS
from segmentd.v1 import membership_service_pb2 as pb

PRO = {"attribute": {"plan": {"equals": "pro"}}}
CHECK = pb.CheckMembershipRequest(user_id="u1", segment_id="pro")
WHOLE_GROUP, PARENT = "the whole group", "the parent"


def with_fleet(tmp_path: Path, test: Callable[[FleetProcess], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with fleet(tmp_path / "x.db") as process:
            await test(process)

    run(whole())


def send(process: FleetProcess, number: signal.Signals, to: str) -> None:
    if to == PARENT:
        process.child.send_signal(number)
    else:
        os.killpg(process.child.pid, number)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
def test_workers_go_before_the_engine_s_thread(served: Served) -> None:
    def niceness(pid: int) -> dict[str, int]:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return {task.name: os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in tasks}

    process = served.process
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    engine = niceness(process.child.pid)
    assert engine[str(process.child.pid)] == usual  # its children have the same
    assert BEHIND_WORKERS in engine.values()
    for worker in process.workers:
        assert set(niceness(worker).values()) == {usual}


def test_a_worker_that_is_killed_is_replaced_and_nobody_waits_for_it(served: Served) -> None:
    process = served.process

    async def test() -> None:
        before = process.workers
        assert len(before) == 2
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        await until(lambda: killed not in process.workers)
        async with process.channel() as channel:
            assert await Client(channel).is_member("u1", "pro")
        await until(lambda: len(process.workers) == 2)
        for left in before - {killed}:
            os.kill(left, signal.SIGTERM)  # who answers then is a new one
        await until(lambda: not before & process.workers)
        async with process.channel() as channel:
            answer = await Client(channel).memberships.CheckMembership(CHECK, wait_for_ready=True)
            assert answer.membership == MEMBER

    served.run(test())


def test_a_worker_that_is_stopped_alone_drains_and_is_replaced(served: Served) -> None:
    process = served.process

    async def test() -> None:
        async with process.channel() as channel:
            client = Client(channel)
            watch = client.memberships.WatchTransitions(pb.WatchTransitionsRequest(), wait_for_ready=True)
            assert (await watch.read()).HasField("checkpoint")
            await until(lambda: len(process.workers) == 2)
            before = process.workers
            for pid in before:
                os.kill(pid, signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await watch.read()
            assert detail_in(seen.value, error_details_pb2.ErrorInfo).reason == "SHUTTING_DOWN"
            await until(lambda: len(process.workers) == 2 and not process.workers & before)
            answer = await client.memberships.CheckMembership(CHECK, wait_for_ready=True)
            assert answer.membership == MEMBER

    served.run(test())


def test_workers_end_when_the_engine_is_killed(tmp_path: Path) -> None:
    async def test(process: FleetProcess) -> None:
        workers = process.workers
        process.child.kill()
        await process.child.wait()
        await until(lambda: not any(is_there(pid) for pid in workers))
        assert (await said(process.child)).count("the engine is gone") == 2

    with_fleet(tmp_path, test)


def _maps(pid: int) -> bool:
    """Whether a worker has come so far that it maps the memberships, which is before it listens."""
    try:
        return "/mapped/head" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False


def test_a_worker_ends_too_when_the_engine_is_killed_while_it_starts(tmp_path: Path) -> None:
    async def test(process: FleetProcess) -> None:
        before = process.workers
        os.kill(min(before), signal.SIGKILL)
        await until(lambda: any(_maps(pid) for pid in process.workers - before))
        workers = process.workers
        process.child.kill()
        await process.child.wait()
        await until(lambda: not any(is_there(pid) for pid in workers))
        assert "BrokenPipeError" not in await said(process.child)

    with_fleet(tmp_path, test)


def test_a_server_that_was_killed_leaves_nothing_for_the_next_one_to_stumble_over(tmp_path: Path) -> None:
    async def test() -> None:
        async with fleet(tmp_path / "x.db") as process:
            workers = process.workers
            async with process.channel() as channel:
                await Client(channel).define("pro", PRO)
                await Client(channel).upsert({"u": {"plan": "pro"}})
            process.child.kill()
            await process.child.wait()
            await until(lambda: not any(is_there(pid) for pid in workers))
        assert (tmp_path / "x.db.workers").is_dir()
        async with fleet(tmp_path / "x.db") as process:
            async with process.channel() as channel:
                assert await Client(channel).is_member("u", "pro")
            process.child.terminate()
            assert await process.child.wait() == 0
        assert not (tmp_path / "x.db.workers").exists()

    run(test())


@pytest.mark.parametrize(("number", "to"), [(signal.SIGTERM, WHOLE_GROUP), (signal.SIGINT, PARENT)])
def test_a_signal_drains_workers_and_engine(tmp_path: Path, number: signal.Signals, to: str) -> None:
    async def test(process: FleetProcess) -> None:
        async with process.channel() as channel, process.channel() as other:
            client = Client(channel)
            await client.define("pro", PRO)
            revision = (await client.upsert({"u": {"plan": "pro"}})).revision
            watch = client.memberships.WatchTransitions(pb.WatchTransitionsRequest())
            assert (await watch.read()).HasField("checkpoint")
            health: Any = health_pb2_grpc.HealthStub(other)  # its types leave out the methods
            told = health.Watch(health_pb2.HealthCheckRequest())
            assert (await told.read()).status == health_pb2.HealthCheckResponse.SERVING
            # A call that is under way keeps the server up; the engine answers it once the revision is there.
            request = pb.CheckMembershipRequest(user_id="u", segment_id="pro", min_revision=revision + 1)
            before = process.forwarded
            call = Client(other).memberships.CheckMembership(request, timeout=25)
            await until(lambda: process.forwarded > before)
            writer = grpc.aio.insecure_channel(process.engine)
            send(process, number, to)
            assert (await told.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await watch.read()
            assert detail_in(seen.value, error_details_pb2.ErrorInfo).reason == "SHUTTING_DOWN"
            await Client(writer).upsert({"v": {"plan": "free"}})
            assert (await call).revision > revision
            await writer.close()
            assert await process.child.wait() == 0
            assert not any(is_there(pid) for pid in process.workers)

    with_fleet(tmp_path, test)


def test_a_second_signal_does_not_wait_for_calls(tmp_path: Path) -> None:
    async def test(process: FleetProcess) -> None:
        async with process.channel() as channel:
            client = Client(channel)
            await client.define("pro", PRO)
            health: Any = health_pb2_grpc.HealthStub(channel)
            told = health.Watch(health_pb2.HealthCheckRequest())
            assert (await told.read()).status == health_pb2.HealthCheckResponse.SERVING
            before = process.forwarded
            asked = asyncio.ensure_future(refusal(client.check("u", "pro", min_revision=1_000)))
            await until(lambda: process.forwarded > before)
            process.child.terminate()
            assert (await told.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            process.child.terminate()
            assert (await asked).reason == "SHUTTING_DOWN"
            assert await process.child.wait() == 0

    with_fleet(tmp_path, test)
