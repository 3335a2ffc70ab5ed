"""A midnight: the deadlines of all users at one instant, and what checks take meanwhile, beside the quiet server."""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from bare_servers import drawn_checks
from figures import show, size_options
from open_loop import milliseconds, timed
from seeded_people import records
from server_process import ServerProcess, serving

from segmentd.client import Client
from segmentd.client.values import as_struct
from segmentd.records import EventBatch
from segmentd.storage import Store
from segmentd.times import SECOND, Micros, WallClock
from segmentd.v1 import segment_pb2

SEGMENTS = 20
SETTLED_SECONDS = 1.5
"""So long no revision comes once a wave is over."""
EVENT = "Application Opened"
AT_ONCE = 50_000
POLL_SECONDS = 0.05


def fill(path: Path, users: int) -> Micros:
    """Users with one event each, all at one instant, which is given."""
    opened = Micros(WallClock().now() // SECOND * SECOND)
    profiles = ((f"u{number:07d}", {}) for number in range(users))
    with Store.open(path) as store:
        for keys, written in records(profiles, opened):
            with store.transaction():
                store.insert_users(keys)
                store.write_profiles(written)
                store.insert_event_batch([key for key, _ in keys], openings(opened, len(keys)))
        with store.transaction():
            store.advance(1, opened)
    return opened


def openings(opened: Micros, size: int) -> EventBatch:
    """So many events without properties, all at this instant."""
    nothing: list[None] = [None] * size
    texts = [b"{}"] * size, list(nothing), list(nothing), list(nothing), list(nothing)
    return EventBatch(opened, [EVENT] * size, [opened] * size, *texts)


def define(client: Client, opened: Micros, quiet_seconds: float) -> tuple[float, float]:
    """Segments that everybody leaves at one instant.

    Gives that instant (seconds of the epoch), and the seconds that defining took: judging all users once for each.
    """
    began = time.monotonic()
    client.create_segment(_segment("trial", 10_000_000, 0))
    trial = time.monotonic() - began
    client.delete_segment("trial")
    # What defining the segments may take is added, so that the instant lies ahead of the quiet measurement.
    ahead = time.time() + 1.5 * SEGMENTS * trial + quiet_seconds + 6
    window = round(ahead - opened / SECOND)
    began = time.monotonic()
    for number in range(SEGMENTS):
        client.create_segment(_segment(f"s{number:04d}", window, number))
    return opened / SECOND + window, time.monotonic() - began


def _segment(name: str, window: int, number: int) -> segment_pb2.Segment:
    recent = {"behavioral": {"event": EVENT, "count": {"at_least": 1}, "within": f"{window}s"}}
    never = {"attribute": {f"a{number}": {"missing": True}}}
    return segment_pb2.Segment(id=name, rule=as_struct({"all": [recent, never]}))


class Revisions(threading.Thread):
    """Asks again and again which revision the server has, and notes when that was last another one."""

    def __init__(self, server: ServerProcess, due: float) -> None:
        super().__init__(daemon=True)
        self._client = Client(server.address, timeout=600)
        self._due = due
        self.last_change = due

    def run(self) -> None:
        revision = 0
        with closing(self._client):
            while time.time() < max(self._due, self.last_change) + SETTLED_SECONDS:
                found = self._client.status().revision
                if found != revision:
                    revision, self.last_change = found, time.time()
                time.sleep(POLL_SECONDS)


def main() -> None:
    sizes = size_options(
        {"users": 500, "checks_per_second": 50, "quiet": 2},
        users=20_000,
        checks_per_second=500,
        quiet=8,
        workers=1,
        lasting=20,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.db")
        opened = fill(path, sizes.users)
        with serving(path, workers=sizes.workers) as server:
            with Client(server.address, timeout=600) as client:
                due, judging = define(client, opened, sizes.quiet)
            if due - time.time() < sizes.quiet:
                raise SystemExit("defining the segments took too long: the wave is too near")
            before = server.peak_mib()
            revisions = Revisions(server, due)
            revisions.start()
            messages = drawn_checks(sizes.users, SEGMENTS, 1_000)
            lasting = due - time.time() + (4 if sizes.smoke else sizes.lasting)
            when, taken = timed(server.address, messages, sizes.checks_per_second, lasting)
            revisions.join()
            wave = revisions.last_change - due
            refused = int(np.count_nonzero(np.isinf(taken)))
            told = {"users": sizes.users, "segments": SEGMENTS, "workers": sizes.workers, "refused": refused}
            during = taken[(when >= due) & (when < max(revisions.last_change, due + 0.5))]
            quiet = taken[(when >= due - sizes.quiet) & (when < due)]
            for percentile in (50, 99):
                mine, peer = (milliseconds(side, percentile, lasting) for side in (during, quiet))
                name = f"wave: p{percentile} of checks meanwhile"
                show(name, mine, "ms", "the same server before the wave", peer, **told)
            peer_name = "defining the segments, all users judged for each"
            show("wave: in all", wave, "s", peer_name, judging, **told)
            show("wave: peak memory", server.peak_mib(), "MiB", "peak before the wave", before, **told)


if __name__ == "__main__":
    main()
