"""A local copy that is closed answers nothing, and closing waits for nobody."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.client.answering import mute_server
from tests.client.local.chosen import WAIT, define, local_of

from segmentd.client import AsyncClient, Client, ClientClosed
from segmentd.client.local import blocking


def test_it_answers_nothing_after_close(client: Client) -> None:
    define(client, "low")
    with local_of(client, "low") as local:
        assert local.is_member("ada", "low") is False
    assert local.known("ada", "low") is None
    with pytest.raises(ClientClosed, match="the local copy is closed"):
        local.is_member("ada", "low")
    with pytest.raises(ClientClosed, match="the local copy is closed"):
        local.wait_until_ready()
    assert local.asked == 0


def test_with_asyncio_too() -> None:
    async def life() -> None:
        async with AsyncClient("127.0.0.1:1") as client:
            async with client.local(["low"]) as local:
                pass
            with pytest.raises(ClientClosed, match="the local copy is closed"):
                await local.is_member("ada", "low")
            with pytest.raises(ClientClosed, match="the local copy is closed"):
                await local.wait_until_ready()

    asyncio.run(asyncio.wait_for(life(), WAIT))


def test_closing_ends_waiting() -> None:
    with Client("127.0.0.1:1") as client:
        local = client.local(["low"])
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(local.wait_until_ready)
            local.close()
            assert isinstance(waiting.exception(WAIT), ClientClosed)


def test_a_closed_client_ends_its_copies() -> None:
    async def life() -> None:
        async with AsyncClient("127.0.0.1:1") as client:
            local = await client.local(["low"]).__aenter__()
        with pytest.raises(ClientClosed, match="the local copy is closed"):
            await local.wait_until_ready()
        assert local._task is not None
        await local._task
        await local.close()

    client = Client("127.0.0.1:1")
    local = client.local(["low"])
    client.close()
    with pytest.raises(ClientClosed, match="the local copy is closed"):
        local.wait_until_ready(WAIT)
    local._thread.join(WAIT)
    assert not local._thread.is_alive()
    local.close()
    asyncio.run(asyncio.wait_for(life(), WAIT))


def test_closing_does_not_wait_for_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "LOOK_TIMEOUT", 3600.0)
    asked = threading.Event()
    with mute_server(asked) as address, Client(address, timeout=3600.0) as client:
        local = client.local(["s"])
        assert asked.wait(WAIT)
        closing = threading.Thread(target=local.close, daemon=True)
        closing.start()
        closing.join(WAIT)
        assert not closing.is_alive()
