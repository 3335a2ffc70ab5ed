"""The answers of a stream, written so that the call can be refused while one of them is under way."""

from __future__ import annotations

from typing import Any

from segmentd.server.rpc import Context


class Sending:
    """Writes the answers of one call."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._begun = False

    async def write(self, message: Any) -> None:
        """Returns when the answer is taken; may be given up."""
        if not self._begun:
            # By itself: what a write sends along that is then given up, a refusal would send again, and fail.
            await self._context.send_initial_metadata(())
            self._begun = True
        await self._context.write(message)
