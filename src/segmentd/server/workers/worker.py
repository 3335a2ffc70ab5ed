"""A worker: listens on the reserved port, answers from mapped memberships, and forwards everything else."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from pathlib import Path
from typing import Any, BinaryIO, Final

import grpc.aio
import uvloop
from grpc_reflection.v1alpha import reflection

from segmentd.errors import Internal, Reason, SegmentdError
from segmentd.server.membership_reads import MembershipReads
from segmentd.server.run import Options, Server, run_until_signal
from segmentd.server.service_names import SERVICES
from segmentd.server.signals import STOPPING
from segmentd.server.workers.answering import answering
from segmentd.server.workers.forwarding import Forwarder
from segmentd.server.workers.link import CHANNEL
from segmentd.server.workers.orders import DRAIN, HURRY, Orders, Report
from segmentd.server.workers.tallies import Tallies
from segmentd.service.mapped_memberships import Elsewhere, MappedMemberships

_LOG: Final = logging.getLogger(__name__)
_CONNECTION_AGE: Final = 300.0
"""Seconds after which clients are asked to connect again: the kernel then chooses among the workers that are there."""
_REFRESH: Final = 1.0
"""Seconds after which a worker whom nobody asks anything gives up files that were replaced; twice as many, and it gives
up all where a publication does not end."""


def work(told: BinaryIO, said: BinaryIO) -> int:
    """Serve until the parent or a signal says to stop, or the parent is gone; the exit code.

    Orders come on the pipe `told`; the report goes to `said`.
    """
    try:
        uvloop.run(_work(told, said))
    except SegmentdError as error:
        _LOG.error("%s", error.message)
        return 1
    return 0


async def _work(told: BinaryIO, said: BinaryIO) -> None:
    parent = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(parent), told)
    orders = Orders.read(await parent.readline())
    words = f"%(asctime)s %(levelname)s worker {orders.number} %(name)s: %(message)s"
    logging.basicConfig(level=orders.log_level.upper(), format=words)
    try:
        async with grpc.aio.insecure_channel(orders.engine, options=CHANNEL) as engine:
            await _serve(orders, parent, engine, said)
    except Exception as error:
        if not said.closed:
            _say(said, Report(str(error) or repr(error)))
        raise


async def _serve(orders: Orders, parent: asyncio.StreamReader, engine: grpc.aio.Channel, said: BinaryIO) -> None:
    memberships = MappedMemberships(Path(orders.mapped))
    server = _server(orders, engine, memberships)
    stop, lost = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def begin() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        await engine.channel_ready()
        await server.start(orders.listen)
        # What is there now stays, so the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        _say(said, Report())
        said.close()

    besides = [asyncio.create_task(_listen(parent, server, stop, lost)), asyncio.create_task(_refresh(memberships))]
    try:
        await run_until_signal(server, orders.grace, begin, lost, stop)
    finally:
        for task in besides:
            task.cancel()


def _say(said: BinaryIO, report: Report) -> None:
    """Nothing where the parent is gone; the worker hears of that by the other pipe."""
    with contextlib.suppress(BrokenPipeError):
        said.write(report.line())


def _server(orders: Orders, engine: grpc.aio.Channel, memberships: MappedMemberships) -> Server:
    tally = Tallies(Path(orders.tallies)).of(orders.number)
    forwarder = Forwarder(engine, tally)

    def register(methods: Any) -> None:
        for method, handler in forwarder.methods_of((*SERVICES, reflection.SERVICE_NAME)):
            methods.add_raw(method, handler)
        for method, handler in answering(MembershipReads(memberships), forwarder, tally):
            methods.add_raw(method, handler)

    return Server(register, SERVICES, reflects=False, shared=True, options=renewing(_CONNECTION_AGE))


def renewing(seconds: float) -> Options:
    """Options of a server whose connections take no new calls after so many seconds, one tenth more or less.

    Calls and streams under way stay on theirs for as long as they like.
    """
    return (("grpc.max_connection_age_ms", round(seconds * 1_000)),)


async def _listen(
    parent: asyncio.StreamReader, server: Server, stop: asyncio.Event, lost: asyncio.Future[None]
) -> None:
    """Do what the parent says; its end is the end of the pipe, however it came."""
    while line := await parent.readline():
        if line == DRAIN:
            stop.set()
        elif line == HURRY:
            server.hurry()
    lost.set_exception(Internal(Reason.INTERNAL, "the engine is gone"))
    server.hurry()


async def _refresh(memberships: MappedMemberships) -> None:
    while True:
        await asyncio.sleep(_REFRESH)
        with contextlib.suppress(Elsewhere):
            memberships.refresh()
