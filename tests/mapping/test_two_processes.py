"""Another process reads while the engine writes: whatever it is told was true at the revision and instant it names."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

import pytest
from tests.service.opened import define, opened

from segmentd.errors import SegmentdError
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.live import Live
from segmentd.service.mapped_publication import MappedPublication
from segmentd.service.merging import UserMerge
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.united import Precedence
from segmentd.times import DAY, HOUR, Clock, Micros

USERS: Final = [f"user-{number}" for number in range(12)]
SEGMENTS: Final = ["pro", "recent", "both", "later-1", "later-2", "later-3"]
STEPS: Final = 250


class Truth(NamedTuple):
    """What is so of a user and a segment from a publication on: until when, whether the user is known, and a member."""

    until: int
    known: bool
    member: bool


class Witnessed(MappedPublication):
    """Notes what the engine itself has, whenever it publishes."""

    def __init__(self, live: Live, clock: Clock, directory: Path) -> None:
        self.truths: dict[tuple[str, str, int], set[Truth]] = defaultdict(set)
        super().__init__(live, clock, directory)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._witness()
        super().__exit__(kind, error, trace)

    def _witness(self) -> None:
        live = self._live
        for user in USERS:
            row = live.users.index.get(user, -1)
            known = 0 <= row < live.published_rows
            until = int(live.memberships.horizons[row]) if known else sys.maxsize
            for plan in live.catalogue.plans:
                member = known and live.memberships.bit(plan.slot, row)
                self.truths[user, plan.segment_id, live.revision].add(Truth(until, known, member))


async def one_thing(service: Service, chance: random.Random, number: int) -> None:
    """Something that happens."""
    user, other = chance.choice(USERS), chance.choice(USERS)
    kind = chance.randrange(12)
    if kind < 4:
        await service.profiles.upsert([ProfileWrite(user, {"plan": chance.choice(["pro", "free"])})])
    elif kind < 8:
        now = (await service.status()).clock
        await service.profiles.ingest([EventWrite(each, "Buy", f"m{number}-{each}", now) for each in {user, other}])
    elif kind < 9:
        await service.identity.merge([UserMerge(user, other, Precedence.LATEST_WINS)])
    elif kind < 10:
        await service.identity.erase(user)
    else:
        await service.advance_clock(by=Micros(chance.choice([HOUR, DAY, 3 * DAY])))


async def much(service: Service, chance: random.Random) -> None:
    """A lot happens, edits and many new users among it."""
    for number in range(STEPS):
        with suppress(SegmentdError):  # a write for an id that was erased
            await one_thing(service, chance, number)
        if number == STEPS // 5:
            await service.profiles.upsert([ProfileWrite(f"more-{each}", {"plan": "pro"}) for each in range(6_000)])
        if number % (STEPS // 3) == 1:
            name = SEGMENTS[3 + number // (STEPS // 3)]
            await define(service, name, {"attribute": {"plan": {"equals": chance.choice(["pro", "free"])}}})
            rule: Any = {"attribute": {"plan": {"equals": chance.choice(["pro", "free"])}}}
            await service.segments.update(SegmentSpec("pro", rule=rule), {"rule"}, "", "", "")


async def told_meanwhile(tmp_path: Path, seed: int) -> tuple[Witnessed, dict[str, Any]]:
    """What the engine had at each revision, and what the other process was told."""
    service = opened(tmp_path / "test.db")
    try:
        engine = service._engine
        # So that a segment too many needs another column of words.
        engine.live.memberships._free[:] = [3, 2, 1, 0]
        await define(service, "pro", {"attribute": {"plan": {"equals": "pro"}}})
        await define(service, "recent", {"behavioral": {"event": "Buy", "within": "2d", "count": {"at_least": 1}}})
        await define(service, "both", {"all": [{"segment": "pro"}, {"not": {"segment": "recent"}}]})
        directory = tmp_path / "mapped"
        published = engine.thread.call(lambda: Witnessed(engine.live, engine.clock, directory)).result()
        script = Path(__file__).with_name("reading_process.py")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(script), str(directory), ",".join(USERS), ",".join(SEGMENTS)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**26,
        )
        try:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"asking\n"
            await much(service, random.Random(seed))
            output, _ = await process.communicate(b"")
            assert process.returncode == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return published, json.loads(output)
    finally:
        service.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_what_another_process_is_told_was_true_at_its_revision(tmp_path: Path, seed: int) -> None:
    published, found = asyncio.run(told_meanwhile(tmp_path, seed))
    answers = [
        (user, segment, revision, Truth(at, known, member))
        for user, segment, revision, at, known, member in found["told"]
    ]
    for user, segment, revision, told in answers:
        true = published.truths[user, segment, revision]
        assert any(each[1:] == told[1:] and told.until < each.until for each in true), (user, segment, revision, told)
    last = published._live.revision
    assert {segment for _, segment, revision, _ in answers if revision == last} >= {"pro", "both", "later-3"}
