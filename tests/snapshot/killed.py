"""A server that writes something, makes some steps of a snapshot, and is killed: `python killed.py DATABASE STEPS`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

from segmentd.plugins.host import load_plugins
from segmentd.service.items import ProfileWrite
from segmentd.service.service import Service
from segmentd.service.snapshots import taking
from segmentd.service.snapshots.keeper import Attempt
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock, parse_instant


def main(path: str, steps: int) -> None:
    """Nothing is closed."""
    taking.ROWS = taking.EVENT_ROWS = 8  # type: ignore[misc]
    service = Service.open(path, load_plugins(()), FrozenClock(parse_instant("2026-01-01T00:00:00Z")), Currencies())
    asyncio.run(service.profiles.upsert([ProfileWrite(f"k{steps}", {"age": 77}), ProfileWrite("u1", {"age": steps})]))
    engine = service._engine

    def write() -> int:
        attempt = Attempt(engine.live, engine.store)
        for _ in range(steps):
            if not attempt.step():
                attempt.seal()
                if steps > 100:
                    attempt.finish()
                break
        return engine.live.revision

    print(json.dumps({"revision": engine.thread.call(write).result()}), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


main(sys.argv[1], int(sys.argv[2]))
