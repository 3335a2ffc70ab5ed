"""Marks count and find events as a walk over them does."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segmentd.conditions.marks import Marks

MARKED = st.one_of(
    st.lists(st.booleans(), max_size=300),
    st.builds(
        lambda size, places: [i in places for i in range(size)], st.integers(0, 700), st.sets(st.integers(0, 700))
    ),
)


@given(MARKED)
def test_marked_events_are_counted_up_to_every_place(marked: list[bool]) -> None:
    places = np.arange(len(marked) + 1)
    found = Marks(np.array(marked, dtype=np.bool_)).before(places)
    assert found.tolist() == [sum(marked[:place]) for place in places]
    assert found.dtype == np.int64


@given(MARKED)
def test_the_newest_of_them_are_found(marked: list[bool]) -> None:
    asked = [
        (end, number, place)
        for end in range(len(marked) + 1)
        for number, place in enumerate([i for i in range(end) if marked[i]][::-1], 1)
    ]
    asked = asked[:: max(1, len(asked) // 500)]
    ends, numbers, places = (np.array([each[i] for each in asked], dtype=np.int64) for i in range(3))
    assert Marks(np.array(marked, dtype=np.bool_)).newest(ends, numbers).tolist() == places.tolist()
