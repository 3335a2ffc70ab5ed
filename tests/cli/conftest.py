"""One server a module, and the shop of a few users that most tests ask about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import Commands, serving

SEGMENTS = """
attributes:
  points: number
segments:
  - id: spenders
    name: Spenders [all]
    labels: {team: crm}
    rule: {behavioral: {event: Order Completed, within: 7d}}
  - id: vip
    rule:
      all:
        - segment: spenders
        - attribute: {points: {at_least: 100}}
    include: {users: [always]}
    exclude: {users: [bob]}
"""
PROFILES = """\
{"userId": "ada", "traits": {"points": 120, "plan": "pro"}}
{"userId": "bob", "traits": {"points": 20}}
"""
EVENTS = """\
{"userId": "ada", "event": "Order Completed", "timestamp": "2025-12-30T00:00:00Z", "properties": {"revenue": 12.5}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def segmentd(
    server: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Commands:
    monkeypatch.chdir(tmp_path)  # rejects files go there
    return Commands(server, capsys)


@pytest.fixture
def shop(segmentd: Commands, tmp_path: Path) -> Commands:
    """Two users and two segments; writing them again changes nothing."""
    for name, text in (("segments.yaml", SEGMENTS), ("profiles.jsonl", PROFILES), ("events.jsonl", EVENTS)):
        (tmp_path / name).write_text(text)
    segmentd.fine("apply", "segments.yaml")
    segmentd.fine("import", "profiles", "profiles.jsonl")
    segmentd.fine("import", "events", "events.jsonl")
    return segmentd
