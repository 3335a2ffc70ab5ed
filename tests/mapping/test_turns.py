"""Beside workers a commit gives way to whoever waits for its core; alone it does not."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

import pytest
from tests.mapping.site import PRO, Site
from tests.service.opened import define, opened

from segmentd import niceness
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.service import Service

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads take no turns")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that gave up their core, each time that they did; every turn is over at once.

    Without the main thread, which takes turns where a test has served by it.
    """
    given: list[str] = []

    def note() -> None:
        if threading.current_thread() is not threading.main_thread():
            given.append(threading.current_thread().name)

    monkeypatch.setattr(niceness, "TURN", 0.0)
    monkeypatch.setattr(os, "sched_yield", note)
    return given


async def _commits(service: Service) -> None:
    await define(service, "pro", PRO)
    await service.profiles.upsert([ProfileWrite("u1", {"plan": "pro"})])
    await service.profiles.ingest([EventWrite("u1", "Login", message_id=str(number)) for number in range(40)])


def test_alone_nobody_gives_way(tmp_path: Path, given: list[str]) -> None:
    service = opened(tmp_path / "test.db")
    try:
        asyncio.run(_commits(service))
    finally:
        service.close()
    assert given == []


def test_beside_workers_the_engine_s_thread_does(tmp_path: Path, given: list[str]) -> None:
    site = Site(tmp_path)
    try:
        given.clear()
        asyncio.run(_commits(site.service))
        assert len(given) > 40  # between any two events at least
        assert set(given) == {"segmentd-engine"}
        site.compare(["u1"])
    finally:
        site.service.close()
