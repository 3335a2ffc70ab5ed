"""What one commit is about to change, laid over the stored answers until it is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.memberships import Memberships, Rows, Words
from segmentd.engine.plan import Plan
from segmentd.population.foreseen import Foreseen
from segmentd.times import FOREVER, Instants

_FEW: Final = 64
"""So many moves are sorted sooner than told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """The bits of one plan that changed in one pass: `rows`, `entered` and the instant of each."""

    plan: Plan
    order: int
    rows: Rows
    entered: NDArray[np.bool_]
    at: Instants


@dataclass(frozen=True, slots=True, eq=False)
class Movements:
    """Moves one by one: arrays of equal length, ordered by (instant, dependency order, left before entered, row)."""

    plans: list[Plan]
    """Some plans, among them those that have moves."""
    owners: NDArray[np.int64]
    """Of each move, the place of its plan in `plans`."""
    rows: Rows
    entered: NDArray[np.bool_]
    at: Instants


def in_order(moves: list[Moves]) -> Movements:
    """All moves of a commit in the order in which they became true."""
    if not moves:
        nothing = np.zeros(0, dtype=np.int64)
        return Movements([], nothing, nothing, nothing.astype(np.bool_), nothing)
    owner = np.repeat(np.arange(len(moves)), [len(each.rows) for each in moves])
    rows = np.concatenate([each.rows for each in moves])
    at = np.concatenate([each.at for each in moves])
    entered = np.concatenate([each.entered for each in moves])
    sequence = _sequence_of_groups(moves) if len(rows) > _FEW else None
    if sequence is None:
        order = np.array([each.order for each in moves])[owner]
        sequence = np.lexsort((rows, entered, order, at))
    return Movements([each.plan for each in moves], owner[sequence], rows[sequence], entered[sequence], at[sequence])


def _sequence_of_groups(moves: list[Moves]) -> NDArray[np.int64] | None:
    """The same sequence without sorting the moves, where each of `moves` is of one instant and no two are alike.

    So is a wave at one instant, and sorting its many moves would stop every other thread.
    """
    if any(each.at[0] != each.at[-1] or (each.at != each.at[0]).any() for each in moves):
        return None
    if len({(int(each.at[0]), each.order) for each in moves}) < len(moves):
        return None
    starts = np.cumsum([0, *(len(each.rows) for each in moves)])
    groups: list[NDArray[np.int64]] = []
    for place in sorted(range(len(moves)), key=lambda place: (int(moves[place].at[0]), moves[place].order)):
        entered = moves[place].entered  # the rows of each are in order
        groups += [np.flatnonzero(~entered) + starts[place], np.flatnonzero(entered) + starts[place]]
    return np.concatenate(groups)


class Stage:
    """Staged words and horizons of the rows touched so far, and the moves in the order they were found."""

    def __init__(self, stored: Memberships) -> None:
        self._stored = stored
        self._stored_rows = len(stored.horizons)
        self.rows: Rows = np.zeros(0, dtype=np.int64)
        self._words: Words = np.zeros((0, stored.words.shape[1]), dtype=np.uint64)
        self._horizons: Instants = np.zeros(0, dtype=np.int64)
        self.moves: list[Moves] = []
        self.counts = np.zeros_like(stored.counts)

    @property
    def foreseen(self) -> Foreseen | None:
        """What the stored rows will be from their horizons on, where that is known."""
        return self._stored.foreseen

    def read(self, rows: Rows) -> tuple[Words, Instants]:
        """Copies of the words and horizons of these rows as staged; sorted and unique. A new row has neither."""
        words, horizons = self._from_store(rows)
        if len(self.rows):
            places = np.searchsorted(self.rows, rows)
            places[places == len(self.rows)] = 0
            staged = self.rows[places] == rows
            words[staged] = self._words[places[staged]]
            horizons[staged] = self._horizons[places[staged]]
        return words, horizons

    def write(self, rows: Rows, words: Words, horizons: Instants) -> None:
        """Stage the words and horizons of these rows; sorted and unique."""
        if not len(self.rows) or np.array_equal(rows, self.rows):
            self.rows, self._words, self._horizons = rows, words, horizons
            return
        union = np.union1d(self.rows, rows)
        all_words = np.zeros((len(union), words.shape[1]), dtype=np.uint64)
        all_horizons = np.zeros(len(union), dtype=np.int64)
        for these, their_words, their_horizons in (
            (self.rows, self._words, self._horizons),
            (rows, words, horizons),
        ):
            places = np.searchsorted(union, these)
            all_words[places] = their_words
            all_horizons[places] = their_horizons
        self.rows, self._words, self._horizons = union, all_words, all_horizons

    def bits(self, slot: int, total: int) -> NDArray[np.bool_]:
        """Who of all `total` rows is a member, as staged."""
        bits = np.zeros(total, dtype=np.bool_)
        stored = self._stored.bits(slot, slice(0, total))
        bits[: len(stored)] = stored
        bits[self.rows] = (self._words[:, slot >> 6] & np.uint64(1 << (slot & 63))) != 0
        return bits

    def publish(self, total: int) -> None:
        """Make the staged answers the stored ones, of now `total` rows."""
        if len(self.rows):
            self._stored.ensure(total)
            self._stored.store(self.rows, self._words, self._horizons)
            self._stored.counts += self.counts

    def _from_store(self, rows: Rows) -> tuple[Words, Instants]:
        if not len(rows) or rows[-1] < self._stored_rows:
            return self._stored.words[rows], self._stored.horizons[rows]
        words = np.zeros((len(rows), self._words.shape[1]), dtype=np.uint64)
        horizons = np.full(len(rows), FOREVER, dtype=np.int64)
        old = rows < self._stored_rows
        words[old], horizons[old] = self._stored.words[rows[old]], self._stored.horizons[rows[old]]
        return words, horizons
