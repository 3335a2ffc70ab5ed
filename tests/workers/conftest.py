"""One server with workers and a frozen clock for a whole module, with users for all kinds of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc.aio
import pytest
from tests.server.served import START, Client, event
from tests.workers.fleet_process import FRESH, FleetProcess, fleet

from segmentd.times import DAY, Micros, format_instant

RULES: dict[str, dict[str, Any]] = {
    "pro": {"attribute": {"plan": {"equals": "pro"}}},
    "recent": {"behavioral": {"event": "viewed", "within": "7d"}},
    "recent_pro": {"all": [{"segment": "pro"}, {"segment": "recent"}]},
    "idle": {"not": {"behavioral": {"event": "viewed", "within": "3d"}}},
}


@dataclass
class Served:
    """A loop that a module's tests share, and the server."""

    loop: asyncio.Runner
    process: FleetProcess

    def run(self, test: Any) -> Any:
        """Run one test; one that hangs fails after a minute."""
        return self.loop.run(asyncio.wait_for(test, 60))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("fleet")
    with asyncio.Runner() as loop:
        context = fleet(folder / "x.db", "--clock", format_instant(START))
        process = loop.run(asyncio.wait_for(context.__aenter__(), 60))
        try:
            loop.run(fill(process.address))
            yield Served(loop, process)
        finally:
            loop.run(context.__aexit__(None, None, None))


async def fill(address: str) -> None:
    """Four active segments with labels, an archived one; users who are in some, and one whose horizons differ."""
    async with grpc.aio.insecure_channel(address, options=FRESH) as channel:
        client = Client(channel)
        for name, rule in RULES.items():
            await client.define(name, rule, name=name.title(), labels={"kind": name[:3]})
        await client.upsert({f"u{i}": {"plan": "pro" if i % 2 else "free"} for i in range(20)})
        ago = [Micros(START - days * DAY) for days in range(5)]
        await client.ingest(*(event(f"u{i}", "viewed", f"m{i}", ago[i % 5]) for i in range(0, 20, 3)))
