"""The index says of every id what a dictionary says, or that it cannot tell, and keeps nothing of those it forgot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mapping.digests import of_few_values, of_one_home, zeros

from segmentd.mapping import index_writer
from segmentd.mapping.hashing import LOW, Digest, default_digest, hash_many
from segmentd.mapping.index import MAX_ROW, NOBODY, UNTOLD, find, find_many
from segmentd.mapping.index_writer import IndexWriter

SEED = 7
DIGESTS: dict[str, Digest] = {
    "own": default_digest,
    "few": of_few_values(3),
    "some": of_few_values(40),
    "one home": of_one_home,
}
ids = st.integers(0, 60).map(lambda number: f"user-{number}")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.lists(ids, min_size=1, max_size=12, unique=True)),
        st.tuples(st.just("lead"), ids, st.integers(0, 500)),
        st.tuples(st.just("forget"), ids),
    ),
    max_size=30,
)


class Known:
    """A dictionary beside the index, and which ids share a hash, or did when they were entered."""

    def __init__(self, digest: Digest) -> None:
        self.digest = digest
        self.writer = IndexWriter(digest, SEED, zeros)
        self.rows: dict[str, int] = {}
        self.ids: dict[bytes, set[str]] = defaultdict(set)
        self.shared: set[bytes] = set()

    def key(self, user_id: str) -> bytes:
        """What is kept of the hash."""
        return self.digest(user_id.encode(), SEED)[:12]

    def enter(self, user_ids: Sequence[str]) -> None:
        """Those that are new, with rows beyond all others."""
        new = [each for each in user_ids if each not in self.rows]
        first = 1_000 + len(self.rows)
        self.writer.enter(new, np.arange(first, first + len(new)))
        for place, each in enumerate(new):
            self.rows[each] = first + place
            key = self.key(each)
            self.ids[key].add(each)
            if len(self.ids[key]) > 1:
                self.shared.add(key)

    def forget(self, user_id: str) -> None:
        """One that is there; who is left alone with a hash that was shared is not found again by it."""
        if self.rows.pop(user_id, None) is None:
            return
        self.writer.forget(user_id)
        key = self.key(user_id)
        self.ids[key].remove(user_id)
        if not self.ids[key]:
            self.shared.discard(key)

    def expected(self, user_id: str) -> int:
        """The row of an id; ids with another's hash are told by nobody."""
        key = self.key(user_id)
        if key in self.shared:
            return UNTOLD
        return next((self.rows[each] for each in self.ids[key]), NOBODY)


def check(known: Known, asked: Sequence[str]) -> None:
    writer = known.writer
    expected = [known.expected(each) for each in asked]
    keys = hash_many(known.digest, SEED, asked)
    assert find_many(writer.slots, writer.homes, keys).tolist() == expected
    words = writer.slots.data.cast("B").cast("Q")
    assert [find(words, writer.homes, first, low) for first, low in keys.tolist()] == expected


@pytest.mark.parametrize("name", DIGESTS)
@given(steps=steps, few=st.booleans())
def test_every_id_is_found_as_in_a_dictionary(name: str, steps: list[tuple[str, ...]], few: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if few:
            patch.setattr(index_writer, "_FEWEST", 4)
            patch.setattr(index_writer, "_PART", 1)
        known = Known(DIGESTS[name])
        for step in steps:
            if step[0] == "enter":
                known.enter(step[1])
            elif step[0] == "forget":
                known.forget(step[1])
            elif step[1] in known.rows:
                known.writer.lead(step[1], int(step[2]))
                known.rows[step[1]] = int(step[2])
        check(known, [f"user-{number}" for number in range(62)])


@pytest.mark.parametrize("name", ["own", "some"])
@pytest.mark.parametrize("part", [1, 8])
def test_many_at_once_are_the_same_as_one_by_one(name: str, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_writer, "_PART", part)
    known = Known(DIGESTS[name])
    for start in range(0, 12_000, 4_000):
        known.enter([f"user-{number}" for number in range(start, start + 4_000)])
        for number in range(start, start + 4_000, 7):
            known.forget(f"user-{number}")
    check(known, [f"user-{number}" for number in range(13_000)])


@pytest.mark.parametrize("digest", [default_digest, of_few_values(4)], ids=["own", "few"])
def test_nothing_is_left_of_ids_that_lead_nowhere(digest: Digest) -> None:
    writer = IndexWriter(digest, SEED, zeros)
    user_ids = [f"user-{number}" for number in range(50)]
    writer.enter(user_ids, np.arange(50))
    for each in user_ids:
        writer.forget(each)
    kept = {int(word) for word in writer.slots[:, 0]} | {int(word) & LOW for word in writer.slots[:, 1]}
    assert kept == {0}


def test_ids_are_hashed_under_a_seed() -> None:
    one, other = hash_many(default_digest, 1, ["user"]), hash_many(default_digest, 2, ["user"])
    assert one.tolist() != other.tolist()


def test_a_row_that_does_not_fit_is_refused() -> None:
    writer = IndexWriter(default_digest, SEED, zeros)
    writer.enter(["last"], np.array([MAX_ROW]))
    assert find_many(writer.slots, writer.homes, hash_many(default_digest, SEED, ["last"])).tolist() == [MAX_ROW]
    with pytest.raises(OverflowError):
        writer.enter(["beyond"], np.array([MAX_ROW + 1]))
