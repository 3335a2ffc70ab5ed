"""Looking up the past: who moved, who was a member, and who went where, from the transitions log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from segmentd.errors import InvalidInput, NotFound, Reason
from segmentd.records import START, LoggedTransition, Position
from segmentd.service.engine import Engine
from segmentd.service.log_naming import LogNaming, NamedMove
from segmentd.service.migration import Everybody, KeyBits, MigrationMatrix, key_bits, migration_matrix
from segmentd.service.seen import unknown_segment
from segmentd.storage import LogReads
from segmentd.storage.backwards import LAST
from segmentd.times import MIN_INSTANT, Micros, format_instant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Moves of a user, a segment or both, effective in [start, end); None is as far as the log tells, and now."""

    user_id: str = ""
    segment_id: str = ""
    start: Micros | None = None
    end: Micros | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class MovesPage:
    """Some moves. `oldest` is the instant from which the log has all, None where it always had; `after` is where the
    next page begins, None on the last one.
    """

    moves: Sequence[NamedMove]
    user_id: str
    oldest: Micros | None
    revision: int
    after: Position | None


@dataclass(frozen=True, slots=True)
class Was:
    """Whether a user was a member, and since and until when by the log; version 0: there was no such segment."""

    member: bool
    version: int
    since: Micros | None
    until: Micros | None
    user_id: str
    user_known: bool
    revision: int


class _Stand(NamedTuple):
    """Where the log stands: its revision, and the instant of that. Later moves become true after it."""

    revision: int
    instant: Micros

    @property
    def end(self) -> Micros:
        """Before it lie all moves of the revision, and no later ones."""
        return Micros(self.instant + 1)


class _User(NamedTuple):
    key: int
    user_id: str


