"""Watches through a channel, and what they bring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
from tests.server.served import Client

from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1 import transition_pb2

PRO = {"attribute": {"plan": {"equals": "pro"}}}
ANY = {"attribute": {"plan": {"exists": True}}}
LOG = pb.WATCH_START_LOG
SNAPSHOT = pb.WATCH_START_SNAPSHOT


def watch(client: Client, **request: Any) -> Any:
    """A call under way."""
    return client.memberships.WatchTransitions(pb.WatchTransitionsRequest(**request))


async def begun(client: Client, **request: Any) -> Any:
    """A call whose first message, a checkpoint, has come."""
    call = watch(client, **request)
    assert (await call.read()).HasField("checkpoint")
    return call


async def transitions(call: Any, number: int) -> list[transition_pb2.Transition]:
    """So many transitions, the next ones; more in the same message are an error."""
    found: list[transition_pb2.Transition] = []
    while len(found) < number:
        message = await call.read()
        assert message is not grpc.aio.EOF, "the stream ended"
        found += message.transitions.transitions
    assert len(found) == number
    return found


async def snapshot(call: Any) -> tuple[dict[str, list[str]], pb.SnapshotEnd]:
    """Segment → users, and the end of the snapshot."""
    members: dict[str, list[str]] = {}
    while True:
        message = await call.read()
        if message.HasField("snapshot_end"):
            return members, message.snapshot_end
        members.setdefault(message.members.segment_id, []).extend(message.members.user_ids)


async def messages(call: Any) -> AsyncIterator[pb.WatchTransitionsResponse]:
    """All messages up to the end of the stream."""
    while (message := await call.read()) is not grpc.aio.EOF:
        yield message


def brief(found: transition_pb2.Transition) -> tuple[str, str, bool]:
    """Segment, user, whether it entered."""
    return found.segment_id, found.user_id, found.move == transition_pb2.MOVE_ENTERED


async def fill(client: Client, users: int, plan: str, batch: int = 10_000) -> None:
    """Set the plan of so many users."""
    for start in range(0, users, batch):
        names = (f"u{number}" for number in range(start, min(start + batch, users)))
        await client.upsert({name: {"plan": plan} for name in names})


async def ended(call: Any) -> None:
    """The end of a call that was cancelled."""
    call.cancel()
    await asyncio.wait({asyncio.ensure_future(call.code())})
