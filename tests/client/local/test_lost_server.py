"""A copy whose server is gone is stale after the bound, and goes on when there is one again."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.cli.running import serving
from tests.client.local.chosen import DAY, WAIT, define, profile
from tests.client.local.told import Hand

from segmentd.client import CallFailed, Client, LocalMemberships


def test_a_stopped_server_is_stale_after_the_bound_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    port, hand = free_port(), Hand()
    with serving(tmp_path, "--listen", f"127.0.0.1:{port}") as address:
        with Client(address) as writer:
            writer.upsert_profiles([profile("ada", 1), profile("bob", 9)])
            define(writer, "low")
        client = Client(address, timeout=5)
        local = client.local(["low"], clock=hand)
        assert local.wait_until_ready(WAIT)
    try:
        assert local.is_member("ada", "low")
        hand.now = 1.0
        assert local.known("ada", "low") is None
        with pytest.raises(CallFailed):
            client.within(0.01).check("ada", "low")
        with serving(tmp_path, "--listen", f"127.0.0.1:{port}"):
            with Client(address) as writer:
                revision = writer.upsert_profiles([profile("bob", 2)]).revision
            assert local.wait_until_ready(WAIT, min_revision=revision), local.failure
            assert local.known("bob", "low", revision)
            local.close()
            client.close()
    finally:
        local.close()
        client.close()


def test_a_compacted_log_makes_it_take_a_new_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port, hand = free_port(), Hand()
    monkeypatch.setenv("SEGMENTD_LOG_KEEP", "1d")
    with serving(tmp_path, "--listen", f"127.0.0.1:{port}") as address:
        with Client(address) as writer:
            writer.upsert_profiles([profile("ada", 1)])
            define(writer, "low")
        client = Client(address)
        local = client.local(["low"], clock=hand)
        assert local.wait_until_ready(WAIT)
        reasons = reasons_of(local, monkeypatch)
    try:
        with serving(tmp_path) as elsewhere, Client(elsewhere) as writer:
            writer.upsert_profiles([profile("bob", 2), profile("ada", 9)])
            writer.advance_clock_by(30 * DAY)
            writer.upsert_profiles([profile("cid", 3)])
        with serving(tmp_path, "--listen", f"127.0.0.1:{port}", "--clock", "2026-03-01T00:00:00Z"):
            with Client(address) as writer:
                revision = writer.upsert_profiles([profile("dan", 4)]).revision
            assert local.wait_until_ready(WAIT, min_revision=revision), local.failure
            told = [user for user in ("ada", "bob", "cid", "dan") if local.known(user, "low", revision)]
            assert told == ["bob", "cid", "dan"]
            assert "POSITION_COMPACTED" in reasons
            local.close()
            client.close()
    finally:
        local.close()
        client.close()


def reasons_of(local: LocalMemberships, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why its streams end from now on."""
    reasons: list[str] = []
    lose = local._lose

    def noting(failed: CallFailed) -> float:
        reasons.append(failed.reason)
        return lose(failed)

    monkeypatch.setattr(local, "_lose", noting)
    return reasons


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
