"""The past as the log tells it is what was answered when it was the present."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.matrix_oracle import slow_matrix
from tests.service.opened import START, define, opened
from tests.service.past_oracle import BEFORE, SEGMENTS, STORIES, USERS, Step, Story
from tests.service.test_migration import as_slow

from segmentd.errors import InvalidInput, NotFound, Reason
from segmentd.service.history import History, MovesPage, Wanted
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.log_naming import NamedMove
from segmentd.service.service import Service
from segmentd.times import DAY, HOUR, Micros


@settings(max_examples=25)
@given(STORIES)
def test_a_membership_of_the_past_is_what_was_answered_then(steps: list[Step]) -> None:
    async def scenario(service: Service) -> None:
        story = Story(service)
        await story.play(steps)
        for note in story.notes:
            for user in sorted(story.notes[-1].known):
                for segment in SEGMENTS:
                    was = await service.history.check_at(user, segment, note.at)
                    assert (was.member, was.version) == (user in note.members[segment], note.versions[segment])
                    assert was.user_known == (user in note.known)
                    assert was.since is None or was.since <= note.at
                    assert was.until is None or was.until > note.at

    run(scenario)


@settings(max_examples=25)
@given(STORIES, st.data())
def test_the_matrix_of_two_instants_is_what_was_answered_then(steps: list[Step], data: st.DataObject) -> None:
    async def scenario(service: Service) -> None:
        story = Story(service)
        await story.play([("wait", 1, 0), *steps])
        first = data.draw(st.integers(0, len(story.notes) - 2))
        old, new = story.notes[first], story.notes[data.draw(st.integers(first + 1, len(story.notes) - 1))]
        matrix, _ = await service.history.migration(SEGMENTS, old.at, new.at)
        assert numbered(story, old.members, new.members, new.known, new.known - old.known) == as_slow(matrix, SEGMENTS)

    def numbered(story: Story, old: Members, new: Members, known: set[str], created: set[str]) -> object:
        keys = {user: number for number, user in enumerate(USERS)}
        before, after = ({name: {keys[user] for user in each[name]} for name in SEGMENTS} for each in (old, new))
        return slow_matrix(SEGMENTS, before, after, {keys[user] for user in known}, {keys[user] for user in created})

    run(scenario)


@settings(max_examples=25)
@given(STORIES, st.integers(1, 4), st.sampled_from(["", *USERS]), st.sampled_from(["", *SEGMENTS]))
def test_pages_in_both_orders_replay_to_the_members_of_each_instant(
    steps: list[Step], size: int, user: str, segment: str
) -> None:
    async def scenario(service: Service) -> None:
        story = Story(service)
        await story.play([("points", 0, 9), *steps])
        wanted = user if user in story.notes[-1].known else "u0"
        moves = await listed(service, Wanted(wanted, segment), size)
        newest = await listed(service, Wanted(wanted, segment, newest_first=True), size)
        assert newest == moves[::-1]
        for note in story.notes:
            assert replayed(moves, note.at) == {
                (wanted, name) for name in ([segment] if segment else SEGMENTS) if wanted in note.members[name]
            }

    run(scenario)


Members = dict[str, set[str]]


def run(scenario: Callable[[Service], Coroutine[None, None, None]], path: Path | str = ":memory:") -> None:
    service = opened(path)
    try:
        asyncio.run(scenario(service))
    finally:
        service.close()


async def listed(service: Service, wanted: Wanted, size: int) -> list[NamedMove]:
    """All pages."""
    moves: list[NamedMove] = []
    page: MovesPage | None = None
    while page is None or page.after is not None:
        page = await service.history.moves(wanted, page.after if page is not None else None, size)
        moves += page.moves
        assert len(page.moves) <= size
    return moves


def replayed(moves: list[NamedMove], at: Micros) -> set[tuple[str, str]]:
    """The (user, segment) that the moves up to an instant leave; each move must change something."""
    members: set[tuple[str, str]] = set()
    for move in moves:
        made = move.logged.transition
        if made.effective_time <= at:
            pair = (move.user_id, move.segment_id)
            assert (pair in members) != made.entered
            members ^= {pair}
    return members


def test_times_are_a_half_open_range() -> None:
    async def scenario(service: Service) -> None:
        await define(service, "rich", {"attribute": {"points": {"at_least": 5}}})
        for points in (9, 1, 9):
            await service.advance_clock(by=Micros(HOUR))
            await service.profiles.upsert([ProfileWrite("ada", {"points": points})])
        whole = await listed(service, Wanted("ada"), 10)
        times = [each.logged.transition.effective_time for each in whole]
        assert times == [START + HOUR, START + 2 * HOUR, START + 3 * HOUR]
        for newest in (False, True):
            middle = await listed(service, Wanted("", "rich", times[0], times[2], newest), 10)
            assert middle == (whole[1::-1] if newest else whole[:2])
        assert await listed(service, Wanted("ada", "", times[2], None), 10) == whole[2:]

    run(scenario)


def test_a_late_event_does_not_rewrite_the_past(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        await define(service, "buyers", {"behavioral": {"event": "Order Completed", "within": "3d"}})
        await service.profiles.upsert([ProfileWrite("ada")])
        await service.advance_clock(by=Micros(DAY))
        late = EventWrite("ada", "Order Completed", "m1", time=START)
        await service.profiles.ingest([late])
        now = Micros(START + DAY)
        assert not (await service.history.check_at("ada", "buyers", Micros(now - 1))).member
        was = await service.history.check_at("ada", "buyers", now)
        assert (was.member, was.since, was.until) == (True, now, None)
        await service.advance_clock(by=Micros(5 * DAY))
        was = await service.history.check_at("ada", "buyers", now)
        assert (was.member, was.since, was.until) == (True, now, START + 3 * DAY)

    run(scenario, tmp_path / "history.db")


def test_moves_that_are_due_are_in_the_answer(service: Service) -> None:
    """The clock of a real server runs on while its thread has other work."""

    async def scenario() -> None:
        await define(service, "buyers", {"behavioral": {"event": "Order Completed", "within": "3d"}})
        await service.profiles.ingest([EventWrite("ada", "Order Completed", "m1", time=START)])
        service._engine.clock.move_to(Micros(START + 4 * DAY))  # type: ignore[attr-defined]  # a frozen one
        was = await service.history.check_at("ada", "buyers", Micros(START + 3 * DAY))
        assert (was.member, was.since) == (False, START + 3 * DAY)

    asyncio.run(scenario())


def test_who_and_what_is_unknown_is_said(service: Service) -> None:
    async def scenario(history: History) -> None:
        await define(service, "rich", {"attribute": {"points": {"at_least": 5}}})
        await service.profiles.upsert([ProfileWrite("ada", {"points": 5})])
        assert (await history.check_at("ada", "rich", BEFORE)).version == 0
        with pytest.raises(NotFound) as nobody:
            await history.check_at("nobody", "rich", START)
        assert nobody.value.reason is Reason.USER_NOT_FOUND
        for ask in (history.check_at("ada", "none", START), history.migration(["none"], BEFORE, START)):
            with pytest.raises(NotFound) as nothing:
                await ask
            assert nothing.value.reason is Reason.SEGMENT_NOT_FOUND
        ahead = Micros(START + HOUR)
        questions: list[Awaitable[object]] = [
            history.check_at("ada", "rich", ahead),
            history.migration(["rich"], START, ahead),
            history.moves(Wanted("ada", end=ahead), None, 10),
            history.moves(Wanted("ada", start=ahead), None, 10),
        ]
        for question in questions:
            with pytest.raises(InvalidInput, match="ahead of the clock"):
                await question

    asyncio.run(scenario(service.history))


def test_an_archived_segment_has_its_history(service: Service) -> None:
    async def scenario() -> None:
        await define(service, "rich", {"attribute": {"points": {"at_least": 5}}})
        await service.profiles.upsert([ProfileWrite("ada", {"points": 5})])
        await service.advance_clock(by=Micros(DAY))
        await service.segments.archive("rich", "", "", "")
        was = await service.history.check_at("ada", "rich", Micros(START + HOUR))
        assert (was.member, was.until) == (True, START + DAY)
        assert not (await service.history.check_at("ada", "rich", Micros(START + DAY))).member
        moves = await listed(service, Wanted("", "rich"), 10)
        assert [each.logged.transition.cause for each in moves] == ["ATTRIBUTE", "DEFINITION"]

    asyncio.run(scenario())
