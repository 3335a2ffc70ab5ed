"""A column holds what a list of values holds, and of texts only those that it holds."""

from __future__ import annotations

import random

import numpy as np
import pytest

from segmentd.population.column import Column
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


@pytest.mark.parametrize(
    ("kind", "first", "then"), [(Kind.TEXT, "a", "b"), (Kind.NUMBER, 1, 2.5), (Kind.TAGS, ("a",), ())]
)
@pytest.mark.parametrize("size", [1, 3, 40])
def test_attributes_of_many_are_set_like_those_of_each(kind: Kind, first: Stored, then: Stored, size: int) -> None:
    choice, each, together = random.Random(size), Dataset(), Dataset()
    for row in range(50):
        each.add_user(f"u{row}")
        together.add_user(f"u{row}")
    for _ in range(30):
        rows = choice.sample(range(50), size)
        users = {
            row: {name: choice.choice([None, (kind, first), (kind, then)]) for name in choice.sample(["x", "y"], 1)}
            for row in rows
        }
        for row, values in users.items():
            each.set_attributes(row, values)
        together.set_attributes_of(users)
        assert together.profiles_written == each.profiles_written
        for name in each.columns.keys() | together.columns.keys():
            expected, found = each.columns[name], together.columns[name]
            assert meanings(found) == meanings(expected)


def meanings(column: Column) -> list[object]:
    """What the elements stand for, whatever their codes are."""
    if column.kind is Kind.NUMBER:
        return [str(each) for each in column.elements(slice(None)).tolist()]
    texts = column.vocabulary.texts
    if column.kind is Kind.TEXT:
        return [texts[code] if code >= 0 else None for code in column.data.tolist()]
    numbers = column.data.astype(np.int32)
    offsets, codes = column.tag_sets.gather(numbers)
    return [
        None if number < 0 else tuple(texts[code] for code in codes[start:stop])
        for number, start, stop in zip(numbers.tolist(), offsets.tolist(), offsets.tolist()[1:], strict=False)
    ]


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


def test_a_dataset_that_fits_grows_on() -> None:
    """It has room for few more than it holds, keeps who was removed, and takes as many as come."""
    dataset = Dataset()
    dataset.add_users([f"u{row}" for row in range(5_000)])
    dataset.remove(4_999)
    dataset.fit()
    dataset.set_attributes(4_998, {"x": (Kind.NUMBER, 1)})
    assert len(dataset.columns["x"].data) < 5_200
    for row in range(5_000, 6_000):
        dataset.add_user(f"u{row}")
    dataset.set_attributes(5_999, {"x": (Kind.NUMBER, 2)})
    assert [dataset.columns["x"].value(row) for row in (4_997, 4_998, 5_999)] == [None, 1, 2]
    assert [row for row in range(6_000) if dataset.is_gone(row)] == [4_999]
