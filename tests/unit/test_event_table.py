"""An event table holds, row by row, what a plain list of events sorted by time and arrival holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segmentd.population.event_table import EventTable
from segmentd.population.kinds import Kind
from segmentd.population.pieces import chosen, read

ROWS = 5
EVENTS = st.lists(st.tuples(st.integers(0, ROWS - 1), st.integers(0, 9), st.integers(0, 99)), max_size=120)
CHANGES_BETWEEN = st.sampled_from(["none", "compact", "clear", "shorten"])


def expected(events: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """By row, time and arrival."""
    return sorted(events, key=lambda event: event[:2])


def held(table: EventTable, name: str = "p") -> list[tuple[int, int, int]]:
    rows = np.arange(ROWS)
    offsets, positions = table.gather(rows)
    owners = np.repeat(rows, np.diff(offsets))
    values = table.columns[name].elements(positions)
    return [(int(r), int(t), int(v)) for r, t, v in zip(owners, table.times(positions), values, strict=True)]


def put(table: EventTable, name: str, ordered: list[tuple[int, int, int]]) -> None:
    """A whole column of the events of a table."""
    table.put(name, table.columns[name].codes([float(value) for _, _, value in ordered]))


def filled(events: list[tuple[int, int, int]]) -> EventTable:
    table = EventTable({"p": Kind.NUMBER}, ROWS)
    for row, time, value in events:
        table.add(row, time, {"p": float(value)})
    return table


@given(EVENTS)
def test_events_stand_by_time_and_arrival(events: list[tuple[int, int, int]]) -> None:
    assert held(filled(events)) == expected(events)


@given(EVENTS, EVENTS)
def test_a_loaded_table_takes_further_events(
    first: list[tuple[int, int, int]], then: list[tuple[int, int, int]]
) -> None:
    table = EventTable({"p": Kind.NUMBER}, ROWS)
    ordered = expected(first)
    rows, times = (np.array([event[i] for event in ordered], dtype=np.int64) for i in (0, 1))
    table.load(rows, times)
    put(table, "p", ordered)
    for row, time, value in then:
        table.add(row, time, {"p": float(value)})
    assert held(table) == expected([*first, *then])
    table.compact()
    assert held(table) == expected([*first, *then])


@given(EVENTS, EVENTS)
def test_a_property_that_comes_later_meets_its_events(
    events: list[tuple[int, int, int]], more: list[tuple[int, int, int]]
) -> None:
    table = filled(events)
    table.add_column("late", Kind.NUMBER)
    put(table, "late", expected(events))
    assert held(table, "late") == held(table) == expected(events)
    for row, time, value in more:
        table.add(row, time, {"p": float(value), "late": float(value)})
    assert held(table, "late") == held(table) == expected([*events, *more])


def added(table: EventTable, events: list[tuple[int, int, int]]) -> None:
    """The events as one group."""
    rows, times = (np.array([event[i] for event in events], dtype=np.int64) for i in (0, 1))
    table.add_many(rows, times, {"p": [float(value) for _, _, value in events]})


@given(st.lists(EVENTS, max_size=6))
def test_groups_of_events_stand_like_events_one_by_one(groups: list[list[tuple[int, int, int]]]) -> None:
    table = filled([])
    for group in groups:
        added(table, group)
    assert held(table) == expected([event for group in groups for event in group])


@given(EVENTS, EVENTS, CHANGES_BETWEEN)
def test_groups_meet_rows_that_were_changed(
    first: list[tuple[int, int, int]], then: list[tuple[int, int, int]], change: str
) -> None:
    table, known = filled(first), first
    match change:
        case "compact":
            table.compact()
        case "clear":
            table.clear(1)
            known = [event for event in known if event[0] != 1]
        case "shorten":
            rows, counts = np.unique([event[0] for event in known if event[1] < 5], return_counts=True)
            table.drop_first(rows.astype(np.int64), counts.astype(np.int64))
            known = [event for event in known if event[1] >= 5]
    added(table, then)
    assert held(table) == expected([*known, *then])
    assert len(table) == len(known) + len(then)


def test_groups_reclaim_rooms_that_were_left() -> None:
    table, known = filled([]), []
    for start in range(0, 20_000, 100):
        group = [((i * 7) % ROWS, (i * 31) % 10_000, i) for i in range(start, start + 100)]
        added(table, group)
        known += group
    assert held(table) == expected(known)
    assert len(table.columns["p"].data) < 6 * len(known)


def test_rooms_that_were_left_are_reclaimed() -> None:
    events = [(i % ROWS, i, i) for i in range(20_000)]
    table = filled(events)
    assert held(table) == expected(events)
    assert len(table.columns["p"].data) < 6 * len(events)


@given(EVENTS)
def test_a_span_of_rows_is_read_like_its_rows(events: list[tuple[int, int, int]]) -> None:
    table = filled(events)
    for _ in range(2):
        offsets, positions = table.gather(slice(1, 4))
        again, chosen = table.gather(np.array([1, 2, 3]))
        assert offsets.tolist() == again.tolist()
        assert table.times(positions).tolist() == table.times(chosen).tolist()
        table.compact()


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, ROWS - 1), st.integers(0, 9)),
        st.tuples(st.just("clear"), st.integers(0, ROWS - 1)),
        st.tuples(st.just("before"), st.integers(0, 9)),
        st.tuples(st.just("replace"), st.integers(0, ROWS - 1), st.lists(st.integers(0, 9), max_size=9)),
        st.tuples(st.just("compact")),
    ),
    max_size=60,
)


@given(EVENTS, CHANGES)
def test_rows_lose_events_and_are_replaced(events: list[tuple[int, int, int]], changes: list[tuple[Any, ...]]) -> None:
    table, known = filled(events), expected(events)
    for number, change in enumerate(changes):
        match change:
            case ("add", row, time):
                table.add(row, time, {"p": float(number)})
                known.append((row, time, number))
            case ("clear", row):
                table.clear(row)
                known = [each for each in known if each[0] != row]
            case ("before", time):
                rows, counts = np.unique([each[0] for each in known if each[1] < time], return_counts=True)
                table.drop_first(rows.astype(np.int64), counts.astype(np.int64))
                known = [each for each in known if each[1] >= time]
            case ("replace", row, times):
                times = sorted(times)
                table.replace(row, np.array(times, dtype=np.int64), {"p": [float(number)] * len(times)})
                known = [each for each in known if each[0] != row] + [(row, time, number) for time in times]
            case _:
                table.compact()
        known = expected(known)
        assert held(table) == known
        assert len(table) == len(known)
        assert [table.count(row) for row in range(ROWS)] == [
            sum(each[0] == row for each in known) for row in range(ROWS)
        ]


@given(EVENTS, st.lists(st.tuples(st.integers(0, 2 * ROWS - 1), st.integers(0, 9)), max_size=5), st.data())
def test_spans_are_read_like_their_rows_also_where_rows_came_later(
    events: list[tuple[int, int, int]], more: list[tuple[int, int]], data: st.DataObject
) -> None:
    table = EventTable({}, ROWS)
    ordered = expected(events)
    rows, times = (np.array([event[i] for event in ordered], dtype=np.int64) for i in (0, 1))
    table.load(rows, times)
    table.grow(2 * ROWS)
    for row, time in more:
        table.add(row, time, {})
    if data.draw(st.booleans()):
        table.clear(data.draw(st.integers(0, 2 * ROWS - 1)))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, 2 * ROWS), st.integers(0, 2 * ROWS))))
    offsets, positions = table.gather(slice(start, stop))
    again, chosen = table.gather(np.arange(start, stop))
    assert offsets.tolist() == again.tolist()
    assert table.times(positions).tolist() == table.times(chosen).tolist()
    assert all(time <= table.latest for time in table.times(chosen))


@given(
    st.lists(st.tuples(st.integers(0, ROWS - 1), st.integers(0, 9), st.integers(0, 99)), max_size=4),
    st.lists(st.integers(0, 199), max_size=5),
)
def test_rows_that_moved_are_read_with_those_that_did_not(events: list[tuple[int, int, int]], moved: list[int]) -> None:
    many = [(40 * row + shift, time, value) for row, time, value in events for shift in range(40)]
    table = EventTable({"p": Kind.NUMBER}, 40 * ROWS)
    ordered = expected(many)
    rows, times = (np.array([event[i] for event in ordered], dtype=np.int64) for i in (0, 1))
    table.load(rows, times)
    put(table, "p", ordered)
    for row in moved:
        table.add(row, 5, {"p": -1.0})
    for start, stop in ((0, 40 * ROWS), (3, 130), (7, 7)):
        offsets, positions = table.lie(slice(start, stop))
        again, index = table.gather(np.arange(start, stop))
        assert offsets.tolist() == again.tolist()
        for data in (table.columns["p"].data, table._times):
            assert read(data, positions).tolist() == data[index].tolist()
        places = np.arange(0, int(offsets[-1]), 3)
        assert isinstance(index, np.ndarray)
        assert chosen(positions, places).tolist() == index[places].tolist()
