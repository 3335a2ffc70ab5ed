"""A service that is driven through a random story while somebody notes, at each instant, who is a member of what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st
from tests.service.opened import START, define

from segmentd.population.kinds import Json
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.times import HOUR, Micros

USERS = [f"u{number}" for number in range(5)]
SEGMENTS = ["buyers", "rich", "idle"]
_RULES: dict[str, Json] = {
    "buyers": {"behavioral": {"event": "Order Completed", "within": "3d", "count": {"at_least": 2}}},
    "rich": {"attribute": {"points": {"at_least": 5}}},
    "idle": {"all": [{"segment": "rich"}, {"not": {"segment": "buyers"}}]},
}

Step = tuple[str, int, int]
_USER, _NUMBER = st.integers(0, len(USERS) - 1), st.integers(0, 9)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("order"), _USER, st.integers(-80, 80)),  # hours before or after the clock
    st.tuples(st.just("points"), _USER, _NUMBER),
    st.tuples(st.just("wait"), st.integers(1, 100), st.just(0)),
    st.tuples(st.just("edit"), st.integers(1, 3), st.just(0)),
)
STORIES = st.lists(STEPS, min_size=3, max_size=25)


@dataclass
class Noted:
    """What was true at one instant: who existed, and who was a member of each segment, of which version."""

    at: Micros
    known: set[str]
    members: dict[str, set[str]]
    versions: dict[str, int]


@dataclass
class Story:
    """Plays a story on a service; `notes` are in the order of their instants."""

    service: Service
    notes: list[Noted] = field(default_factory=list)

    async def play(self, steps: list[Step]) -> None:
        """From the definition of the segments to the last step, with a note before each move of the clock."""
        for name, rule in _RULES.items():
            await define(self.service, name, rule)
        plays: dict[str, Callable[[int, int], Awaitable[None]]] = {
            "order": self._order,
            "points": self._points,
            "wait": self._wait,
            "edit": self._edit,
        }
        for kind, one, two in steps:
            await plays[kind](one, two)
        await self._wait(1, 0)

    async def _order(self, user: int, hours: int) -> None:
        time = Micros((await self._now()) + hours * HOUR)
        await self.service.profiles.ingest([EventWrite(USERS[user], "Order Completed", time=time)])

    async def _points(self, user: int, points: int) -> None:
        await self.service.profiles.upsert([ProfileWrite(USERS[user], {"points": points})])

    async def _edit(self, count: int, _: int) -> None:
        rule: Json = {"behavioral": {"event": "Order Completed", "within": "3d", "count": {"at_least": count}}}
        await self.service.segments.update(SegmentSpec("buyers", rule=rule), ["rule"], "", "", "")

    async def _wait(self, hours: int, _: int) -> None:
        await self._note()
        await self.service.advance_clock(by=Micros(hours * HOUR))

    async def _now(self) -> Micros:
        return (await self.service.status()).clock

    async def _note(self) -> None:
        checks = {name: {user: await self.service.memberships.check(user, name) for user in USERS} for name in SEGMENTS}
        members = {name: {user for user, check in each.items() if check.member} for name, each in checks.items()}
        known = {user for user, check in checks["rich"].items() if check.user_known}
        versions = {name: self.service.segments.get(name).info.version for name in SEGMENTS}
        self.notes.append(Noted(await self._now(), known, members, versions))


BEFORE = Micros(START - 1)
"""Before anything was defined or written."""
