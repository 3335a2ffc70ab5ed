"""The log as it has to stand: what was logged, where, and what the part that was compacted away left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from segmentd.records import START, LoggedTransition, Position

Seat = tuple[int, int]
"""(key of the segment, key of the user)"""


@dataclass(frozen=True, order=True)
class Entry:
    """One transition, without its place; the instant is counted from the start of the history."""

    at: int
    segment: int
    user: int
    entered: bool
    cause: str
    version: int
    message: str | None = None

    @property
    def seat(self) -> Seat:
        """Who and where."""
        return self.segment, self.user


@dataclass(frozen=True)
class Placed:
    """An entry and where it stands."""

    position: Position
    entry: Entry

    @classmethod
    def of(cls, logged: LoggedTransition, start: int) -> Placed:
        """As the log gives it."""
        move = logged.transition
        return cls(
            logged.position,
            Entry(
                move.effective_time - start,
                move.segment_key,
                move.user_key,
                move.entered,
                move.cause,
                move.segment_version,
                move.message_id,
            ),
        )


@dataclass
class Part:
    """Deadlines that are walked, in one or more revisions, and the commit that ends with a revision of its own.

    The walk comes in any number of revisions; what is left of it rides along with the commit. A commit has moves one by
    one, then those of a switch, then those that are added.
    """

    walk: list[Entry] = field(default_factory=list)
    revision: int | None = None
    moves: list[Entry] = field(default_factory=list)
    switched: list[Entry] = field(default_factory=list)
    added: list[Entry] = field(default_factory=list)

    @property
    def told(self) -> int:
        """How many moves the commit itself has."""
        return len(self.moves) + len(self.switched) + len(self.added)

    def forget(self, users: Collection[int]) -> None:
        """Nothing of these users was ever logged."""
        for entries in (self.walk, self.moves, self.switched, self.added):
            entries[:] = [each for each in entries if each.user not in users]


@dataclass
class Ledger:
    """All entries that the log still tells, in order; `baseline` are the members before them."""

    entries: list[Placed] = field(default_factory=list)
    baseline: set[Seat] = field(default_factory=set)
    gone: list[Placed] = field(default_factory=list)
    """What was compacted away; memory may have it for a while."""
    start: Position = START
    start_instant: int | None = None

    def forget(self, users: Collection[int]) -> None:
        """Erase users."""
        self.entries = [each for each in self.entries if each.entry.user not in users]
        self.gone = [each for each in self.gone if each.entry.user not in users]
        self.baseline = {seat for seat in self.baseline if seat[1] not in users}

    def compact(self, revision: int, instant: int, start: Position) -> None:
        """What was logged up to a revision goes into the baseline."""
        gone = [each for each in self.entries if each.position.revision <= revision]
        self.baseline = replayed(self.baseline, (each.entry for each in gone))
        self.entries = self.entries[len(gone) :]
        self.gone += gone
        assert start == max([self.start, *(each.position for each in gone)])
        self.start, self.start_instant = start, instant

    def members(self) -> set[Seat]:
        """Who is where after everything."""
        return replayed(self.baseline, (each.entry for each in self.entries))

    def members_at(self, instant: int) -> set[Seat]:
        """Who was where at an instant."""
        return replayed(self.baseline, (each.entry for each in self.entries if each.entry.at <= instant))

    def after(
        self, position: Position, segments: Collection[int] | None = None, users: Collection[int] | None = None
    ) -> list[Placed]:
        """The entries that come after a position."""
        return [
            each
            for each in (*self.gone, *self.entries)
            if each.position > position
            and (segments is None or each.entry.segment in segments)
            and (users is None or each.entry.user in users)
        ]

    def extend(
        self, parts: Sequence[Part], log: Sequence[Placed], orders: tuple[Mapping[int, int], Mapping[int, int]]
    ) -> list[Entry]:
        """Take over what the log has beyond what is known; it is what the parts say. What is walked later is returned.

        `orders`: the place of each segment in dependency order, before and after the parts; what is gone comes last.
        """
        known = len(self.entries)
        assert list(log[:known]) == self.entries, "what was logged has changed"
        new = log[known:]
        assert all(a.position < b.position for a, b in pairwise(log))
        assert all(a.entry.at <= b.entry.at for a, b in pairwise(log)), "effective times fall"
        revisions = [
            (revision, [each.entry for each in group])
            for revision, group in groupby(new, lambda each: each.position.revision)
        ]
        rest: list[Entry] = []
        for part in parts:
            assert not rest, ("deadlines were not met before a commit", rest)
            rest = _match(part, revisions, orders)
        assert not revisions, ("nobody expected", revisions)
        assert not rest or not new or min(each.at for each in rest) >= new[-1].entry.at
        self.entries += new
        return rest


def _match(
    part: Part, revisions: list[tuple[int, list[Entry]]], orders: tuple[Mapping[int, int], Mapping[int, int]]
) -> list[Entry]:
    """Take the revisions of a part from the front; the walk that is outstanding is returned."""
    walk = Counter(part.walk)
    told = part.told
    while revisions and (walk or told):
        revision, found = revisions[0]
        count = 0
        while count < len(found) and found[count] in walk:
            walk -= Counter([found[count]])
            count += 1
        _check_order(found[:count], orders[0])
        if count < len(found):
            assert not walk, ("a commit came before deadlines", found, walk)
            assert revision == part.revision, (revision, part)
            _check_commit(part, found[count:], orders)
            told = 0
        revisions.pop(0)
    assert not told, ("missing in the log", part)
    if part.revision is not None:
        assert not walk, ("deadlines missing in the log", walk)
    return list(walk.elements())


def _check_commit(part: Part, found: list[Entry], orders: tuple[Mapping[int, int], Mapping[int, int]]) -> None:
    first, second = len(part.moves), len(part.moves) + len(part.switched)
    moves, switched, added = found[:first], found[first:second], found[second:]
    assert sorted(moves, key=repr) == sorted(part.moves, key=repr), (found, part)
    assert sorted(switched, key=repr) == sorted(part.switched, key=repr), (found, part)
    assert sorted(added, key=repr) == sorted(part.added, key=repr), (found, part)
    _check_order(moves, orders[0])
    _check_order(switched, orders[1])


def _check_order(entries: list[Entry], order: Mapping[int, int]) -> None:
    """By instant, then in dependency order, then who left first, then by row."""
    places = [(each.at, order[each.segment], each.entered, each.user) for each in entries]
    assert places == sorted(places), entries


def replayed(before: Iterable[Seat], entries: Iterable[Entry]) -> set[Seat]:
    """Members after moves; who enters was out, who leaves was in, but for users who were erased."""
    seats = set(before)
    for each in entries:
        if each.cause != "ERASURE":
            assert (each.seat in seats) != each.entered, each
        (seats.add if each.entered else seats.discard)(each.seat)
    return seats
