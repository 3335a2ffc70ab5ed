"""User lists: what is uploaded is what the list is, and its segments follow at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.opened import define, opened
from tests.service.uploading import BETA, listed, members, upload

from segmentd.errors import InvalidInput, NotFound, Reason, ResourceExhausted
from segmentd.records import START as LOG_START
from segmentd.service import upload as uploading
from segmentd.service import user_lists
from segmentd.service.items import ProfileWrite
from segmentd.service.service import Service
from segmentd.service.upload import Mode, UploadSpec

SMALL = st.lists(st.sampled_from([f"u{number}" for number in range(12)]), max_size=12)


def moves(service: Service, segment_id: str) -> Counter[tuple[str, bool, str]]:
    """(user, entered, cause) of every move of a segment, however often."""
    live = service._engine.live
    key = live.segments[segment_id].segment_key
    read = service._engine.thread.call(lambda: service._engine.store.transitions(LOG_START, 10_000)).result()
    ids = dict(zip(live.user_keys(slice(None)).tolist(), live.users.user_ids, strict=True))
    found = (each.transition for each in read)
    return Counter((ids[each.user_key], each.entered, each.cause) for each in found if each.segment_key == key)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(list(Mode)), SMALL), max_size=6), st.integers(1, 6))
def test_uploads_change_a_list_as_sets_do(uploads: list[tuple[Mode, list[str]]], chunk: int) -> None:
    async def run() -> None:
        service = opened()
        try:
            await upload(service, "beta", [])
            await define(service, "segment", BETA)
            expected: set[str] = set()
            known: set[str] = set()
            for mode, ids in uploads:
                named, before = set(ids), set(expected)
                expected = {Mode.REPLACE: named, Mode.ADD: before | named, Mode.REMOVE: before - named}[mode]
                applied = await upload(service, "beta", ids, mode)
                assert await listed(service, "beta") == await members(service, "segment") == expected
                assert (applied.added, applied.removed) == (len(expected - before), len(before - expected))
                assert applied.created == len(expected - known)
                assert applied.unchanged == len(named - before if mode is Mode.REMOVE else named & before)
                assert applied.view.size == len(expected)
                known |= expected
            assert {cause for _, _, cause in moves(service, "segment")} <= {"LIST"}
        finally:
            service.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_lists, "CHUNK", chunk)
        asyncio.run(run())


def test_every_user_moves_once_and_list_is_the_cause(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", ["u1"])
        await define(service, "segment", {"not": BETA}, include=("u2",))
        await upload(service, "beta", ["u2", "u3", "u1", "u1"], Mode.ADD)
        await upload(service, "beta", ["u3"])
        found = moves(service, "segment")
        assert found[("u2", True, "DEFINITION")] == 1
        assert found[("u1", True, "LIST")] == 1
        assert not [user for user, _, _ in found if user == "u3"]

    asyncio.run(run())


def test_an_upload_is_some_revisions_and_each_is_seen_whole(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_lists, "CHUNK", 4)

    async def run() -> None:
        await upload(service, "beta", [f"u{number}" for number in range(4)])
        before = service.memberships.revision
        assert before == 4  # a user to be created counts four
        applied = await upload(service, "beta", ["u3", "new"], description="two of them")
        assert applied.view.revision == before + 2
        assert await listed(service, "beta") == {"u3", "new"}
        assert applied.view.record.description == "two of them"

    asyncio.run(run())


def test_an_upload_of_nothing_new_makes_no_revision(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", ["u1", "u2"])
        before = service.memberships.revision
        again = await upload(service, "beta", ["u2", "u1", "u2"])
        assert (again.view.revision, again.unchanged) == (before, 2)
        same = await service.user_lists.update(UploadSpec("beta", Mode.ADD), ["u1"], ["nobody"])
        assert (same.view.revision, same.unchanged) == (before, 2)

    asyncio.run(run())


def test_what_breaks_off_changes_nothing(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", ["u1"])
        before = service.memberships.revision
        with suppress(ConnectionError), service.user_lists.receiving(UploadSpec("beta", Mode.REPLACE)) as receiving:
            await service.user_lists.take(receiving, ["u2", "u3"])
            (seen,) = (await service.user_lists.get("beta")).uploads
            assert (seen.phase, seen.received) == ("receiving", 2)
            raise ConnectionError
        view = await service.user_lists.get("beta")
        assert (view.size, view.uploads, view.revision) == (1, (), before)
        with pytest.raises(NotFound):
            await service.profiles.get("u2")

    asyncio.run(run())


def test_a_bad_id_refuses_the_upload_and_is_named_by_its_index(service: Service) -> None:
    async def run() -> None:
        with pytest.raises(InvalidInput) as seen:
            await upload(service, "beta", ["u1", "u2", "u3", "", "u4"])
        assert [(each.field, each.description) for each in seen.value.violations] == [("user_ids[3]", "it is empty")]
        with pytest.raises(NotFound) as missing:
            await service.user_lists.get("beta")
        assert missing.value.reason is Reason.LIST_NOT_FOUND

    asyncio.run(run())


def test_bad_ids_can_be_passed_over_and_the_first_of_them_are_named(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "SHOWN_FAULTS", 2)

    async def run() -> None:
        ids = ["u1", "", "x" * 300, "u2", "a\nb"]
        applied = await upload(service, "beta", ids, skip_invalid=True)
        assert await listed(service, "beta") == {"u1", "u2"}
        assert (applied.skipped, [(each.index, len(each.user_id)) for each in applied.faults]) == (3, [(1, 0), (2, 80)])

    asyncio.run(run())


def test_uploads_are_bounded(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploading, "MAX_UPLOAD_IDS", 5)
    monkeypatch.setattr(user_lists, "MAX_WAITING_IDS", 8)
    monkeypatch.setattr(user_lists, "MAX_LISTS", 1)

    async def run() -> None:
        with pytest.raises(InvalidInput) as large:
            await upload(service, "beta", [f"u{number}" for number in range(6)])
        assert large.value.reason is Reason.BATCH_TOO_LARGE
        with service.user_lists.receiving(UploadSpec("beta", Mode.ADD, create=True)) as first:
            await service.user_lists.take(first, ["a"] * 5)
            with pytest.raises(ResourceExhausted):
                await upload(service, "beta", ["b", "c", "d", "e"])
        await upload(service, "beta", ["a"])
        with pytest.raises(InvalidInput, match="the most there may be"):
            await upload(service, "gamma", ["a"])

    asyncio.run(run())


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (UploadSpec("", Mode.ADD, create=True), "list_id"),
        (UploadSpec("x" * 300, Mode.ADD, create=True), "list_id"),
        (UploadSpec("beta", Mode.ADD, "d" * 70_000, create=True), "description"),
    ],
)
def test_a_careless_header_is_refused_by_its_field(service: Service, spec: UploadSpec, field: str) -> None:
    with pytest.raises(InvalidInput) as seen, service.user_lists.receiving(spec):
        pass
    assert [each.field for each in seen.value.violations] == [field]


def test_an_unknown_list_is_made_only_where_that_is_asked_for(service: Service) -> None:
    async def run() -> None:
        for mode in Mode:
            with pytest.raises(NotFound):
                await upload(service, "beta", ["u1"], mode, create=False)
        with pytest.raises(NotFound):
            await service.user_lists.update(UploadSpec("beta", Mode.ADD), ["u1"], [])
        with pytest.raises(NotFound):
            await service.user_lists.delete("beta")
        made = await service.user_lists.update(UploadSpec("beta", Mode.ADD, create=True), ["u1"], [])
        assert (made.added, made.created, made.view.size) == (1, 1, 1)

    asyncio.run(run())


def test_single_users_are_added_and_removed(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", ["u1", "u2"])
        await define(service, "segment", BETA)
        spec = UploadSpec("beta", Mode.ADD, "changed")
        applied = await service.user_lists.update(spec, ["u3", "u2", "u3"], ["u1", "nobody"])
        assert (applied.added, applied.removed, applied.created, applied.unchanged) == (1, 1, 1, 2)
        assert applied.view.record.description == "changed"
        assert await members(service, "segment") == {"u2", "u3"}
        with pytest.raises(InvalidInput) as both:
            await service.user_lists.update(spec, ["u1", ""], ["u1"])
        assert [each.field for each in both.value.violations] == ["add_user_ids[1]", "remove_user_ids"]

    asyncio.run(run())


def test_lists_survive_a_restart(tmp_path: Path) -> None:
    async def fill(service: Service) -> None:
        await upload(service, "beta", ["u1", "u2", "u3"], description="first")
        await upload(service, "gone", ["u1"])
        await define(service, "segment", {"all": [BETA, {"attribute": {"plan": {"equals": "pro"}}}]})
        await service.profiles.upsert([ProfileWrite("u2", {"plan": "pro"}), ProfileWrite("u4", {"plan": "pro"})])
        await service.user_lists.update(UploadSpec("beta", Mode.ADD), ["u4"], ["u1"])
        await service.user_lists.delete("gone")

    async def look(service: Service) -> tuple[Any, ...]:
        views, total, _ = await service.user_lists.select("", 10)
        said = [(view.record, view.size, view.referenced_by) for view in views]
        return total, said, await listed(service, "beta"), await members(service, "segment")

    first = opened(tmp_path / "lists.db")
    asyncio.run(fill(first))
    before = asyncio.run(look(first))
    first.close()
    second = opened(tmp_path / "lists.db")
    assert asyncio.run(look(second)) == before
    assert before[2:] == ({"u2", "u3", "u4"}, {"u2", "u4"})
    second.close()
