"""What goes on beside a measurement, in processes of their own: steady writes, and CPU that is burnt."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from typing import Any

from open_loop import latencies
from seeded_rules import EVENTS
from seeding import first_users

from segmentd.v1 import profile_pb2, profile_service_pb2

INGEST = "/segmentd.v1.ProfileService/IngestEvents"
BATCH = 20
"""Events of one call, unless said otherwise."""
PREPARING_SECONDS = 120
_PERIOD = 0.002


@contextmanager
def beside(work: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Run it in another process, from the moment at which it has prepared itself until the end of the block."""
    spawning = multiprocessing.get_context("spawn")
    prepared = spawning.Event()
    process = spawning.Process(target=work, args=(prepared, *arguments), daemon=True)
    process.start()
    try:
        if not prepared.wait(PREPARING_SECONDS):
            raise SystemExit(f"what was to run beside the measurement did not begin ({process.exitcode})")
        yield
        if not process.is_alive() and process.exitcode:
            raise SystemExit(f"what ran beside the measurement ended with {process.exitcode}")
    finally:
        process.terminate()
        process.join()


def requests_of(users: int, calls: int, run: int, batch: int = BATCH) -> list[bytes]:
    """Encoded calls of `batch` events of random users each; `run` makes the message ids its own."""
    draw, ids = random.Random(run), first_users(users)
    return [
        profile_service_pb2.IngestEventsRequest(
            events=[_event(draw, draw.choice(ids), f"{run}-{call}-{number}") for number in range(batch)]
        ).SerializeToString()
        for call in range(calls)
    ]


def write_steadily(
    prepared: Event, address: str, users: int, events_per_second: int, seconds: float, run: int, batch: int = BATCH
) -> None:
    """Events encoded beforehand, `batch` in a call, sent when they are due."""
    rate = events_per_second / batch
    requests = requests_of(users, int(rate * seconds), run, batch)
    prepared.set()
    latencies(address, requests, rate, seconds, connections=2, path=INGEST)


def burn(prepared: Event, share: float) -> None:
    """Use so much of one core, in short turns."""
    prepared.set()
    while True:
        started, burnt = time.perf_counter(), time.process_time() + share * _PERIOD
        while time.process_time() < burnt:
            pass
        time.sleep(max(0.0, _PERIOD - (time.perf_counter() - started)))


def _event(draw: random.Random, user: str, message_id: str) -> profile_pb2.Event:
    name = draw.choice(EVENTS)
    event = profile_pb2.Event(user_id=user, name=name, message_id=message_id)
    if name == "Order Completed":
        event.properties.update({"revenue": draw.randrange(500, 20_000) / 100, "currency": "USD"})
    elif name != "Application Opened":
        event.properties.update({"category": draw.choice(("running", "yoga", "outdoor")), "price": 49.0})
    return event
