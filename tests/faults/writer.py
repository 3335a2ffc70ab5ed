"""A process that writes until it is killed: `python writer.py DATABASE singles|batches RUN`.

What is acknowledged is printed: `ack` with message ids. Ids on the input are sent again first and answered `again`.
A message id says what its event is: run, number, user and time.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from segmentd.plugins.host import load_plugins
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import Micros, WallClock

USERS = 23
BATCH = 400
TASKS = 8


def event_of(message_id: str) -> EventWrite:
    """The event that a message id stands for."""
    _, _, user, time = message_id.split("/")
    return EventWrite(user, "E", message_id, Micros(int(time)), {"size": len(message_id)})


class Writer:
    """Writes by itself, in tasks that do not wait for each other."""

    def __init__(self, service: Service, run: str) -> None:
        self._service = service
        self._run = run
        self._numbers = count()

    async def again(self, message_ids: list[str]) -> None:
        """Send what was acknowledged before."""
        if message_ids:
            outcome = await self._service.profiles.ingest([event_of(each) for each in message_ids])
            print("again", *(int(each.duplicate) for each in outcome.results), flush=True)

    async def singles(self) -> None:
        """One event after the other, and a profile now and then."""
        while True:
            message_id = self._message_id()
            await self._service.profiles.ingest([event_of(message_id)])
            print("ack", message_id, flush=True)
            number = next(self._numbers)
            if number % 5 == 0:
                user = f"u{number % USERS}"
                await self._service.profiles.upsert([ProfileWrite(user, {"plan": "pro" if number % 2 else "free"})])

    async def batches(self) -> None:
        """As an import does it."""
        while True:
            ids = [self._message_id() for _ in range(BATCH)]
            await self._service.profiles.ingest([event_of(each) for each in ids])
            print("ack", *ids, flush=True)

    def _message_id(self) -> str:
        number = next(self._numbers)
        return f"{self._run}/{number}/u{number * 7 % USERS}/{WallClock().now() - number % 3_000_000}"


async def main() -> None:
    """Write until somebody ends it."""
    database, mode, run = sys.argv[1:]
    service = Service.open(database, load_plugins(), WallClock(), Currencies())
    writer = Writer(service, run)
    await writer.again(sys.stdin.readline().split())
    await asyncio.gather(*(getattr(writer, mode)() for _ in range(TASKS if mode == "singles" else 2)))


if __name__ == "__main__":
    asyncio.run(main())
