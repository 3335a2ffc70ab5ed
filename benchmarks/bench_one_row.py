"""One written row against 20 behavioral segments: alone in its commit, and in commit groups of 100."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from figures import medians, show, size_options
from seeded_rules import behavioral_rules
from shop_events import NOW, Drawn

from segmentd.plugins.host import load_plugins
from segmentd.service.items import ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock

GROUP = 100
SEGMENTS = 20


def opened(users: int, segments: int) -> Service:
    """A database in memory, so that nothing waits for a disk, with users and so many behavioral segments."""
    service = Service.open(":memory:", load_plugins(), FrozenClock(NOW), Currencies())

    async def prepare() -> None:
        for start in range(0, users, 1_000):
            await service.profiles.upsert([ProfileWrite(f"u{i}") for i in range(start, min(start + 1_000, users))])
        for name, rule in behavioral_rules(segments).items():
            await service.segments.create(SegmentSpec(name, rule=rule), "", "")
        await write(service, drawn, 5_000, 1_000)

    drawn = Drawn(users)
    asyncio.run(prepare())
    return service


async def write(service: Service, drawn: Drawn, events: int, group: int) -> float:
    """Microseconds of CPU an event, of all threads; each group is a commit."""
    groups = [drawn.writes(group) for _ in range(max(1, events // group))]
    start = time.process_time()
    for writes in groups:
        await service.profiles.ingest(writes)
    return (time.process_time() - start) / (len(groups) * group) * 1e6


def measured(service: Service, drawn: Drawn, events: int, group: int) -> float:
    return asyncio.run(write(service, drawn, events, group))


def main() -> None:
    sizes = size_options({"users": 200, "events": 100, "rounds": 1}, users=20_000, events=1_000, rounds=7)
    judged, unjudged = opened(sizes.users, SEGMENTS), opened(sizes.users, 0)
    drawn = Drawn(sizes.users, prefix="later")
    try:
        run = {
            (service, group): partial(measured, service, drawn, sizes.events if group == 1 else 5 * sizes.events, group)
            for service in (judged, unjudged)
            for group in (1, GROUP)
        }
        found = dict(zip(run, medians(sizes.rounds, *run.values()), strict=True))
        told = {"users": sizes.users, "segments": SEGMENTS}
        alone, grouped = found[judged, 1], found[judged, GROUP]
        peer = f"an event in commit groups of {GROUP}"
        show("one written row: all of the write, CPU", alone, "µs", peer, grouped, **told)
        alone, grouped = alone - found[unjudged, 1], grouped - found[unjudged, GROUP]
        show(f"one written row: judging {SEGMENTS} segments, CPU", alone, "µs", peer, grouped, **told)
    finally:
        judged.close()
        unjudged.close()


if __name__ == "__main__":
    main()
