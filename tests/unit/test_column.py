"""A column holds what a list of values holds, and of texts only those that it holds."""

from __future__ import annotations

import random

import pytest

from segmentd.population.dataset import Dataset
from segmentd.population.kinds import Kind, Stored

ROWS = 7


def values_of(dataset: Dataset, kind: Kind) -> list[object]:
    users = dataset.everyone(0)
    return [*users.category("x").texts()] if kind is Kind.TEXT else [*users.tags("x").sets()]


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.TAGS])
def test_values_that_change_all_the_time_leave_no_texts_behind(kind: Kind) -> None:
    dataset, choice = Dataset(), random.Random(0)
    for row in range(ROWS):
        dataset.add_user(f"u{row}")
    expected: list[object] = [None] * ROWS
    for turn in range(20_000):
        row = choice.randrange(ROWS)
        texts = (f"{turn}", f"{turn + 1}", "always")
        value: Stored | None = None if turn % 11 == 0 else texts[0] if kind is Kind.TEXT else texts
        dataset.set_attributes(row, {"x": None if value is None else (kind, value)})
        expected[row] = frozenset(value) if isinstance(value, tuple) else value
        if turn % 500 == 0:
            assert values_of(dataset, kind) == expected
    assert values_of(dataset, kind) == expected
    column = dataset.columns["x"]
    most = 2 * len(column.data) + 1025
    assert len(column.tag_sets) <= most
    assert len(column.vocabulary) <= 2 * most


def test_a_view_keeps_its_texts_while_a_column_forgets() -> None:
    dataset = Dataset()
    dataset.add_user("u")
    dataset.set_attributes(0, {"x": (Kind.TEXT, "first")})
    before = dataset.everyone(0).category("x")
    for turn in range(10_000):
        dataset.set_attributes(0, {"x": (Kind.TEXT, f"{turn}")})
    assert dataset.everyone(0).category("x").texts() == ["9999"]
    assert before.vocabulary.texts[0] == "first"


def test_properties_of_events_are_numbered_anew_with_their_rooms() -> None:
    """The codes of an event table move about; all that it holds stay what they are."""
    dataset = Dataset()
    dataset.add_user("u")
    table = dataset.tables["E"] = dataset.new_table({"x": Kind.TEXT})
    times = [*range(3_000)]
    random.Random(1).shuffle(times)
    for time in times:
        table.add(0, time, {"x": f"at {time}"})
    assert dataset.everyone(5_000).events("E").category("x").texts() == [f"at {time}" for time in range(3_000)]
