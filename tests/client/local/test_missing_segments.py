"""Chosen segments that do not exist are left to the server, and are copied once they do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.cli.running import serving
from tests.client.local.chosen import WAIT, define, profile
from tests.client.local.told import Hand

from segmentd.client import AsyncClient, CallFailed, Client, LocalMemberships


def test_a_segment_that_is_made_later_is_left_to_the_server_until_it_is_asked_for_again(client: Client) -> None:
    define(client, "low")
    client.upsert_profiles([profile("ada", 1)])
    hand = Hand()
    with client.local(["low", "active"], clock=hand) as local:
        assert local.wait_until_ready(WAIT)
        assert (local.missing, local.failure) == (("active",), None)
        assert local.known("ada", "low")
        define(client, "active")
        assert local.is_member("ada", "active") is False
        assert local.asked == 1
        ends = ends_of(local)
        hand.now = 31.0
        with local._told:
            assert local._told.wait_for(lambda: local.known("ada", "active") is False, WAIT)
        assert local.missing == ()
        assert ends == [None]


def test_waiting_ends_where_no_segment_exists_and_says_which(client: Client) -> None:
    with client.local(["low", "active"]) as local:
        assert local.wait_until_ready(WAIT)
        assert (local.missing, local.failure) == (("low", "active"), None)
        with pytest.raises(CallFailed) as missing:
            local.is_member("ada", "low")
        assert missing.value.reason == "SEGMENT_NOT_FOUND"
        revision = define(client, "low")
        with local._told:
            assert local._told.wait_for(lambda: local.known("ada", "low", revision) is False, WAIT)
        assert local.missing == ("active",)


def test_asyncio_does_not_wait_for_them_either(tmp_path: Path) -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client, client.local(["low"]) as local:
            await local.wait_until_ready()
            assert (local.missing, local.failure) == (("low",), None)

    with serving(tmp_path) as address:
        asyncio.run(asyncio.wait_for(life(address), WAIT))


def ends_of(local: LocalMemberships) -> list[CallFailed | None]:
    """The failures at the ends of its streams from now on that are no errors of calls."""
    failures: list[CallFailed | None] = []
    end = local._end

    def noting() -> float:
        delay = end()
        failures.append(local._failure)
        return delay

    local._end = noting  # type: ignore[method-assign]
    return failures
