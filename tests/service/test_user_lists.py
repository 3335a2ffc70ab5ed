"""User lists: what is uploaded is what the list is, and its segments follow at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.opened import define, member, opened
from tests.service.uploading import listed, members, upload

from segmentd.errors import FailedPrecondition, InvalidInput, NotFound, Reason, ResourceExhausted
from segmentd.population.kinds import Json, Kind
from segmentd.records import START as LOG_START
from segmentd.service import upload as uploading
from segmentd.service import user_lists
from segmentd.service.identity import Erased
from segmentd.service.items import EventWrite, ProfileWrite, prepare_profile
from segmentd.service.merging import UserMerge
from segmentd.service.request_users import GivenProfile
from segmentd.service.service import Service
from segmentd.service.upload import Mode, Upload, UploadSpec
from segmentd.service.user_lists import Applied

BETA: Json = {"list": {"uploaded": "beta"}}
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


def test_a_rule_that_names_no_list_is_refused_at_its_path(service: Service) -> None:
    async def run() -> None:
        rule: Any = {"all": [{"list": {"users": ["u1"]}}, {"not": {"list": {"uploaded": "gamma"}}}]}
        with pytest.raises(InvalidInput) as seen:
            await define(service, "segment", rule)
        assert seen.value.reason is Reason.INVALID_RULE
        (fault,) = seen.value.violations
        assert (fault.field, fault.description) == (
            "rule.all[1].not.list.uploaded",
            "there is no user list 'gamma'",
        )
        with pytest.raises(InvalidInput, match=r"rule.list.uploaded"):
            await service.evaluations.count({"list": {"uploaded": "gamma"}})

    asyncio.run(run())


def test_a_list_that_segments_read_cannot_be_deleted(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", ["u1"])
        await define(service, "b", {"not": BETA})
        await define(service, "a", {"any": [BETA, {"segment": "b"}]})
        await define(service, "c", {"segment": "a"})
        assert (await service.user_lists.get("beta")).referenced_by == ("a", "b")
        with pytest.raises(FailedPrecondition) as seen:
            await service.user_lists.delete("beta")
        assert seen.value.reason is Reason.LIST_REFERENCED
        assert seen.value.metadata == {"list_id": "beta", "referenced_by": "a,b"}
        for segment in ("c", "a", "b"):
            await service.segments.archive(segment, "")
        before = service.memberships.revision
        assert await service.user_lists.delete("beta") == before + 1
        with pytest.raises(InvalidInput):
            await define(service, "d", BETA)
        await upload(service, "beta", [])
        await define(service, "d", BETA)
        assert await members(service, "d") == set()

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


def test_names_that_begin_with_list_are_refused_by_name(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", [])
        written = await service.profiles.upsert([ProfileWrite("u1", {"list:beta": True, "plan": "pro"})])
        event = EventWrite("u1", "Seen", context={"list:beta": True})
        written_event = await service.profiles.ingest([event])
        (declared,), _ = await service.profiles.declare([("list:beta", Kind.FLAG)], retype=False)
        errors = [written.results[0].error, written_event.results[0].error, declared]
        assert [str(error) for error in errors] == [
            "attributes.list:beta: is no name: names that begin with list: belong to user lists",
            "context.list:beta: is no name: names that begin with list: belong to user lists",
            "name: names that begin with list: belong to user lists",
        ]
        with pytest.raises(InvalidInput) as seen:
            await define(service, "segment", {"attribute": {"list:beta": {"exists": True}}})
        assert seen.value.violations[0].field == "rule.attribute.list:beta"
        assert not [each.name for each in (await service.profiles.attributes())[0] if each.name.startswith("list:")]

    asyncio.run(run())


def test_evaluations_see_the_lists_of_stored_users_and_of_given_ids(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", ["u1"])
        await service.profiles.upsert([ProfileWrite("u2", {"plan": "pro"})])
        assert (await service.evaluations.count(BETA)).members == 1
        for user, expected in (("u1", True), ("u2", False)):
            stored = (await service.evaluations.stored(user, {"plan": "x"}, [], BETA)).evaluations[0].rule
            given = GivenProfile(ProfileWrite(user, {}))
            brought = (await service.evaluations.given([given], [], BETA)).evaluations[0].rule
            assert stored is not None
            assert brought is not None
            assert (stored.member, brought.member) == (expected, expected)

    asyncio.run(run())


def test_two_uploads_at_once_are_applied_one_after_the_other(service: Service) -> None:
    async def run() -> None:
        first, second = [f"a{n}" for n in range(20)], [f"b{n}" for n in range(20)]
        await asyncio.gather(upload(service, "beta", first), upload(service, "beta", second))
        assert await listed(service, "beta") in (set(first), set(second))
        await define(service, "segment", BETA)
        assert await member(service, "a0", "segment") is not await member(service, "b0", "segment")

    asyncio.run(run())


@pytest.mark.parametrize("skip_invalid", [False, True])
def test_others_have_their_turn_while_an_upload_is_compared_with_erased_users(
    service: Service, monkeypatch: pytest.MonkeyPatch, skip_invalid: bool
) -> None:
    monkeypatch.setattr(uploading, "CHECKED", 2)

    async def run() -> None:
        await service.profiles.upsert([ProfileWrite("gone", {})])
        await service.identity.erase("gone")
        spec = UploadSpec("beta", Mode.ADD, create=True, skip_invalid=skip_invalid)
        with service.user_lists.receiving(spec) as receiving:
            await service.user_lists.take(receiving, ["a", "b", "c", "d", "gone"] if skip_invalid else ["a", "b", "c"])
            steps, applying = 0, service.user_lists._applied(receiving)
            while service.memberships.revision == 2:  # nothing of the upload is there yet
                await asyncio.wrap_future(service._engine.thread.call(lambda: next(applying)))
                steps += 1
            assert steps == (4 if skip_invalid else 3)
            applying.close()
        assert (receiving.skipped, "gone" in await listed(service, "beta")) == (int(skip_invalid), False)

    asyncio.run(run())


def test_users_merged_or_erased_while_their_ids_wait_are_followed(service: Service) -> None:
    async def run() -> None:
        await service.profiles.upsert([ProfileWrite(user, {}) for user in ("anonymous", "known", "gone", "plain")])
        with service.user_lists.receiving(UploadSpec("beta", Mode.ADD, create=True)) as receiving:
            await service.user_lists.take(receiving, ["anonymous", "gone", "plain"])
            await service.identity.merge([UserMerge("anonymous", "known")])
            await service.identity.erase("gone")
            await service.user_lists.apply(receiving)
        assert await listed(service, "beta") == {"known", "plain"}

    asyncio.run(run())


async def apply_around(service: Service, receiving: Upload, between: Callable[[], object], revisions: int) -> Applied:
    """Apply an upload; `between` happens on the engine's thread when so many of its revisions were made."""

    def steps() -> Generator[None, None, Applied]:
        applying = service.user_lists._applied(receiving)
        for place in count(1):
            try:
                next(applying)
            except StopIteration as end:
                return cast("Applied", end.value)
            if place == revisions:
                between()
            yield
        raise AssertionError

    return await asyncio.wrap_future(service._engine.thread.background(steps()))


