"""Whole batches of values become the same elements as one value after the other."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segmentd.population.column import Column
from segmentd.population.elements import elements, stored
from segmentd.population.kinds import Kind

NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**12), 10**12).map(lambda each: each / 10_000_000),
    st.integers(-(10**10), 10**10).map(lambda each: each / 100),
)
INSTANTS = st.one_of(
    st.datetimes().map(lambda each: each.replace(microsecond=0).isoformat() + "Z"),
    st.datetimes().map(lambda each: each.isoformat() + "+01:30"),
    st.sampled_from(["0000-01-01T00:00:00Z", "2025-02-29T00:00:00Z", "2025-01-01T24:00:00Z", "2025-01-01 10:00:00Z"]),
)
TEXTS = st.one_of(st.text(max_size=3), st.dates().map(str), INSTANTS, st.just("x" * 65_537))
ANYTHING = st.one_of(
    st.none(), st.booleans(), NUMBERS, TEXTS, st.lists(st.one_of(TEXTS, st.integers(0, 1), st.booleans()), max_size=3)
)
BATCHES = st.one_of(
    *(
        st.lists(st.one_of(st.none(), each), max_size=6)
        for each in (NUMBERS, TEXTS, INSTANTS, st.booleans(), st.dates().map(str), st.lists(TEXTS, max_size=3))
    ),
    st.lists(ANYTHING, max_size=6),
)


def meaning(column: Column, data: Any) -> list[Any]:
    """What elements stand for."""
    if column.kind is Kind.TEXT:
        return [column.vocabulary.texts[code] if code >= 0 else None for code in data.tolist()]
    if column.kind is Kind.TAGS:
        offsets, codes = column.tag_sets.gather(data)
        sets = [[column.vocabulary.texts[code] for code in codes[low:high]] for low, high in pairwise(offsets)]
        return [sorted(each) if number >= 0 else None for each, number in zip(sets, data.tolist(), strict=True)]
    return [None if each != each else each for each in data.tolist()]  # noqa: PLR0124  (NaN)


@pytest.mark.parametrize("kind", list(Kind))
@given(batches=st.lists(BATCHES, min_size=1, max_size=3))
@example(batches=[[1.0000005, 0.0000005, 2.5e-7, 1e300, 10**400], [1.8e302]])
@example(batches=[[None, "a", "", "a", None], [["a", "b"], ["b", "a"], []]])
@example(batches=[["+026-11-21T10:00:00Z"], [" 026-11-21T10:00:00Z"], ["2026-11-21T10+00:00Z"]])
@example(batches=[["2025-01-01T10:00:00Z", None, "1999-12-31T23:59:59Z"], [[True], [1], ["1"]]])
def test_a_batch_is_its_values(kind: Kind, batches: list[list[Any]]) -> None:
    """Also for the second batch of a column, which knows texts by then."""
    fast, slow = Column(kind, 4), Column(kind, 4)
    for values in batches:
        found = elements(fast, values)
        expected = slow.codes([stored(kind, value) for value in values])
        assert found.dtype == expected.dtype == fast.dtype
        assert found.shape == (len(values),)
        assert meaning(fast, found) == meaning(slow, expected)


@given(st.lists(st.tuples(st.one_of(st.none(), NUMBERS), st.sampled_from([None, "1.1", "0.333"])), max_size=5))
def test_money_keeps_the_rate_of_its_ingest(values: list[tuple[Any, str | None]]) -> None:
    """Each amount is converted by its own rate."""
    fast, slow = Column(Kind.MONEY, 4), Column(Kind.MONEY, 4)
    amounts, rates = [each for each, _ in values], [rate for _, rate in values]
    expected = slow.codes([stored(Kind.MONEY, value, rate) for value, rate in values])
    np.testing.assert_array_equal(elements(fast, amounts, rates), expected)
