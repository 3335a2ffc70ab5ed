"""An engine with its use cases on a database file, driven by hand; it can be stopped, and killed in every commit."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tests.engine import toys
from tests.engine.driver import START
from tests.engine.inline import Inline
from tests.engine.oracle import Definition
from tests.movement.ledger import Placed
from tests.movement.timeline import REFUSAL
from tests.snapshot.same import check_starts

from segmentd.errors import SegmentdError, StorageFailed
from segmentd.service.aside import Edit
from segmentd.service.engine import Engine
from segmentd.service.engine_thread import Outcome
from segmentd.service.groups import Groups
from segmentd.service.history import History
from segmentd.service.identity import Identity
from segmentd.service.items import EventWrite, ProfileWrite, prepare_event, prepare_profile
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.segments import Segments
from segmentd.service.snapshots.keeper import Attempt
from segmentd.service.snapshots.taking import Moved
from segmentd.service.user_lists import UserLists
from segmentd.service.value_types import Currencies
from segmentd.service.watching import Watching
from segmentd.storage import Store
from segmentd.times import FOREVER, FrozenClock, Micros
from segmentd_types.lists import ListType

T = TypeVar("T")
PLUGINS = toys.plugins(ListType())


class Killed(BaseException):
    """The process is gone."""


class Hand(Inline):
    """What is queued is done when a test says so; who asks gets what the thread would give."""

    def __init__(self, recover: Callable[[], None]) -> None:
        super().__init__()
        self._recover = recover
        self.recovered = False
        """Whether memory had to be loaded anew since somebody looked."""

    def change(self, change: Callable[[], T]) -> Future[T]:
        """Change something at once."""
        future: Future[T] = Future()
        try:
            future.set_result(change())
        except Exception as error:  # noqa: BLE001  (as the thread does)
            if not isinstance(error, SegmentdError) or isinstance(error, StorageFailed):
                self._recover()
                self.recovered = True
            future.set_exception(error)
        return future

    def run(self) -> None:
        """Do what is queued, unless memory was loaded anew."""
        while self._waiting and not self.recovered:
            steps, future = self._waiting.pop(0)
            try:
                future.set_result(_end(steps))
            except Exception as error:  # noqa: BLE001  (as the thread does)
                if not isinstance(error, SegmentdError) or isinstance(error, StorageFailed):
                    self._recover()
                    self.recovered = True
                future.set_exception(error)


class Site:
    """One database in a folder, and the process that has it; instants are counted from START.

    `commits` are (revision, instant) of the changes that were committed since somebody looked.
    """

    def __init__(self, folder: Path, clock: int) -> None:
        self._folder = folder
        self._count = 0
        self.runner = asyncio.Runner()
        self.commits: deque[tuple[int, int]] = deque()
        self.writes_left: int | None = None
        """After so many writes of a commit the process is killed; None: not."""
        self.failing = False
        """The commit fails then, and the process lives."""
        self._committing = False
        self._attempt: Attempt | None = None
        self.restored = 0
        """How many starts had a snapshot."""
        self._open(folder / "0.db", clock)

    def _open(self, path: Path, clock: int) -> None:
        self.path = path
        self.clock = FrozenClock(Micros(START + clock))
        self.store = Store.open(path)
        self.restored += check_starts(self.store, PLUGINS)
        self.engine = engine = Engine(self.store, PLUGINS, self.clock, Currencies(), Micros(REFUSAL))
        self.hand = Hand(engine.recover)
        for each in (engine, engine.purging, engine.pruning, engine.log_retention, engine.snapshots, engine.foresight):
            setattr(each, "thread" if each is engine else "_thread", self.hand)
        self.segments, self.identity = Segments(engine), Identity(engine)
        self.lists, self.groups = UserLists(engine), Groups(engine)
        self.watching, self.history = Watching(engine), History(engine)
        self._watch_commits()
        engine._catch_up()

    def _watch_commits(self) -> None:
        committer, session = self.engine.committer, self.store._session
        make, walk = committer._make, committer._walk
        write, write_many = session.write, session.write_many

        def made(*arguments: Any) -> int:
            with self._transaction():
                revision = make(*arguments)
            self.commits.append((revision, self.last))
            return revision

        def walked(*arguments: Any) -> None:
            with self._transaction():
                walk(*arguments)

        def counted(write: Callable[..., T]) -> Callable[..., T]:
            def once(*arguments: Any) -> T:
                self._count_write()
                return write(*arguments)

            return once

        committer._make = made  # type: ignore[method-assign,assignment]
        committer._walk = walked  # type: ignore[method-assign,assignment]
        session.write = counted(write)  # type: ignore[method-assign]
        session.write_many = counted(write_many)  # type: ignore[method-assign]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Where a failure that is planned may come."""
        self._committing = True
        try:
            yield
        finally:
            self._committing = False

    @contextmanager
    def calm(self) -> Iterator[None]:
        """Nothing fails in here."""
        planned, self.writes_left = self.writes_left, None
        try:
            yield
        finally:
            self.writes_left = planned

    def _count_write(self) -> None:
        if not self._committing or self.writes_left is None:
            return
        if self.writes_left:
            self.writes_left -= 1
            return
        self.writes_left = None
        if self.failing:
            raise StorageFailed("the disk is full")
        self.copy()
        raise Killed

    def copy(self) -> None:
        """What a killed process leaves: the file, its write-ahead log and snapshots, at this moment."""
        self._count += 1
        for suffix in ("", "-wal"):
            source = self.path.with_name(self.path.name + suffix)
            if source.exists():
                shutil.copy(source, self._folder / f"{self._count}.db{suffix}")
        snapshots = self.store.snapshot_folder
        if snapshots is not None and snapshots.exists():
            shutil.copytree(snapshots, self._folder / f"{self._count}.db.snapshot")

    def write_snapshot(self, steps: int) -> None:
        """Go on writing a snapshot, or begin one; so many steps."""
        if not steps:
            return
        try:
            self._attempt = self._attempt or Attempt(self.engine.live, self.store)
            for _ in range(steps):
                if not self._attempt.step():
                    self._attempt.seal()
                    self._attempt.finish()
                    self._attempt = None
                    return
        except Moved:
            if self._attempt is not None:
                self._attempt.abandon()
            self._attempt = None

    def kill(self, clock: int, *, copied: bool = False) -> None:
        """Another process opens what a killed one left."""
        if not copied:
            self.copy()
        self._end()
        self._open(self._folder / f"{self._count}.db", clock)

    def look_ahead(self) -> None:
        """Work out beforehand what most of all will be at their next deadline, other ones at each revision."""
        live = self.engine.live
        near = np.flatnonzero(live.memberships.horizons < FOREVER)
        self.engine.foresight._foresee(near[(near + live.revision) % 4 > 0], FOREVER - 1)

    def restart(self, clock: int) -> None:
        """Stop, and start again."""
        self._end()
        self._open(self.path, clock)

    def _end(self) -> None:
        if self._attempt is not None:
            self._attempt.abandon()
        self._attempt = None
        self.engine.close()

    def close(self) -> None:
        """Give up everything."""
        self._end()
        self.runner.close()

    @property
    def last(self) -> int:
        """The instant of the last revision."""
        return self.engine.live.instant - START

    def write(self, writes: Sequence[EventWrite | ProfileWrite]) -> Outcome:
        """One commit group."""
        return self.engine.write_group(
            [prepare_event(each) if isinstance(each, EventWrite) else prepare_profile(each) for each in writes]
        )

    def do(self, doing: Coroutine[Any, Any, T]) -> T:
        """Run a use case that queues nothing."""
        return self.runner.run(doing)

    def do_queued(self, doing: Coroutine[Any, Any, T]) -> T:
        """Run a use case, with what it queues."""
        return self.runner.run(self._done(doing))

    async def _done(self, doing: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(doing)
        await asyncio.sleep(0)
        self.hand.run()
        return await task

    def edit(self, spec: SegmentSpec, made: Callable[[], None], *, archive: bool = False) -> Generator[None, None, int]:
        """The steps of an edit; `made` is called when it begins, and when it has to begin again."""

        def make() -> Edit:
            made()
            name, edits = spec.segment_id, self.segments._edits
            if archive:
                return edits.archival(name, "", "", "")
            info = self.engine.live.segments.get(name)
            if info is None or edits.is_archived(name):
                return edits.creation(spec, "", "")
            return edits.update(spec, {"rule", "include", "exclude"}, "", "", "")

        return self.engine._edited(make)

    def models(self) -> list[str]:
        """The attributes that models learn from, in the order in which they are looked at."""
        self.engine.refits.next_due()
        return [json.loads(key)[1]["attribute"] for key in self.engine.refits._conditions]

    def log(self) -> list[Placed]:
        """All that the log tells."""
        begin = self.store.log_start().position
        return [Placed.of(each, START) for each in self.store.transitions(begin, 1_000_000)]

    def order(self) -> Mapping[int, int]:
        """The place of each segment, by key, in dependency order."""
        catalogue = self.engine.live.catalogue
        keys = [catalogue.entries[name].definition.segment_key for name in catalogue.dependency_order]
        return {key: place for place, key in enumerate(keys)}

    def stored(self) -> set[tuple[int, int]]:
        """(segment, user), by keys, of all members by the stored bits of segments that answer."""
        live = self.engine.live
        found = set()
        for entry in live.catalogue.entries.values():
            if entry.plan is None:
                continue
            bits = live.memberships.bits(entry.plan.slot, slice(0, len(live.users)))
            assert live.memberships.counts[entry.plan.slot] == bits.sum()
            found |= {(entry.definition.segment_key, key) for key in live.user_keys(slice(None))[bits].tolist()}
        return found


def spec_of(name: str, definition: Definition, rule: Any) -> SegmentSpec:
    """A definition as the engine takes it."""
    return SegmentSpec(
        name, rule=rule, include=tuple(sorted(definition.include)), exclude=tuple(sorted(definition.exclude))
    )


def _end(steps: Generator[None, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