class History:
    """Questions about the past. They read the log beside the engine; only moves that are due wait for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live
        self._reader = engine.log_reader
        self._naming = LogNaming(engine.live, engine.log_reader)
        self._one_matrix = asyncio.Lock()

    async def moves(self, wanted: Wanted, after: Position | None, limit: int) -> MovesPage:
        """Up to `limit` moves beyond a position of the page before. Raises NotFound, InvalidInput, OutOfRange."""
        user = self._user(wanted.user_id) if wanted.user_id else None
        segment = self._segment_key(wanted.segment_id) if wanted.segment_id else None
        for name, instant in (("start_time", wanted.start), ("end_time", wanted.end)):
            self._refuse_future(name, instant)
        stand = await self._stand(wanted.end)
        key = user.key if user is not None else None
        found, oldest = await self._ask(lambda reads: _moves(reads, wanted, stand, (key, segment), after, limit + 1))
        named = await self._naming.thoroughly(found[:limit])
        more = named[-1].logged.position if len(found) > limit else None
        return MovesPage(named, user.user_id if user is not None else "", oldest, stand.revision, more)

    async def check_at(self, user_id: str, segment_id: str, at: Micros) -> Was:
        """Whether a user was in a segment at an instant. Raises NotFound, InvalidInput, OutOfRange."""
        user, segment = self._user(user_id), self._segment_key(segment_id)
        self._refuse_future("at_time", at)
        stand = await self._stand()
        return await self._ask(lambda reads: _was(reads, user, segment, at, stand))

    async def migration(self, segment_ids: Sequence[str], start: Micros, end: Micros) -> tuple[MigrationMatrix, int]:
        """Who was in which segment at `start` and at `end`, and the revision that is seen.

        Raises NotFound, InvalidInput, OutOfRange. One matrix is made at a time, because each takes two bits for each
        user and segment, and in between the moves of one segment.
        """
        keys = [self._segment_key(name) for name in segment_ids]
        self._refuse_future("to_time", end)
        stand = await self._stand(end)
        # No move lies between that instant and now, and later ones will not: the answers stay as they are.
        instants = [min(each, stand.instant) for each in (start, end)]
        async with self._one_matrix:
            everybody = await self._ask(lambda reads: _everybody(reads, *instants))
            before, after = [[await self._bits(key, instant, everybody.end) for key in keys] for instant in instants]
            return await asyncio.to_thread(migration_matrix, before, after, everybody), stand.revision

    async def _bits(self, segment: int, instant: Micros, end: int) -> KeyBits:
        """The members of one segment; a question of its own, so that others have their turns."""
        return await self._ask(lambda reads: key_bits(reads.members_at(segment, instant), end))

    async def _ask(self, question: Callable[[LogReads], T]) -> T:
        return await asyncio.wrap_future(self._reader.run(question))

    async def _stand(self, until: Micros | None = None) -> _Stand:
        """Where the log stands once every move due by an instant, or by now, is in it.

        After a later commit it is. Else it is the turn of this question when the thread has walked what is due.
        """
        with self._live.lock:
            complete = until is not None and self._live.instant > until
        if not complete:
            await asyncio.wrap_future(self._engine.thread.change(self._engine.tick))
        with self._live.lock:
            return _Stand(self._live.revision, self._live.instant)

    def _refuse_future(self, field: str, instant: Micros | None) -> None:
        with self._live.lock:
            now = self._live.present(self._engine.clock.now())
        if instant is not None and instant > now:
            raise InvalidInput.at(field, f"it lies ahead of the clock, which stands at {format_instant(now)}")

    def _user(self, user_id: str) -> _User:
        """A user by id; an id that was merged into another leads to the survivor."""
        live = self._live
        with live.lock:
            row = live.users.index.get(user_id, -1)
            if 0 <= row < live.published_rows and not live.users.is_gone(row):
                return _User(live.user_key(row), live.users.user_ids[row])
        raise NotFound(Reason.USER_NOT_FOUND, f"there is no user {user_id!r}", {"user_id": user_id})

    def _segment_key(self, segment_id: str) -> int:
        with self._live.lock:
            info = self._live.segments.get(segment_id)
        if info is None:
            raise unknown_segment(segment_id)
        return info.segment_key


def _moves(
    reads: LogReads,
    wanted: Wanted,
    stand: _Stand,
    keys: tuple[int | None, int | None],
    after: Position | None,
    limit: int,
) -> tuple[list[LoggedTransition], Micros | None]:
    """A page of the moves of (user, segment), and the instant from which the log has all moves."""
    user, segment = keys
    begin = reads.log_start()
    oldest = Micros(begin.instant + 1) if begin.revision else None
    start = next(each for each in (wanted.start, oldest, MIN_INSTANT) if each is not None)
    reads.refuse_unknown_since(start)
    if after is not None and not wanted.newest_first:
        reads.refuse_unknown_after(after)
    end = stand.end if wanted.end is None else min(wanted.end, stand.end)
    if wanted.newest_first:
        return reads.history_backwards(after or LAST, limit, user=user, segment=segment, start=start, end=end), oldest
    users = None if user is None else [user]
    segments = None if segment is None else [segment]
    return reads.history(after or START, limit, users=users, segments=segments, start=start, end=end), oldest


def _was(reads: LogReads, user: _User, segment: int, at: Micros, stand: _Stand) -> Was:
    member = reads.member_at(segment, user.key, at)
    later = Micros(at + 1)
    before = reads.history_backwards(LAST, 1, user=user.key, segment=segment, start=MIN_INSTANT, end=later)
    after = reads.history(START, 1, users=[user.key], segments=[segment], start=later, end=stand.end)
    return Was(
        member,
        reads.segment_version_at(segment, at),
        before[0].transition.effective_time if before else None,
        after[0].transition.effective_time if after else None,
        user.user_id,
        reads.user_existed(user.key, at),
        stand.revision,
    )


def _everybody(reads: LogReads, start: Micros, end: Micros) -> Everybody:
    before, after = reads.users_until(start, start), reads.users_until(end, start)
    return Everybody(after.end, after.users, before.end, after.users - before.users)
