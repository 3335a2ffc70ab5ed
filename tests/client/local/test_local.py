"""Local mode against whole servers: it says what the server says, and asks it where it cannot know."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import serving
from tests.client.local.chosen import DAY, RULES, WAIT, define, local_of, profile, segment
from tests.client.local.told import Hand

from segmentd.client import AsyncClient, CallFailed, Client, as_struct
from segmentd.v1 import profile_pb2, segment_pb2
from segmentd.v1 import profile_service_pb2 as profiles

USERS = [f"u{number}" for number in range(12)]
REFUSALS = {"USER_NOT_FOUND", "USER_ERASED", "SEGMENT_NOT_FOUND", "SEGMENT_EXISTS"}
"""Of changes that make no sense at the moment."""


class Life:
    """Random changes of everything that makes memberships."""

    def __init__(self, client: Client, draw: random.Random) -> None:
        self.client, self.draw = client, draw

    def step(self) -> None:
        often = [self.write, self.act] * 3 + [self.wait] * 2
        act = self.draw.choice([*often, self.merge, self.erase, self.edit])
        try:
            act()
        except CallFailed as refused:
            if refused.reason not in REFUSALS:
                raise

    def write(self) -> None:
        users = self.draw.sample(USERS, 3)
        self.client.upsert_profiles([profile(user, self.draw.choice([None, 1, 4, 5, 9])) for user in users])

    def act(self) -> None:
        self.client.ingest_events([profile_pb2.Event(user_id=self.draw.choice(USERS), name="X")])

    def wait(self) -> None:
        self.client.advance_clock_by(self.draw.choice([1, DAY, 3 * DAY, 5 * DAY]))

    def merge(self) -> None:
        source, target = self.draw.sample(USERS, 2)
        self.client.merge_profiles([profiles.ProfileMerge(from_user_id=source, into_user_id=target)])

    def erase(self) -> None:
        self.client.delete_profile(self.draw.choice(USERS))

    def edit(self) -> None:
        choice = self.draw.random()
        if choice < 0.4:
            rule = as_struct({"attribute": {"n": {"below": self.draw.choice([2, 5, 10])}}})
            self.client.update_segment(segment_pb2.Segment(id="low", rule=rule), ["rule"])
        elif choice < 0.7:
            self.client.delete_segment("quiet")
        else:
            define(self.client, "quiet")


@pytest.mark.parametrize("seed", range(4))
def test_it_says_what_the_server_says_at_the_same_revision(client: Client, seed: int) -> None:
    life = Life(client, random.Random(seed))
    client.upsert_profiles([profile(user, number) for number, user in enumerate(USERS)])
    for segment_id in RULES:
        define(client, segment_id)
    life.act()
    with local_of(client, *RULES) as local:
        for _ in range(30):
            life.step()
            revision = client.status().revision
            assert local.wait_until_ready(WAIT, min_revision=revision), local.failure
            table = client.check_batch(USERS, list(RULES))
            for segment_id in RULES:
                if segment_id in table.segment_errors:
                    assert local.known("u1", segment_id, revision) is None
                    continue
                told = [user for user in USERS if local.known(user, segment_id, revision)]
                assert told == table.members_of(segment_id), (segment_id, revision)
        assert local.asked == 0


def test_a_time_exit_is_told_without_a_write(client: Client) -> None:
    client.ingest_events([profile_pb2.Event(user_id="ada", name="X")])
    define(client, "active")
    with local_of(client, "active") as local:
        assert local.is_member("ada", "active")
        client.advance_clock_by(3 * DAY - 1)
        revision = client.status().revision
        assert local.is_member("ada", "active", revision)
        client.advance_clock_by(1)
        revision = client.status().revision
        assert local.wait_until_ready(WAIT, min_revision=revision)
        assert local.known("ada", "active", revision) is False


def test_other_segments_and_revisions_that_are_ahead_are_left_to_the_server(client: Client) -> None:
    define(client, "low")
    define(client, "active")
    with local_of(client, "low") as local:
        stored = client.ingest_events([profile_pb2.Event(user_id="ada", name="X")])
        assert local.is_member("ada", "active", stored.revision)
        assert local.asked == 1
        with pytest.raises(CallFailed) as missing:
            local.is_member("ada", "nothing")
        assert missing.value.reason == "SEGMENT_NOT_FOUND"
        number: Any = 17
        with pytest.raises(TypeError, match="user_id: 17 is no text"):
            local.is_member(number, "low")
        assert local.asked == 2
        written = client.upsert_profiles([profile("ada", 1)])
        assert local.is_member("ada", "low", written.revision), "at once, be it from the copy or from the server"


def test_an_archived_segment_answers_with_the_servers_error(client: Client) -> None:
    client.upsert_profiles([profile("ada", 1)])
    define(client, "low")
    with local_of(client, "low") as local:
        revision = client.archive_segment("low").revision
        assert local.wait_until_ready(WAIT, min_revision=revision)
        with pytest.raises(CallFailed) as archived:
            local.is_member("ada", "low")
        assert archived.value.reason == "SEGMENT_ARCHIVED"
        restored = client.restore_segment_version("low", 1).revision
        assert local.wait_until_ready(WAIT, min_revision=restored)
        assert local.known("ada", "low")


def test_it_is_there_for_asyncio_too(tmp_path: Path) -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client:
            await client.upsert_profiles([profile("ada", 1)])
            await client.create_segment(segment("low"))
            async with client.local(["low"], clock=Hand()) as local:
                assert await local.wait_until_ready(WAIT)
                assert not await local.wait_until_ready(0.01, min_revision=10**6)
                assert await local.is_member("ada", "low")
                assert not await local.is_member("bob", "low")
                assert local.asked == 0
                revision = (await client.upsert_profiles([profile("bob", 2)])).revision
                await local.wait_until_ready(min_revision=revision)
                assert local.known("bob", "low")
                with pytest.raises(CallFailed):
                    await local.is_member("ada", "nothing")
                assert local.asked == 1
                assert local._call is not None
                local._call.cancel()  # as where the stream is silent
                revision = (await client.upsert_profiles([profile("cid", 3)])).revision
                await local.wait_until_ready(min_revision=revision)
                assert local.known("cid", "low", revision)

    with serving(tmp_path) as address:
        asyncio.run(asyncio.wait_for(life(address), WAIT))
