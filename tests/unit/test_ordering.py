"""Events are brought into the order of a table as a plain sort would."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segmentd.population.ordering import event_order
from segmentd.times import MAX_INSTANT, MIN_INSTANT

TIMES = st.one_of(st.integers(0, 2), st.integers(0, 10**6), st.integers(MIN_INSTANT, MAX_INSTANT))
ROWS = st.one_of(st.integers(0, 2), st.integers(0, 2**31 - 1))


@given(st.lists(st.tuples(ROWS, TIMES), max_size=30))
def test_events_lie_by_row_time_and_arrival(events: list[tuple[int, int]]) -> None:
    """Also where row and time have more bits than one integer."""
    rows, times = (np.array([each[place] for each in events], dtype=np.int64) for place in (0, 1))
    order = event_order(rows, times)
    expected = sorted(range(len(events)), key=lambda place: events[place])
    assert (list(range(len(events))) if order is None else order.tolist()) == expected