def test_a_user_erased_while_an_upload_is_applied_is_not_created_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_lists, "CHUNK", 4)

    def come_and_go() -> None:
        service._engine.write_group([prepare_profile(ProfileWrite("u2", {"x": 1}))])
        service.identity._asked.append(Erased("u2"))
        service.identity._erase_asked()

    async def run() -> None:
        with service.user_lists.receiving(UploadSpec("beta", Mode.ADD, create=True)) as receiving:
            await service.user_lists.take(receiving, ["u0", "u1", "u2", "u3"])
            applied = await apply_around(service, receiving, come_and_go, 1)
        assert await listed(service, "beta") == {"u0", "u1", "u3"}
        assert (applied.added, applied.created, applied.skipped) == (3, 3, 1)
        with pytest.raises(NotFound):
            await service.profiles.get("u2")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("mode", "named", "merge", "expected"),
    [
        (Mode.REPLACE, ["y"], UserMerge("late", "other"), {"y"}),
        (Mode.REPLACE, ["y"], UserMerge("y", "late"), {"late"}),
        (Mode.REPLACE, ["y", "other"], UserMerge("late", "other"), {"y", "other"}),
        (Mode.REPLACE, ["y", "new"], UserMerge("late", "new"), {"y", "new"}),
        (Mode.REMOVE, ["x", "y", "late"], UserMerge("late", "other"), set()),
    ],
)
def test_users_merged_while_an_upload_is_applied_count_as_merged_before(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    mode: Mode,
    named: list[str],
    merge: UserMerge,
    expected: set[str],
) -> None:
    monkeypatch.setattr(user_lists, "CHUNK", 1)

    async def run() -> None:
        await service.profiles.upsert([ProfileWrite(user, {}) for user in ("x", "y", "late", "other")])
        await upload(service, "beta", ["x", "y", "late"])
        with service.user_lists.receiving(UploadSpec("beta", mode)) as receiving:
            await service.user_lists.take(receiving, named)
            await apply_around(service, receiving, lambda: service.identity._merge([merge]), 1)
        assert await listed(service, "beta") == expected

    asyncio.run(run())


def test_several_ids_of_one_user_are_one_user(service: Service) -> None:
    async def run() -> None:
        await service.profiles.upsert([ProfileWrite(user, {}) for user in ("a", "b")])
        await service.identity.merge([UserMerge("a", "b")])
        spec = UploadSpec("beta", Mode.ADD, create=True)
        applied = await service.user_lists.update(spec, ["a", "b"], ["nobody"])
        assert (applied.added, applied.unchanged) == (1, 1)
        with pytest.raises(InvalidInput, match="by another of its ids"):
            await service.user_lists.update(spec, ["a"], ["b"])
        assert await listed(service, "beta") == {"b"}

    asyncio.run(run())


def test_ids_of_erased_users_are_refused_or_passed_over_without_being_named(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", ["gone", "plain"])
        await service.identity.erase("gone")
        assert await listed(service, "beta") == {"plain"}
        for call in (
            upload(service, "beta", ["new", "gone"]),
            service.user_lists.update(UploadSpec("beta", Mode.ADD), ["gone"], []),
        ):
            with pytest.raises(FailedPrecondition) as seen:
                await call
            assert (seen.value.reason, "gone" in seen.value.message) == (Reason.USER_ERASED, False)
        assert await listed(service, "beta") == {"plain"}
        applied = await upload(service, "beta", ["new", "gone"], skip_invalid=True)
        assert (applied.skipped, applied.faults, await listed(service, "beta")) == (1, [], {"new"})

    asyncio.run(run())
