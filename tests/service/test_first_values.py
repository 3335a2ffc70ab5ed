"""The first value of a property decides its kind; what events before had under that name is missing then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.service.opened import START, define, member, opened

from segmentd.population.kinds import Json
from segmentd.service.items import EventWrite
from segmentd.times import Micros

USERS = ("odd", "even")


@pytest.mark.parametrize("odd", [[1], [5, "x"], {}])
@pytest.mark.parametrize("first", ["x", 5, True])
@pytest.mark.parametrize("more", [0, 20])
def test_a_value_of_no_kind_may_come_in_the_commit_that_decides_it(
    tmp_path: Path, odd: Json, first: Json, more: int
) -> None:
    """Few events and many, which are added in another way; and after a restart, all the same."""
    rule: Json = {"behavioral": {"event": "Buy", "where": {"size": {"equals": first}}}}

    async def written() -> list[bool]:
        await define(service, "sized", rule)
        values = [odd, first, *([first] * more)]
        users = (*USERS, *(f"u{number}" for number in range(more)))
        writes = [
            EventWrite(user, "Buy", time=Micros(START), properties={"size": value})
            for user, value in zip(users, values, strict=True)
        ]
        outcome = await service.profiles.ingest(writes)
        assert not any(each.error for each in outcome.results)
        return await answers()

    async def answers() -> list[bool]:
        return [await member(service, user, "sized") for user in USERS]

    service = opened(tmp_path / "db")
    try:
        assert asyncio.run(written()) == [False, True]
    finally:
        service.close()
    service = opened(tmp_path / "db")
    try:
        assert asyncio.run(answers()) == [False, True]
    finally:
        service.close()
