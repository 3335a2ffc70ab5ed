"""The example of a receiver verifies, takes each change once, and shows who is where."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.webhooks.receiver import SECRET
from tests.webhooks.running import serving

from segmentd_webhooks.signing import signature_headers

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "webhook_receiver"
BODY = b'{"type": "memberships.changed", "data": {"changes": []}}'


@pytest.fixture(scope="module")
def receiver() -> ModuleType:
    spec = importlib.util.spec_from_file_location("webhook_receiver", EXAMPLE / "receiver.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The example as a process on a free port."""
    line = [sys.executable, str(EXAMPLE / "receiver.py"), "--port", "0"]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, "WEBHOOK_SECRET": SECRET}
    )
    yield process
    process.terminate()
    process.communicate(timeout=30)


def test_it_imports_nothing_but_the_standard_library() -> None:
    source = (EXAMPLE / "receiver.py").read_text()
    names = set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE))
    assert names <= sys.stdlib_module_names


def test_it_shows_what_a_server_tells_it(running: subprocess.Popen[str], tmp_path: Path) -> None:
    assert running.stdout is not None
    address = running.stdout.readline().removeprefix("listening on ").strip()
    endpoints = (EXAMPLE / "webhooks.yaml").read_text().replace("http://127.0.0.1:8080", address)
    (tmp_path / "webhooks.yaml").write_text(endpoints)
    with serving(tmp_path, WEBHOOK_SECRET=SECRET) as server:
        server.define()
        server.enter("ada", "bob")
        shown = [running.stdout.readline() for _ in range(2)]
    assert [re.sub(r"^\S+ ", "", line) for line in shown] == ["ada entered vip: 1\n", "bob entered vip: 2\n"]


def test_only_what_is_signed_and_fresh_is_taken(receiver: ModuleType) -> None:
    now = time.time()
    headers = dict(signature_headers([SECRET], "msg_1", now, BODY))
    assert receiver.verified(SECRET, headers, BODY, now)
    assert receiver.verified(
        SECRET, {**headers, "webhook-signature": "v1,no " + headers["webhook-signature"]}, BODY, now
    )
    other = "whsec_" + "A" * 32
    for secret, changed, body, at in (
        (other, {}, BODY, now),
        (SECRET, {"webhook-id": "msg_2"}, BODY, now),
        (SECRET, {"webhook-timestamp": str(int(now) + 1)}, BODY, now),
        (SECRET, {"webhook-timestamp": "soon"}, BODY, now),
        (SECRET, {"webhook-signature": ""}, BODY, now),
        (SECRET, {"webhook-signature": "v1,ü"}, BODY, now),
        (SECRET, {}, BODY + b" ", now),
        (SECRET, {}, BODY, now + 301),
        (SECRET, {}, BODY, now - 302),
    ):
        assert not receiver.verified(secret, {**headers, **changed}, body, at)
    assert not receiver.verified(SECRET, {}, BODY, now)


def test_what_comes_again_or_too_late_changes_nothing(receiver: ModuleType) -> None:
    memberships = receiver.Memberships()

    def take(position: str, revision: int, move: str) -> bool:
        change: dict[str, Any] = {"position": position, "revision": revision, "segment_id": "vip", "user_key": 7}
        taken: bool = memberships.take({**change, "move": move})
        return taken

    assert take("a", 1, "ENTERED")
    assert take("b", 2, "LEFT")
    assert take("c", 2, "ENTERED")
    assert [take("a", 1, "ENTERED"), take("b", 2, "LEFT"), take("c", 2, "ENTERED")] == [False] * 3
    assert not take("dead letter", 1, "LEFT")
    assert memberships.members["vip"] == {7}
