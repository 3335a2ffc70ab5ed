"""While users are merged, a copy answers for each id what was true at some revision: never what was true at none.

The stream is made as a server makes it: led ids up to a stand, then moves, which may come from later revisions and end
amid one, then perhaps a checkpoint of the stand. After each line of the copy's code every id is asked for, as another
thread could ask.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.local.test_replica import Fed
from tests.client.local.told import checkpoint, members, merged, moves, snapshot_end

from segmentd.client.local import members as members_module
from segmentd.client.local import merges, replica
from segmentd.v1 import membership_service_pb2 as pb

IDS = ("ada", "bob", "cid", "dan")
_FILES = {members_module.__file__, merges.__file__, replica.__file__}
Move = tuple[str, str, str, int]


class Life:
    """What was true after each revision, and what a log says of it."""

    def __init__(self, first: frozenset[str]) -> None:
        self.members = set(first)
        self.leads: dict[str, str] = {}
        self.truth = [self._answers()]
        self.moves: list[tuple[int, bool, Move]] = []
        self.led: list[tuple[int, str, str]] = []

    def flip(self, user: str) -> None:
        """Who leads to nobody enters or leaves."""
        self._go([(user, user not in self.members)], merge=False)

    def merge(self, absorbed: str, survivor: str, member: bool, absorbed_first: bool) -> None:
        """The survivor is a member from now on, or is not."""
        ids = [absorbed, *(each for each, to in self.leads.items() if to == absorbed)]
        self.leads.update(dict.fromkeys(ids, survivor))
        self.led += [(len(self.truth), each, survivor) for each in ids]
        self._go([(absorbed, False), (survivor, member)][:: 1 if absorbed_first else -1], merge=True)

    def _go(self, wanted: list[tuple[str, bool]], merge: bool) -> None:
        for user, member in wanted:
            if member != (user in self.members):
                self.members.symmetric_difference_update({user})
                move = ("+" if member else "-", "s", user, IDS.index(user))
                self.moves.append((len(self.truth), merge, move))
        self.truth.append(self._answers())

    def _answers(self) -> dict[str, bool]:
        return {each: self.leads.get(each, each) in self.members for each in IDS}


@st.composite
def lives(draw: st.DrawFn) -> Life:
    life = Life(draw(st.frozensets(st.sampled_from(IDS))))
    for _ in range(draw(st.integers(1, 6))):
        alive = [each for each in IDS if each not in life.leads]
        if len(alive) > 1 and draw(st.booleans()):
            absorbed, survivor = draw(st.permutations(alive))[:2]
            life.merge(absorbed, survivor, draw(st.booleans()), draw(st.booleans()))
        else:
            life.flip(draw(st.sampled_from(alive)))
    return life


class Teller:
    """Tells a copy of a life as a server does."""

    def __init__(self, life: Life, fed: Fed) -> None:
        self.life, self.fed = life, fed
        self.published = self.told_led = self.told_moves = 0
        self.first = True

    def turn(self, grows: int, grows_more: int, page: int, due: bool) -> None:
        """One turn of a server's loop; a page has so many moves at most."""
        self._publish(grows)
        stand = self.published
        self._tell_led(stand)
        self._publish(grows_more)
        all_moves = [each for each in self.life.moves if each[0] <= self.published]
        sent = all_moves[self.told_moves : self.told_moves + page]
        self.told_moves += len(sent)
        for revision, merge, move in sent:
            self.hear(moves(move, revision=revision, merge=merge))
        if due and self.told_moves == len(all_moves):
            self.hear(checkpoint(0.0, revision=stand))
            assert self.fed.revision == stand

    def hear(self, message: pb.WatchTransitionsResponse) -> None:
        """Nobody is ever answered what was not true since the revision that the copy says it has."""
        true = self.life.truth[self.fed.revision : self.published + 1]
        with at_each_line(lambda: self.look(true)):
            self.fed.hear(message)
        self.look(true)

    def look(self, true: list[dict[str, bool]]) -> None:
        for each in IDS:
            known = self.fed.known(each, "s")
            assert known is None or known in {answers[each] for answers in true}, each

    def reconnect(self) -> None:
        """A new stream goes on after the last move, and tells all led ids anew."""
        self.fed.lose("SHUTTING_DOWN")
        self.fed.asks_for()
        self.first, self.told_led = True, 0

    def _publish(self, grows: int) -> None:
        self.published = min(self.published + grows, len(self.life.truth) - 1)

    def _tell_led(self, stand: int) -> None:
        all_led = [each for each in self.life.led if each[0] <= stand]
        sent, self.told_led = all_led[self.told_led :], len(all_led)
        if sent or self.first:
            # Later ones win, as the server's list has an id once more for each merge.
            self.hear(merged({each: survivor for _, each, survivor in sent}, first=self.first))
        self.first = False


@pytest.mark.parametrize("absorbed_first", [True, False])
@pytest.mark.parametrize("before", [frozenset(), frozenset({"ada"}), frozenset({"bob"}), frozenset({"ada", "bob"})])
def test_one_merge_is_shown_whole_wherever_pages_and_stands_fall(before: frozenset[str], absorbed_first: bool) -> None:
    turns = [(grows, more, page, True) for grows, more, page in product((0, 1), (0, 1), (1, 3))]
    for member, first, second in product((True, False), turns, turns):
        life = Life(before)
        life.merge("ada", "bob", member, absorbed_first)
        life.flip("bob")
        tell(life, [first, second])


Turn = tuple[int, int, int, bool]
any_turn = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 3), st.booleans())


@given(lives(), st.lists(st.one_of(any_turn, st.none()), max_size=8))
def test_no_id_is_ever_answered_what_was_true_at_no_revision(life: Life, schedule: list[Turn | None]) -> None:
    tell(life, schedule)


def tell(life: Life, schedule: Sequence[Turn | None]) -> None:
    """Begin with a snapshot, then the turns; None is a new stream. At the end all of it is told."""
    fed = Fed("s")
    fed.hear(members("s", {each: IDS.index(each) for each, member in life.truth[0].items() if member}, revision=0))
    fed.hear(snapshot_end(0))
    teller = Teller(life, fed)
    for turn in ((0, 0, 0, True), *schedule):
        if turn is None:
            teller.reconnect()
        else:
            teller.turn(*turn)
    teller.turn(100, 0, 100, True)
    assert {each: fed.known(each, "s") for each in IDS} == life.truth[-1]


@contextmanager
def at_each_line(look: Any) -> Iterator[None]:
    """Calls `look` after each line that runs in the code of the copy."""

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if frame.f_code.co_filename not in _FILES:
            return None
        if event in {"line", "return"}:
            look()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
