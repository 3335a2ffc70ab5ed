"""A worker follows what the engine publishes also where nobody asks anything, and where that fails now and then."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mapping.site import Site
from tests.mapping.test_full_disk import MANY

from segmentd.mapping import view
from segmentd.server.workers import worker

_TURNS = 1_000
"""Of the loop; far more than are needed."""


async def _until(task: asyncio.Task[None], reached: Callable[[], bool]) -> None:
    for _ in range(_TURNS):
        if reached() or task.done():
            break
        await asyncio.sleep(0)
    assert reached()
    assert not task.done()


def test_a_worker_that_cannot_map_new_files_for_a_while_maps_them_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_REFRESH", 0)
    site, failed = Site(tmp_path), list[object]()
    site.define("pro")
    site.write(*MANY)

    def fails(*arguments: Any) -> None:
        failed.append(arguments)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async def life() -> None:
        task = asyncio.create_task(worker._refresh(site.mapped))
        with monkeypatch.context() as patch:
            patch.setattr(view, "map_array", fails)
            await _until(task, lambda: len(failed) > 2)
        await _until(task, lambda: site.mapped._reader._view.rows > len(MANY))
        task.cancel()

    asyncio.run(life())
    site.service.close()
