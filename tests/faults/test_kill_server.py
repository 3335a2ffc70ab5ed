"""kill -9 of the server itself, during imports and single writes: nothing acknowledged is missing, nothing is double.

SEGMENTD_KILLS sets how often the server is killed in each test; 10 by default there, 3 here, because each kill
starts two processes.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segmentd.client import CallFailed, Client, Pending
from segmentd.v1 import profile_pb2
from segmentd.v1.profile_service_pb2 import IngestEventsResponse, IngestOutcome

KILLS = int(os.environ.get("SEGMENTD_KILLS", "3"))
EVENTS, USERS = 12_000, 700
SEGMENTD = (sys.executable, "-m", "segmentd")
SEGMENT = "segments: [{id: twenty, rule: {behavioral: {event: Seen, count: {at_least: 20}}}}]"


class Server:
    """One run of `segmentd serve`, to be killed."""

    def __init__(self, folder: Path) -> None:
        line = [*SEGMENTD, "serve", "--db", str(folder / "db"), "--listen", "127.0.0.1:0", "--json"]
        self._process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        self.address = json.loads(self._process.stdout.readline())["listening"]
        self.client = Client(self.address, timeout=5)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone; calling it again does nothing."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def command(self, folder: Path, *words: str) -> subprocess.Popen[str]:
        """A command under way."""
        environment = {**os.environ, "SEGMENTD_SERVER": self.address}
        return subprocess.Popen(
            [*SEGMENTD, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@contextmanager
def server_of(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    try:
        yield server
    finally:
        server.kill()


def finished(command: subprocess.Popen[str]) -> str:
    out, err = command.communicate(timeout=120)
    assert command.returncode == 0, err
    return out


def write_events(folder: Path) -> Counter[str]:
    """A file of events, each of a random user; how many each has."""
    draw = random.Random(7)
    users = [f"u{draw.randrange(USERS)}" for _ in range(EVENTS)]
    rows = (
        {"userId": user, "event": "Seen", "messageId": f"m{i}", "timestamp": "2026-01-01T00:00:00Z"}
        for i, user in enumerate(users)
    )
    (folder / "events.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    (folder / "segments.yaml").write_text(SEGMENT, encoding="utf-8")
    return Counter(users)


def test_an_import_that_was_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path) -> None:
    owed = write_events(tmp_path)
    draw = random.Random(11)
    with server_of(tmp_path) as server:
        finished(server.command(tmp_path, "apply", "segments.yaml"))
    for _ in range(KILLS):
        with server_of(tmp_path) as server:
            before = server.client.status().event_count
            importing = server.command(tmp_path, "import", "events", "events.jsonl", "--json")
            enough = min(EVENTS, before + draw.randrange(1, EVENTS // KILLS))
            while server.client.status().event_count < enough and importing.poll() is None:
                time.sleep(0.001)  # the import goes on in a process of its own
            server.kill()
            importing.communicate(timeout=120)
    with server_of(tmp_path) as server:
        finished(server.command(tmp_path, "import", "events", "events.jsonl"))
        assert server.client.status().event_count == EVENTS
        assert server.client.status().user_count == len(owed)
        members = {member.user_id for member in server.client.members("twenty")}
        assert members == {user for user, count in owed.items() if count >= 20}
        revision = server.client.status().revision
        again = json.loads(finished(server.command(tmp_path, "import", "events", "events.jsonl", "--json")))
        assert (again["stored"], again["duplicate"]) == (0, EVENTS)
        assert server.client.status().revision == revision


def test_single_writes_that_were_acknowledged_are_there_once(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    attempted: set[str] = set()
    draw = random.Random(13)
    for run in range(KILLS):
        with server_of(tmp_path) as server:
            for i in range(draw.randrange(5, 60)):
                message_id = f"{run}-{i}"
                attempted.add(message_id)
                server.client.ingest_events([one(message_id)])
                acknowledged.append(message_id)
            under_way = [server.client.start_ingest_events([one(f"{run}-late-{i}")]) for i in range(20)]
            attempted |= {f"{run}-late-{i}" for i in range(20)}
            server.kill()
            acknowledged += [f"{run}-late-{i}" for i, each in enumerate(under_way) if was_acknowledged(each)]
    with server_of(tmp_path) as server:
        count = server.client.status().event_count
        assert len(acknowledged) <= count <= len(attempted)
        results = server.client.ingest_events([one(each) for each in acknowledged]).results
        assert {each.outcome for each in results} == {IngestOutcome.INGEST_OUTCOME_DUPLICATE}
        assert server.client.status().event_count == count


def was_acknowledged(call: Pending[IngestEventsResponse]) -> bool:
    try:
        call.result()
    except CallFailed:
        return False
    return True


def one(message_id: str) -> profile_pb2.Event:
    event = profile_pb2.Event(user_id="ada", name="Seen", message_id=message_id)
    event.event_time.FromSeconds(1_767_225_600)
    return event
