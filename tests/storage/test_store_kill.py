"""A process that is killed while it writes loses nothing that it acknowledged, and doubles nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.storage.stored_events import events_named

from segmentd.storage import Store

KILLS = 20
GROUP = 25

# Writes groups of events in one transaction each, and acknowledges a group by printing its number.
WRITER = f"""
import sys
from segmentd.records import EventBatch, ProfileRecord, TransitionRecord
from segmentd.storage import Store
from segmentd.times import Micros

store = Store.open(sys.argv[1])
while True:
    state = store.state()
    group = state.revision + 1
    with store.transaction():
        store.insert_users([(group, f"u{{group}}")])
        store.write_profiles([ProfileRecord(group, b'{{"group":%d}}' % group)])
        size = {GROUP}
        ids, nothing = [f"{{group}}-{{n}}" for n in range(size)], [None] * size
        times, properties = [Micros(n) for n in range(size)], [b"{{}}"] * size
        digests = [b"d" * 16] * size
        events = EventBatch(Micros(0), ["Login"] * size, times, properties, nothing, ids, digests, nothing)
        store.insert_event_batch([group] * size, events)
        store.append_transitions(group, [TransitionRecord(1, 1, group, True, Micros(group), "EVENT")])
        store.advance(group, Micros(max(state.instant, 0) + 1))
    print(group, flush=True)
"""


def _write_until_killed(file: Path, acknowledgements: int) -> list[int]:
    """The groups that a writer acknowledged before it was killed, in the midst of the next ones."""
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", WRITER, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout is not None
        read = [writer.stdout.readline() for _ in range(acknowledgements)]
        writer.send_signal(signal.SIGKILL)
        read += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    return [int(line) for line in read if line.endswith("\n")]


def test_nothing_acknowledged_is_missing_and_nothing_is_double(file: Path) -> None:
    acknowledged: list[int] = []
    for kill in range(KILLS):
        acknowledged += _write_until_killed(file, 1 + kill * 7 % 23)
        with Store.open(file) as store:
            revision = store.state().revision
            every = list(range(1, revision + 1))
            assert acknowledged[-1] <= revision <= acknowledged[-1] + 1
            assert [key for batch in store.users() for key, _ in batch] == every
            assert [p.user_key for batch in store.profiles() for p in batch] == every
            assert store.members(1).tolist() == every
            assert store.event_names() == {"Login": revision * GROUP}
            ids = [f"{group}-{n}" for group in every for n in range(GROUP)]
            assert len(store.find_messages(ids)) == len(ids)
            assert len(events_named(store, "Login")) == len(ids)
            assert store._session.row("PRAGMA integrity_check") == ("ok",)
    assert len(acknowledged) == len(set(acknowledged))
