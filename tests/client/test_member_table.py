"""A batch's answer says what its bits say, and asks for nothing twice."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.running import serving

from segmentd.client import CallFailed, Client, MemberTable, NoAnswer, as_struct
from segmentd.v1 import error_reason_pb2, item_error_pb2, membership_pb2, segment_pb2
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import profile_service_pb2 as profiles

CELLS = st.integers(1, 20).flatmap(
    lambda width: st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=8)
)


def packed(cells: list[list[bool]]) -> bytes:
    """By the words of the contract: the bit of value `1 << (s % 8)` in the byte at `u * bytes_per_user + s / 8`."""
    width = -(-len(cells[0]) // 8)
    made = bytearray(width * len(cells))
    for user, row in enumerate(cells):
        for segment, member in enumerate(row):
            made[user * width + segment // 8] |= member << (segment % 8)
    return bytes(made)


@given(CELLS)
def test_it_reads_the_bits_as_the_contract_says(cells: list[list[bool]]) -> None:
    users = [f"u{number}" for number in range(len(cells))]
    segments = [f"s{number}" for number in range(len(cells[0]))]
    answer = questions.BatchCheckMembershipsResponse(member_bits=packed(cells), bytes_per_user=-(-len(segments) // 8))
    table = MemberTable(users, segments, answer)
    assert np.array_equal(table.matrix, np.array(cells))
    assert table.answered.all()
    for user, row in zip(users, cells, strict=True):
        assert table.segments_of(user) == [name for name, member in zip(segments, row, strict=True) if member]
        assert [table.is_member(user, segment) for segment in segments] == row
    for place, segment in enumerate(segments):
        assert table.members_of(segment) == [user for user, row in zip(users, cells, strict=True) if row[place]]


def test_what_has_no_answer_is_no_non_member() -> None:
    error = item_error_pb2.ItemError(reason=error_reason_pb2.ERROR_REASON_SEGMENT_FAILED, message="it failed")
    answer = questions.BatchCheckMembershipsResponse(
        member_bits=b"\x01\x00",
        bytes_per_user=1,
        user_errors=[questions.IndexedError(index=1, error=error)],
        segment_errors=[questions.IndexedError(index=1, error=error)],
        unknown_user_indexes=[1],
    )
    table = MemberTable(["ada", "bob"], ["s", "t"], answer)
    assert table.segments_of("ada") == ["s"]
    assert table.answered.tolist() == [[True, False], [False, False]]
    assert table.unknown_users == {"bob"}
    for ask in (
        lambda: table.is_member("ada", "t"),
        lambda: table.is_member("bob", "s"),
        lambda: table.segments_of("bob"),
        lambda: table.members_of("t"),
    ):
        with pytest.raises(NoAnswer, match="it failed") as refused:
            ask()
        assert refused.value.fault.reason == "SEGMENT_FAILED"
    with pytest.raises(KeyError):
        table.is_member("eve", "s")


def test_a_batch_says_what_single_checks_say(tmp_path: Path) -> None:
    users = [f"u{number}" for number in range(40)] + ["nobody"]
    with serving(tmp_path) as address, Client(address) as client:
        items = [profiles.ProfileUpsert(user_id=user, attributes=as_struct({"n": i})) for i, user in enumerate(users)]
        client.upsert_profiles(items[:-1])
        names = [f"below-{number}" for number in range(70)]
        for number, name in enumerate(names):
            rule = as_struct({"attribute": {"n": {"below": number * 7 % 41}}})
            client.create_segment(segment_pb2.Segment(id=name, rule=rule))
        names = [names[69], "none", *names[3:60:5], names[0], "bad\n"]
        asked = [*users, ""]
        table = client.check_batch(asked, names)
        asked.clear()  # the answer is about whom it was asked
        assert table.unknown_users == {"nobody"}
        assert list(table.user_errors) == [""]
        assert set(table.segment_errors) == {"none", "bad\n"}
        assert [table.segment_errors[name].reason for name in ("none", "bad\n")] == [
            "SEGMENT_NOT_FOUND",
            "INVALID_REQUEST",
        ]
        for user in users:
            answers = client.check_several(user, names).memberships
            single = [
                name
                for name, each in zip(names, answers, strict=True)
                if each.membership == membership_pb2.MEMBERSHIP_MEMBER
            ]
            assert table.segments_of(user) == single
        halves = [(users[:20], names), (users[20:], names[2:5])]
        parts = [*halves, (users[3:5], names[:1])]
        streams = [client.stream_batches(iter(parts), at_once=size) for size in (1, 2, 7)]
        for (asked_users, asked_names), streamed in zip(parts * 3, chain(*streams), strict=True):
            alone = client.check_batch(asked_users, asked_names)
            assert (streamed.matrix == alone.matrix).all()
            assert streamed.unknown_users == alone.unknown_users
            assert set(streamed.segment_errors) == set(alone.segment_errors)
        answered = client.stream_batches([*halves, ([], names)], at_once=3)
        assert [table.user_ids for table in islice(answered, 2)] == [asked_users for asked_users, _ in halves]
        with pytest.raises(CallFailed) as refused:
            next(answered)
        assert [fault.field for fault in refused.value.violations] == ["user_ids"]
        assert client.check_batch(users, ["none"]).matrix.tolist() == [[False]] * len(users)


def test_workers_answer_streams_of_batches_too(tmp_path: Path) -> None:
    users = [f"u{number}" for number in range(20)]
    with serving(tmp_path, "--workers", "1") as address, Client(address, connections=1) as client:
        items = [profiles.ProfileUpsert(user_id=user, attributes=as_struct({"n": i})) for i, user in enumerate(users)]
        client.upsert_profiles(items)
        for name, rule in (("low", {"attribute": {"n": {"below": 7}}}), ("active", {"behavioral": {"event": "X"}})):
            client.create_segment(segment_pb2.Segment(id=name, rule=as_struct(rule)))
        batches = [(users[start : start + 5], ["low", "none", "active"]) for start in range(0, 20, 5)]
        streams = [client.stream_batches(iter(batches), at_once=size) for size in (1, 3)]
        for (asked, names), table in zip(batches * 2, chain(*streams), strict=True):
            assert table.members_of("low") == [user for user in asked if int(user[1:]) < 7]
            assert table.segments_of(asked[0]) == ["low"] * (int(asked[0][1:]) < 7)
            assert (set(table.segment_errors), table.segment_ids) == ({"none"}, names)
        newest = client.upsert_profiles(items).revision
        [table] = client.stream_batches(iter(batches[:1]), newest)
        assert table.revision >= newest


def test_a_user_who_was_named_twice_is_one_member() -> None:
    answer = questions.BatchCheckMembershipsResponse(member_bits=b"\x01\x01\x01", bytes_per_user=1)
    table = MemberTable(["bob", "ada", "bob"], ["s"], answer)
    assert table.members_of("s") == ["bob", "ada"]
    assert table.matrix.shape == (3, 1)
