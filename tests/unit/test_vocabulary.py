"""A vocabulary is a list of distinct texts, packed or not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.population import vocabulary
from segmentd.population.tagsets import TagSets
from segmentd.population.vocabulary import Vocabulary

TEXTS = st.one_of(
    st.integers(0, 60).map(str),
    st.text(max_size=3),
    st.text(st.characters(categories=["Cs", "Ll", "Zs"]), max_size=3),
    st.sampled_from(["", "\0", "\ud83d", "\ude00", "\ud83d\ude00", "😀", "é", "e\u0301"]),
)
MANY = st.lists(st.one_of(st.none(), TEXTS), max_size=150)


@pytest.fixture(autouse=True, params=[4, 40, 4_096], ids=lambda few: f"{few} are few")
def few(request: pytest.FixtureRequest) -> Iterator[None]:
    """Vocabularies are packed early, on the way, or never."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "FEW", request.param)
        yield


def sound(text: str) -> bool:
    return len(text) != 2


def same(found: Vocabulary, expected: list[str]) -> None:
    codes = [*range(len(expected))]
    assert len(found) == len(found.texts) == len(expected)
    assert list(found.texts) == found.texts[:] == expected
    assert [found.texts[code] for code in codes] == expected
    assert list(found.texts_of(codes[::7])) == expected[::7]
    assert list(found.texts_of(codes[::-1])) == expected[::-1]
    assert found.find_all(expected) == [found.find(text) for text in expected] == codes
    asked = [*expected, "nobody has it"] * 40
    assert found.find_many(asked).tolist() == [*codes, -2] * 40


@given(st.lists(MANY, max_size=5), st.data())
def test_codes_are_the_places_of_their_texts(steps: list[list[str | None]], data: st.DataObject) -> None:
    """One by one and many at once; and what is restored from some of them goes on as well."""
    found = Vocabulary()
    expected: list[str] = []
    for turn, texts in enumerate(steps):
        fresh = [text for text in dict.fromkeys(texts) if text is not None and sound(text) and text not in expected]
        expected += fresh
        codes = [expected.index(text) if text is not None and sound(text) else -1 for text in texts]
        if turn % 2:
            assert [found.add(text) for text in fresh] == [expected.index(text) for text in fresh]
        before = found.texts
        assert found.codes_of(texts, sound).tolist() == codes
        assert list(before)[: len(expected) - len(fresh)] == expected[: len(expected) - len(fresh)]
    same(found, expected)
    chosen = sorted(data.draw(st.sets(st.integers(0, len(expected) - 1)) if expected else st.just(set())))
    other = found.only(np.array(chosen, dtype=np.int32))
    same(other, [expected[code] for code in chosen])
    assert other.add("and so on") == len(chosen)
    assert [found.find("nobody has it"), *found.find_all(["nobody has it"])] == [-2]


def test_what_is_no_code_is_no_text() -> None:
    found = Vocabulary()
    for number in range(50):
        found.add(f"{number}")
    assert found.texts[-1] == "49"
    assert found.texts[40:60] == [f"{number}" for number in range(40, 50)]
    for code in (50, -51):
        with pytest.raises(IndexError):
            found.texts[code]


@given(st.lists(st.sets(st.integers(0, 20), max_size=4).map(list), max_size=150), st.data())
def test_tag_sets_are_their_codes(sets: list[list[int]], data: st.DataObject) -> None:
    """Equal sets share a number, in whatever order their codes come."""
    found = TagSets()
    expected: list[list[int]] = []
    for codes in sets:
        if sorted(codes) not in expected:
            expected.append(sorted(codes))
        assert found.add(codes) == expected.index(sorted(codes))
    gathered_equals(
        found, [[], *expected], np.arange(-1, len(expected)).astype(np.int8 if len(expected) < 128 else int)
    )
    numbers = sorted(data.draw(st.sets(st.integers(0, len(expected) - 1)) if expected else st.just(set())))
    other = TagSets()
    other.restore(*found.gather(np.array(numbers, dtype=np.int32)))
    assert [other.codes(number) for number in range(len(other))] == [expected[number] for number in numbers]
    assert other.add([19, 3, 20, 1, 5]) == len(numbers)


def gathered_equals(found: TagSets, expected: list[list[int]], numbers: np.ndarray[Any, Any]) -> None:
    offsets, codes = found.gather(numbers)
    assert offsets.dtype == np.int64
    assert codes.dtype == np.int32
    assert [codes[low:high].tolist() for low, high in pairwise(offsets)] == expected
