"""Packed strings are a list of distinct ones, whatever their hashes are."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from segmentd.population import byte_strings
from segmentd.population.byte_strings import ByteStrings, Hash

RAWS = st.one_of(st.just(b""), st.binary(max_size=3), st.integers(0, 400).map(lambda number: b"%d" % number))
STEPS = st.lists(st.lists(RAWS, max_size=150, unique=True), max_size=6)
HASHES: dict[str, Hash] = {
    "as in use": xxh3_64_intdigest,
    "all the same": lambda _raw, _seed: 0,
    "all the greatest": lambda _raw, _seed: 2**64 - 1,
    "a few": lambda raw, _seed: (sum(raw) % 3) << 62,
    "side by side": lambda raw, _seed: sum(raw) << 32,
}
each_hash = pytest.mark.parametrize("hash_of", HASHES.values(), ids=HASHES)


def same(strings: ByteStrings, expected: list[bytes]) -> None:
    assert len(strings) == len(expected)
    assert [strings[number] for number in range(len(expected))] == expected
    assert [strings.find(raw) for raw in expected] == list(range(len(expected)))
    assert strings.heap.tobytes() == b"".join(expected)
    offsets = strings.offsets.tolist()
    assert [high - low for low, high in pairwise(offsets)] == list(map(len, expected))


@each_hash
@given(steps=STEPS, asked=st.lists(RAWS, max_size=30))
def test_numbers_ascend_and_are_found_again(hash_of: Hash, steps: list[list[bytes]], asked: list[bytes]) -> None:
    """One by one, many at once, and the same that way around."""
    strings = ByteStrings(hash_of)
    expected: list[bytes] = []
    for turn, raws in enumerate(steps):
        expected += [raw for raw in raws if raw not in expected]
        numbers = strings.add_many(raws) if turn % 2 else list(map(strings.add, raws))
        assert numbers == [expected.index(raw) for raw in raws]
    same(strings, expected)
    for raw in asked:
        assert strings.find(raw) == (expected.index(raw) if raw in expected else -1)


@each_hash
@given(raws=st.lists(RAWS, max_size=200, unique=True), data=st.data())
def test_some_of_them_make_others(hash_of: Hash, raws: list[bytes], data: st.DataObject) -> None:
    """Strings that were gathered from one are added to another, which grows on."""
    first = ByteStrings(hash_of)
    first.add_many(raws)
    numbers = sorted(data.draw(st.sets(st.integers(0, len(raws) - 1)) if raws else st.just(set())))
    second = ByteStrings(hash_of)
    head = b"something else"
    second.add(head)
    second.extend(*first.gather(np.array(numbers, dtype=np.int8 if len(raws) < 127 else np.int32)))
    same(second, [head, *(raws[number] for number in numbers)])
    second.add_many(raws)
    same(second, [head, *dict.fromkeys([*(raws[number] for number in numbers), *raws])])


@each_hash
def test_who_reads_keeps_what_there_was(hash_of: Hash) -> None:
    strings = ByteStrings(hash_of)
    strings.add(b"first")
    heap, offsets, stretch = strings.heap, strings.offsets, strings.stretch(0, 1)
    for number in range(500):
        strings.add(b"%d" % number)
    assert heap.tobytes() == stretch[0] == b"first"
    assert offsets.tolist() == stretch[1] == [0, 5]


def test_readers_find_what_there_is_while_more_comes() -> None:
    """Whatever has a number is there, and is found, through all the arrays that are replaced meanwhile."""
    strings, looked, ended = ByteStrings(), 0, threading.Event()
    strings.add(b"0")

    def add() -> None:
        for number in range(1, 20_000):
            strings.add(b"%d" % number)
        ended.set()

    writer = threading.Thread(target=add)
    writer.start()
    while not (ended.is_set() and looked):
        last = len(strings) - 1
        for number in (last, last // 2, 0):
            assert strings[number] == b"%d" % number
        assert strings.find(b"%d" % (last // 2)) == last // 2
        heap, offsets = strings.gather(np.arange(last // 2, last + 1))
        assert heap[offsets[-2] :].tobytes() == b"%d" % last
        looked += 1
    writer.join()
    same(strings, [b"%d" % number for number in range(20_000)])


def test_offsets_become_wide_with_the_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_strings, "_NARROW", 2_000)
    strings, expected = ByteStrings(), [b"%d" % number for number in range(2_000)]
    for raw in expected[:300]:
        strings.add(raw)
    assert strings.offsets.dtype == np.uint32
    strings.add_many(expected)
    assert strings.offsets.dtype == np.uint64
    same(strings, expected)


def test_strings_take_few_bytes_beside_their_own() -> None:
    strings, count = ByteStrings(), 50_000
    for number in range(count):
        strings.add(b"%020d" % number)
    assert strings.nbytes < 45 * count
    loaded = ByteStrings()
    loaded.extend(strings.heap, strings.offsets)
    assert loaded.nbytes < 41 * count
