"""How many calls are under way, so that a drain knows when it may end."""

from __future__ import annotations

import asyncio

from segmentd.server.rpc import Context


class CallsUnderWay:
    """Counts the calls of segmentd's own methods.

    Those of gRPC's services (a health watch never ends by itself) do not keep a server from going down.
    """

    def __init__(self) -> None:
        self.count = 0
        self._none = asyncio.Event()
        self._none.set()

    def add(self, method: str, context: Context) -> None:
        """Counts a call of `method` (`/segmentd.v1.AdminService/GetStatus`) until gRPC has sent all of its answer."""
        if method.startswith("/grpc."):
            return
        self.count += 1
        self._none.clear()
        context.add_done_callback(self._remove)

    def _remove(self, ctx: Context) -> None:
        self.count -= 1
        if self.count == 0:
            self._none.set()

    async def wait_for_none(self) -> None:
        """Returns as soon as no call is under way."""
        await self._none.wait()
