"""Many users' events are counted by words of bits and say what a walk over each user's events says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segmentd.api import FOREVER, Kind, Verdict, counted_events, zone_for
from segmentd.conditions import counting
from segmentd.conditions.windows import Rolling
from segmentd.testing import GivenUser, event, instant, judge, population, user
from segmentd.times import HOUR, parse_duration
from segmentd_types.behavioral.segment_type import Behavioral

NOW = instant("2026-11-21T10:00:00Z")
WINDOW = 24 * HOUR
TIMES = st.sampled_from([-2 * WINDOW, -WINDOW - 1, -WINDOW, -WINDOW + 1, -HOUR, -1, 0, 1, HOUR])
EVENTS = st.lists(st.tuples(TIMES, st.sampled_from([None, 1, 2, 3])), max_size=90)
COUNTS: list[dict[str, Any]] = [
    {"at_least": 1},
    {"at_least": 3},
    {"at_most": 2},
    {"equals": 0},
    {"equals": 2},
    {"between": [2, 40]},
    {"not_in": [1, 3, 5]},
    {"above": 60},
]


def people(events: list[list[tuple[int, int | None]]]) -> list[GivenUser]:
    return [
        user(f"u{row}", {}, *(event("e", NOW + time, {} if n is None else {"n": n}) for time, n in each))
        for row, each in enumerate(events)
    ]


def answer(operators: dict[str, Any], count: int) -> bool:
    ((name, wanted),) = operators.items()
    holds: dict[str, Callable[[], bool]] = {
        "at_least": lambda: count >= wanted,
        "at_most": lambda: count <= wanted,
        "above": lambda: count > wanted,
        "equals": lambda: count == wanted,
        "between": lambda: wanted[0] <= count <= wanted[1],
        "not_in": lambda: count not in wanted,
    }
    return holds[name]()


def walked(events: list[tuple[int, int | None]], least: int | None, operators: dict[str, Any]) -> tuple[bool, int]:
    """Whether the number of events satisfies, and when that first changes as they expire or appear."""
    passing = [NOW + time for time, n in events if least is None or (n is not None and n >= least)]
    ends = sorted(time + WINDOW for time in passing if time <= NOW < time + WINDOW)
    now = answer(operators, len(ends))
    turns = [end for place, end in enumerate(ends) if answer(operators, len(ends) - place - 1) != now]
    hidden = [NOW + time for time, _ in events if time > 0]
    return now, min([*turns[:1], *hidden], default=FOREVER)


@given(
    st.lists(EVENTS, min_size=1, max_size=6),
    st.sampled_from(COUNTS),
    st.sampled_from([None, 2]),
    st.sampled_from([0, 4096]),
)
def test_counts_in_a_window_and_until_when_they_hold(
    events: list[list[tuple[int, int | None]]], operators: dict[str, Any], least: int | None, many: int
) -> None:
    where = {} if least is None else {"where": {"n": {"at_least": least}}}
    params = {"event": "e", "within": "24h", "count": operators, **where}
    view = population(people(events), NOW, properties={("e", "n"): Kind.NUMBER})
    with mock.patch.object(counting, "_MANY", many):
        verdict: Verdict = judge(Behavioral(), params, view)
    expected = [walked(each, least, operators) for each in events]
    assert list(zip(verdict.member.tolist(), verdict.holds_until.tolist(), strict=True)) == expected


@given(st.lists(EVENTS, min_size=1, max_size=6), st.data())
def test_what_is_asked_of_marked_events_is_what_is_asked_of_listed_ones(
    events: list[list[tuple[int, int | None]]], data: st.DataObject
) -> None:
    view = population(people(events), NOW)
    seen, window, utc = view.events("e"), Rolling(parse_duration("24h")), zone_for("UTC")
    passing = np.array(data.draw(st.lists(st.booleans(), min_size=len(seen), max_size=len(seen))), dtype=np.bool_)
    listed = counted_events(seen, window, view.at, utc, passing)
    with mock.patch.object(counting, "_MANY", 0):
        marked = counted_events(seen, window, view.at, utc, passing)
    for name in ("offsets", "positions", "expires", "sizes", "rows"):
        assert getattr(marked, name).tolist() == getattr(listed, name).tolist()
    assert marked.first_expiry().tolist() == listed.first_expiry().tolist()
    kept = listed.positions % 2 == 0
    assert marked.only(kept).positions.tolist() == listed.only(kept).positions.tolist()
