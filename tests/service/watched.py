"""Histories that move users about, and what watchers see of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from tests.service.opened import define

from segmentd.population.kinds import Json
from segmentd.records import LoggedTransition, Position
from segmentd.service import log_pages
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.log_naming import NamedMove
from segmentd.service.log_pages import LogPage
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.tail import Tail
from segmentd.service.watch_parts import Led, Members, Part, Start, Wanted
from segmentd.times import HOUR, Micros

T = TypeVar("T")
USERS = tuple("abcdefgh")
PRO: Json = {"attribute": {"plan": {"equals": "pro"}}}
RECENT: Json = {"behavioral": {"event": "Login", "within": "1d", "count": {"at_least": 1}}}
BOTH: Json = {"all": [{"segment": "pro"}, {"segment": "recent"}]}
ALWAYS: Json = {"attribute": {"plan": {"exists": True}}}


async def segments(service: Service) -> None:
    """An attribute's, one that time ends, and one of both."""
    for name, rule in (("pro", PRO), ("recent", RECENT), ("both", BOTH)):
        await define(service, name, rule)


Step = tuple[str, str, int]


def steps() -> st.SearchStrategy[list[Step]]:
    """Some writes, some hours, some edits."""
    kinds = ("plan", "plan", "login", "login", "all", "advance", "advance", "edit", "archive")
    step = st.tuples(st.sampled_from(kinds), st.sampled_from(USERS), st.integers(0, 2))
    return st.lists(step, min_size=4, max_size=25)


async def make(service: Service, step: Step) -> None:
    """Make one step of a history."""
    kind, user, number = step
    if kind == "plan":
        await service.profiles.upsert([ProfileWrite(user, {"plan": ("pro", "free", "pro")[number]})])
    elif kind == "login":
        await service.profiles.ingest([EventWrite(user, "Login")])
    elif kind == "all":
        await service.profiles.upsert([ProfileWrite(each, {"plan": ("pro", "free")[number % 2]}) for each in USERS])
    elif kind == "advance":
        await service.advance_clock(by=Micros((1, 13, 25)[number] * HOUR))
    elif kind == "edit":
        rule = (PRO, ALWAYS, {"not": PRO})[number]
        await service.segments.update(SegmentSpec("pro", rule=rule), ["rule"], "", "", "")
    else:
        await service.segments.archive("both", "")
        await define(service, "both", (BOTH, ALWAYS, PRO)[number])


def small(service: Service, monkeypatch: pytest.MonkeyPatch, page: int, tail: int) -> None:
    """Pages and a tail of a few moves, so that every seam is met."""
    monkeypatch.setattr(log_pages, "PAGE", page)
    engine = service._engine
    engine.tail = engine.committer._tail = Tail(engine.tail.end, tail)


async def logged(service: Service) -> list[LoggedTransition]:
    """All that the log has."""
    return await asyncio.wrap_future(
        service._engine.log_reader.run(lambda reads: reads.transitions(reads.log_start().position, 1_000_000))
    )


async def parts(service: Service, wanted: Wanted, until: Position) -> list[Part]:
    """The parts of a watch up to the first that stands at `until` or beyond."""
    found: list[Part] = []
    async with aclosing(service.watching.watch(wanted)) as watch:
        async for part in watch:
            found.append(part)
            if not isinstance(part, Members | Led) and part.position >= until:
                break
    return found


def moves(found: Sequence[Part]) -> list[NamedMove]:
    """The moves of all pages."""
    return [move for part in found if isinstance(part, LogPage) for move in part.moves]


async def all_moves(service: Service, until: Position | None = None, **wanted: object) -> list[NamedMove]:
    """The moves of a watch of the whole log up to its end."""
    end = until or service._engine.tail.end
    return moves(await parts(service, Wanted(start=Start.LOG, checkpoint_interval=0.01, **wanted), end))  # type: ignore[arg-type]


def members(found: Sequence[Part]) -> dict[str, set[str]]:
    """Segment → users of a snapshot."""
    result: dict[str, set[str]] = {}
    for part in found:
        if isinstance(part, Members):
            users = result.setdefault(part.piece.segment_id, set())
            assert not users & set(part.piece.user_ids)
            users |= set(part.piece.user_ids)
    return result


def replayed(start: dict[str, set[str]], found: Sequence[NamedMove]) -> dict[str, set[str]]:
    """The members after these moves; a move that changes nothing is an error."""
    result = {name: set(users) for name, users in start.items()}
    for move in found:
        users = result.setdefault(move.segment_id, set())
        assert (move.user_id in users) != move.logged.transition.entered, move
        users ^= {move.user_id}
    return {name: users for name, users in result.items() if users}
