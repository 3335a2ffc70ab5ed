"""Consumers that a test scripts, time that it holds, and a service that has them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from segmentd.api import Batch, Consumer, Micros, hookimpl
from segmentd.plugins.host import load_plugins
from segmentd.service.items import ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock, parse_instant

START = parse_instant("2026-01-01T00:00:00Z")


class SteppedPace:
    """Time that jumps over every wait at once; while it is `held`, waits last until somebody is woken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._elapsed = 0
        self.held = False
        self.waits: list[int] = []

    def now(self) -> Micros:
        return Micros(START + self._elapsed)

    def elapsed(self) -> Micros:
        return Micros(self._elapsed)

    def wait(self, woken: threading.Event, until: Micros | None) -> None:
        if until is None or self.held:
            woken.wait(30)
        elif not woken.is_set():
            with self._lock:
                self.waits.append(max(until - self._elapsed, 0))
                self._elapsed = max(self._elapsed, until)


class Listener(Consumer):
    """Does what its script says, then takes everything."""

    def __init__(self, name: str, *script: Exception, **attributes: Any) -> None:
        self.name = name
        self.script = list(script)
        self.batches: queue.Queue[Batch] = queue.Queue()
        self.attempts: list[Batch] = []
        self.closed = 0
        for key, value in attributes.items():
            setattr(self, key, value)

    def deliver(self, batch: Batch) -> None:
        self.attempts.append(batch)
        if self.script:
            raise self.script.pop(0)
        self.batches.put(batch)

    def close(self) -> None:
        self.closed += 1

    def next(self) -> Batch:
        """The next batch that arrived."""
        return self.batches.get(timeout=30)

    def moves(self, count: int) -> list[tuple[str, str, bool]]:
        """The next changes, so many: user, segment, entered."""
        found: list[tuple[str, str, bool]] = []
        while len(found) < count:
            found += [(each.user_id, each.segment_id, each.entered) for each in self.next().changes]
        assert len(found) == count
        return found


class Blocked(Listener):
    """Does not return from its delivery until it is interrupted."""

    def __init__(self, name: str, *, stubborn: bool = False) -> None:
        super().__init__(name)
        self.entered = threading.Event()
        self.released = threading.Event()
        self.stubborn = stubborn

    def deliver(self, batch: Batch) -> None:
        self.entered.set()
        self.released.wait(60)
        raise RuntimeError("interrupted")

    def interrupt(self) -> None:
        if not self.stubborn:
            self.released.set()


def listened(path: str | Path, *consumers: Consumer, pace: SteppedPace | None = None, at: Micros = START) -> Service:
    """A service with these consumers; close it."""
    plugin = SimpleNamespace(segmentd_memberships_changed=hookimpl(lambda: consumers))
    plugins = load_plugins(extra={"listeners": plugin})
    return Service.open(path, plugins, FrozenClock(at), Currencies(), pace=pace or SteppedPace())


async def define(service: Service, *names: str) -> None:
    """Segments `vip` and the like: those whose attribute of that name is true."""
    for name in names:
        await service.segments.create(SegmentSpec(name, rule={"attribute": {name: {"equals": True}}}), "", "")


async def set_flags(service: Service, user: str, **flags: bool) -> None:
    """Set attributes of one user, in a revision of its own."""
    outcome = await service.profiles.upsert([ProfileWrite(user, flags)])
    assert all(result.error is None for result in outcome.results)


def settle(service: Service, name: str, reached: Callable[[], bool] = lambda: False) -> None:
    """Return when the thread of a consumer has nothing to do but wait, or what is awaited is so."""
    delivery = service.consumers._deliveries[name]
    for _ in range(10_000):
        delivery._requests.ask(lambda: None).result(30)
        waits = delivery._page is None and delivery.record.position >= service._engine.tail.end
        if reached() or waits or delivery.record.disabled:
            return
    raise AssertionError(f"{name} does not settle: {delivery.record}")
