"""Everything that moves people, in any order, told to the engine and to the oracle, with consumers who come and go."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from tests.engine.dialect import Tape
from tests.engine.oracle import Definition, Rule
from tests.movement.chronicle import Chronicle
from tests.movement.defining import Defining
from tests.movement.following import Following
from tests.movement.seams import SMALL
from tests.movement.site import Site
from tests.movement.writing import Writing

from segmentd.records import START as LOG_START
from segmentd.service.tail import Tail
from segmentd.service.watch_parts import Start


class Movement(Writing, Defining, Following):
    """A rule is one thing that happens; what is on its tape says with whom."""

    @initialize(
        tape=st.binary(min_size=24, max_size=48).map(Tape),
        small=st.booleans(),
        held=st.sampled_from((0, 3, 40)),
        pace=st.sampled_from((0, 1, 5, 12)),
        foreseeing=st.booleans(),
    )
    def begin(self, tape: Tape, small: bool, held: int, pace: int, foreseeing: bool) -> None:
        """Some segments, and how small everything is."""
        for where, name, value in SMALL if small else ():
            self.patch.setattr(where, name, value)
        self.patch.setattr(Tail.__init__, "__defaults__", (LOG_START, held + 1))
        self.site = Site(self.folder, 0)
        self.pace = pace
        self.foreseeing = foreseeing
        self.oracle = Chronicle(0, self.site.commits)
        recent: Rule = {"tally": {"event": "E", "at_least": 1, "within": tape.one((4, 7, 12)), "early": None}}
        self._define_as("s", Definition(recent))
        self._define_as("t", Definition({"not": {"segment": "s"}}))
        self._define(tape)
        for which, start in enumerate((Start.SNAPSHOT, Start.LOG, Start.NOW)):
            self.join(which, tape, start)

    @rule(by=st.integers(0, 20))
    def restart(self, by: int) -> None:
        """Stop, and start later."""
        self._restart(by)

    @rule(by=st.integers(0, 20))
    def kill(self, by: int) -> None:
        """Killed between two things, and started later."""
        self._kill(by)

    @rule(steps=st.sampled_from((1, 3, 8, 100)))
    def write_snapshot(self, steps: int) -> None:
        """A snapshot is begun, or goes on; other things happen between its steps."""
        self.site.write_snapshot(steps)

    @rule(writes=st.integers(0, 12), failing=st.booleans())
    def plan_a_failure(self, writes: int, failing: bool) -> None:
        """In a commit that comes, after so many writes, the process is killed, or the disk is full."""
        self.site.writes_left, self.site.failing = writes, failing
