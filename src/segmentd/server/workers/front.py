"""The engine's server behind its workers, as one thing that is started and stopped."""

from __future__ import annotations

from segmentd.errors import InvalidInput
from segmentd.server.address import LISTEN, parse
from segmentd.server.reservation import Reservation
from segmentd.server.run import Server
from segmentd.server.workers.fleet import Fleet
from segmentd.server.workers.orders import Orders
from segmentd.server.workers.room import Room
from segmentd.server.workers.tallies import ENDED, Tallies
from segmentd.settings import Settings


class Front:
    """The engine is on a private socket, its workers on the public port. To be made inside of the event loop."""

    def __init__(self, server: Server, settings: Settings, room: Room, reserved: Reservation) -> None:
        """`server` is the engine's, the port is `reserved`. Raises OSError where `room` is not there."""
        self._server = server
        self._room = room
        self._reserved = reserved
        Tallies.make(room.tallies, settings.workers)
        tallies = Tallies(room.tallies)
        self.tallies = [tallies.of(number) for number in range(settings.workers)]
        self._fleet = Fleet([self._orders(number, settings) for number in range(settings.workers)], self._count_end)
        self.lost = self._fleet.lost
        """Fails where workers cannot be had."""
        self._hurried = False

    @property
    def under_way(self) -> int:
        """How many calls the engine has; workers know of their own."""
        return self._server.under_way

    async def start(self) -> str:
        """Returns the public address when all workers answer there. Raises Internal where one cannot start."""
        await self._server.start(f"unix:{self._room.socket}")
        await self._fleet.start()
        return self._reserved.address

    async def drain(self, grace: float) -> None:
        """Drain the workers, then the engine: until the last worker has ended, calls may come from it."""
        await self._fleet.drain(grace)
        await self._server.drain(0 if self._hurried else grace)
        self._reserved.close()

    def hurry(self) -> None:
        """End the calls that a drain waits for."""
        self._hurried = True
        self._fleet.hurry()
        self._server.hurry()

    def _count_end(self, number: int) -> None:
        self.tallies[number][ENDED] += 1

    def _orders(self, number: int, settings: Settings) -> Orders:
        return Orders(
            number=number,
            listen=self._reserved.address,
            engine=f"unix:{self._room.socket}",
            mapped=str(self._room.mapped),
            tallies=str(self._room.tallies),
            grace=settings.drain_grace,
            log_level=settings.log_level,
        )


def check(listen: str) -> None:
    """Raises InvalidInput at SEGMENTD_LISTEN for an address that workers cannot share."""
    if listen.startswith("unix:"):
        raise InvalidInput.at(LISTEN, f"workers share a port, and {listen} has none; write HOST:PORT")
    parse(listen)
