"""The segments that the tests copy, and a copy of some of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.client.local.told import Hand

from segmentd.client import Client, Json, LocalMemberships, as_struct
from segmentd.v1 import profile_service_pb2, segment_pb2

WAIT = 30.0
"""Seconds after which a test that waits has failed."""
DAY = 86_400_000_000
RULES: dict[str, dict[str, Json]] = {
    "low": {"attribute": {"n": {"below": 5}}},
    "active": {"behavioral": {"event": "X", "within": "3d"}},
    "quiet": {"all": [{"attribute": {"n": {"at_least": 0}}}, {"not": {"behavioral": {"event": "X", "within": "5d"}}}]},
    "both": {"any": [{"segment": "low"}, {"segment": "active"}]},
}


def profile(user_id: str, n: int | None) -> profile_service_pb2.ProfileUpsert:
    return profile_service_pb2.ProfileUpsert(user_id=user_id, attributes=as_struct({"n": n}))


def segment(segment_id: str) -> segment_pb2.Segment:
    return segment_pb2.Segment(id=segment_id, rule=as_struct(RULES[segment_id]))


def define(client: Client, segment_id: str) -> int:
    return client.create_segment(segment(segment_id)).revision


@contextmanager
def local_of(client: Client, *segment_ids: str) -> Iterator[LocalMemberships]:
    """With a clock that stands still, so that it stays fresh; the shortest bound has a checkpoint each 50 ms."""
    with client.local(segment_ids, max_staleness=0.2, clock=Hand()) as local:
        assert local.wait_until_ready(WAIT), local.failure
        yield local
