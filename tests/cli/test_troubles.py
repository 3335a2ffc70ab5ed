"""Segments that cannot be judged, and a clock that waits, are told: by commands, in the status and in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.running import Commands
from tests.engine import toys
from tests.server.live import LISTEN, run

from segmentd.server.serve import server_of
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import DAY, Clock, FrozenClock, Micros, WallClock

BROKEN = "segments: [{id: odd, rule: {broken: {attribute: plan, breaks_at: bad}}}]"
FINE = "segments: [{id: even, rule: {broken: {attribute: plan, breaks_at: worse}}}]"


def commanded(
    file: Path, clock: Clock, capsys: pytest.CaptureFixture[str], commands: Callable[[Commands], None]
) -> None:
    """Run commands against a server of the toys' types."""

    async def test() -> None:
        service = Service.open(file, toys.plugins(), clock, Currencies())
        try:
            server = server_of(service)
            address = await server.start(LISTEN)
            await asyncio.to_thread(commands, Commands(address, capsys))
            await server.drain(0)
        finally:
            service.close()

    run(test())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("odd.yaml", BROKEN),
        ("even.yaml", FINE),
        ("bad.jsonl", '{"userId": "ada", "traits": {"plan": "bad"}}\n'),
        ("good.jsonl", '{"userId": "ada", "traits": {"plan": "good"}}\n'),
    ):
        Path(name).write_text(text)
    return tmp_path


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if "is failed" in each.getMessage()]


def test_a_segment_that_fails_at_once_is_a_failure_of_apply(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def commands(segmentd: Commands) -> None:
        segmentd.fine("import", "profiles", "bad.jsonl")
        segmentd.fine("apply", "even.yaml")
        applied = segmentd("apply", "odd.yaml")
        assert applied.code == 1
        assert "segment odd is failed: segment odd cannot be evaluated: out of order" in applied.out
        assert applied.err.startswith("error: odd.yaml: odd cannot be judged and answers no question")
        assert segmentd("apply", "odd.yaml").code == 1, "as long as it is failed"

    commanded(folder / "s.db", FrozenClock(Micros(0)), capsys, commands)
    assert told(caplog) == ["segment odd is failed: segment odd cannot be evaluated: out of order"]


def test_a_segment_that_fails_later_is_told_once_and_counted(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def commands(segmentd: Commands) -> None:
        segmentd.fine("apply", "odd.yaml")
        assert "failed" not in segmentd.fine("status").out
        for file in ("bad.jsonl", "good.jsonl", "bad.jsonl"):
            segmentd.fine("import", "profiles", file)
        assert "1 (1 failed)" in segmentd.fine("status").out
        assert segmentd.fine("status", "--json").json["failed_segment_count"] == 1

    commanded(folder / "s.db", FrozenClock(Micros(0)), capsys, commands)
    assert told(caplog) == ["segment odd is failed: segment odd cannot be evaluated: out of order"]


def test_a_database_ahead_of_the_wall_clock_is_told_at_the_start_and_by_the_clock(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    ahead = FrozenClock(Micros(WallClock().now() + 30 * DAY))
    commanded(folder / "s.db", ahead, capsys, lambda segmentd: _import(segmentd, "(frozen)"))
    assert "is ahead of the wall clock" not in caplog.text
    commanded(folder / "s.db", WallClock(), capsys, lambda segmentd: _import(segmentd, "it waits for the wall clock"))
    [line] = [each.getMessage() for each in caplog.records if "ahead of the wall clock" in each.getMessage()]
    assert "which is 29 days, 23:" in line


def _import(segmentd: Commands, clock: str) -> None:
    segmentd.fine("import", "profiles", "good.jsonl")
    assert clock in segmentd.fine("clock", "show").out
    assert ("clock_ahead" in segmentd.fine("clock", "show", "--json").json) == ("waits" in clock)
