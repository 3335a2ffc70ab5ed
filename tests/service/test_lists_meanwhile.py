"""User lists while users are merged and erased, and while other uploads are applied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from itertools import count
from typing import cast

import pytest
from tests.service.opened import define, member
from tests.service.uploading import BETA, listed, upload

from segmentd.errors import FailedPrecondition, InvalidInput, NotFound, Reason
from segmentd.service import upload as uploading
from segmentd.service import user_lists
from segmentd.service.identity import Erased
from segmentd.service.items import ProfileWrite, prepare_profile
from segmentd.service.merging import UserMerge
from segmentd.service.service import Service
from segmentd.service.upload import Mode, Upload, UploadSpec
from segmentd.service.user_lists import Applied


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
