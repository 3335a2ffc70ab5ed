"""Money is counted in one currency as long as a database lives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from segmentd.errors import FailedPrecondition
from segmentd.plugins.host import load_plugins
from segmentd.service.items import ProfileWrite
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock, parse_instant

START = parse_instant("2026-01-01T00:00:00Z")


def opened(path: Path, base: str) -> Service:
    return Service.open(path, load_plugins(), FrozenClock(START), Currencies(base))


def test_another_base_currency_is_refused_where_users_are_stored(tmp_path: Path) -> None:
    service = opened(tmp_path / "db", "GBP")
    asyncio.run(service.profiles.upsert([ProfileWrite("ada")]))
    service.close()
    with pytest.raises(FailedPrecondition, match="counts money in GBP, the settings say USD"):
        opened(tmp_path / "db", "USD")
    opened(tmp_path / "db", "GBP").close()


def test_an_empty_database_takes_the_currency_of_the_settings(tmp_path: Path) -> None:
    opened(tmp_path / "db", "GBP").close()
    opened(tmp_path / "db", "USD").close()
