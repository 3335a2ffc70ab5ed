"""A history under way: the engine, the oracle that is told the same, and how the two are compared."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import pytest
from hypothesis.stateful import RuleBasedStateMachine
from tests.engine.dialect import Tape
from tests.engine.driver import START
from tests.movement.chronicle import Chronicle
from tests.movement.consumers import Consumer
from tests.movement.drawing import CONSUMERS, Drawing
from tests.movement.noted import Edit
from tests.movement.site import Killed, Site

from segmentd.errors import StorageFailed
from segmentd.service.watch_parts import Start
from segmentd.times import Micros


class Running(Drawing, RuleBasedStateMachine):
    """`_try` does a thing to both, whatever fails meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp(prefix="movement-"))
        self.site: Site
        self.pace = 0
        self.foreseeing = False
        self.oracle: Chronicle
        self.edit: tuple[str, Edit, Generator[None, None, int]] | None = None
        self.compacting: Generator[None, None, None] | None = None
        self.consumers: list[Consumer | None] = [None] * CONSUMERS
        self.order: Mapping[int, int] = {}

    def teardown(self) -> None:
        """Everybody goes."""
        try:
            self._leave()
            self.site.close()
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def asked(self) -> int:
        """The instant of the commit that was made last, or that would be made."""
        return self.site.commits[-1][1] if self.site.commits else max(self.oracle.clock, self.oracle.last + 1)

    def _try(self, doing: Callable[[], object]) -> None:
        """Do something and what the engine does because of it; where that dies, it has not happened."""
        try:
            doing()
            self._compare(some=True)
            self._work()
        except Killed:
            self._kill(0, copied=True)
        except StorageFailed:  # the disk is full
            self._lose_edit()
            if not self.site.hand.recovered:
                self.site.engine.recover()
            self.site.hand.recovered = False
            self._started()
        self._compare(some=True)

    def _take(self, consumer: Consumer, count: int, start: Start = Start.SNAPSHOT) -> bool:
        """A snapshot makes the moves that are due, so that the log grows with its first part."""
        with self.site.calm():
            if consumer.parts is None and consumer.position is None:
                consumer.take(self.site, self.oracle, 1, start)
                self._compare(some=True)
            return consumer.take(self.site, self.oracle, count)

    def _go_on_taking(self, tape: Tape) -> None:
        """Somebody may take what came, or a part of it."""
        which, count = tape.below(2 * CONSUMERS), tape.below(3)
        consumer = self.consumers[which] if which < CONSUMERS else None
        if consumer is not None and count:
            self._take(consumer, count * count)

    def _work(self) -> None:
        if self.edit is None:
            self._run()
            self.oracle.refit_doubled(self.site.models())
            self.site.engine.refit_due()
            self._run()
            self.oracle.refit_scheduled()

    def _run(self) -> None:
        self.site.hand.run()
        if self.site.hand.recovered:
            raise StorageFailed("the disk was full")

    def _tick(self) -> None:
        self.site.engine.tick()
        self.oracle.tick()
        self._compare()

    def _compare(self, *, some: bool = False) -> None:
        """Take over what is new in the log; with `some`, deadlines that are due may be in it or not."""
        oracle, order = self.oracle, self.site.order()
        gone = sorted({(each.name, each.segment) for each in oracle.versions if each.segment not in order})
        after = {**order, **{segment: len(order) + place for place, (_, segment) in enumerate(gone)}}
        met = [*oracle.parts[-1].walk]
        due = oracle.due() if some else []
        oracle.parts[-1].walk += due
        rest = oracle.ledger.extend(oracle.parts, self.site.log(), (self.order, after))
        assert not set(rest) & set(met), ("deadlines missing in the log", rest)
        oracle.logged(set(due) - set(rest))
        self.order = order
        oracle.settle(self.site.last if self.site.engine.live.revision else oracle.last)

    def _clock(self, by: int) -> None:
        self.oracle.clock += by
        self.site.clock.move_to(Micros(START + self.oracle.clock))

    def _leave(self, which: int | None = None) -> None:
        for place, consumer in enumerate(self.consumers):
            if consumer is not None and which in (None, place):
                consumer.leave(self.site)

    def _restart(self, by: int) -> None:
        self._stop()
        self.oracle.clock += by
        self.site.restart(self.oracle.clock)
        self._started()

    def _kill(self, by: int, *, copied: bool = False) -> None:
        self._stop()
        self.oracle.clock += by
        self.site.kill(self.oracle.clock, copied=copied)
        self._started()

    def _stop(self) -> None:
        self._leave()
        self._lose_edit()
        self.oracle.tried.clear()
        self.compacting = None
        self.site.writes_left = None

    def _lose_edit(self) -> None:
        if self.edit is not None:
            self.edit[2].close()
            self.edit = None

    def _started(self) -> None:
        self.order = self.site.order()
        self.oracle.restart()
        self._compare()
        self._work()
        self._compare(some=True)
