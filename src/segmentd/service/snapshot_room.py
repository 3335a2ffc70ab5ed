"""How much of snapshots may be in memory at a time, and for how long one may keep the others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from segmentd.errors import Reason, ResourceExhausted

ROOM_BYTES: Final = 256 * 1024 * 1024
PATIENCE_SECONDS: Final = 300.0
"""Whoever has room for longer gives it up as soon as somebody waits."""


class SnapshotRoom:
    """Used on one event loop. A snapshot larger than all of the room has it for itself."""

    def __init__(self, room: int = ROOM_BYTES, patience: float = PATIENCE_SECONDS) -> None:
        self._room = room
        self._patience = patience
        self._used = 0
        self._waiting = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[Place]:
        """Room for so many bytes; waits for it."""
        async with self._changed:
            self._waiting += 1
            try:
                await self._changed.wait_for(lambda: not self._used or self._used + size <= self._room)
            finally:
                self._waiting -= 1
            self._used += size
        try:
            yield Place(self)
        finally:
            self._used -= size
            async with self._changed:
                self._changed.notify_all()

    def overstayed(self, since: float) -> bool:
        """Whether somebody waits for one who has had room since then, too long."""
        return self._waiting > 0 and asyncio.get_running_loop().time() - since > self._patience


class Place:
    """The room of one snapshot."""

    def __init__(self, room: SnapshotRoom) -> None:
        self._room = room
        self._since = asyncio.get_running_loop().time()

    def check(self) -> None:
        """Raises ResourceExhausted (WATCH_TOO_SLOW) where others have waited too long for this one."""
        if self._room.overstayed(self._since):
            raise ResourceExhausted(
                Reason.WATCH_TOO_SLOW, "the snapshot was taken too slowly, and others wait; take another one, or resume"
            )
