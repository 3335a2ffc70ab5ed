"""A column is as narrow as its values allow, and says of them what a list of them would say, at every border."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.population.column import Column
from segmentd.population.kinds import Kind
from segmentd.population.stored_values import StoredValues
from segmentd.population.views import ColumnsView

ROWS = 6
BORDERS = sorted(
    {sign * (2**bits) + near for bits in (7, 8, 15, 16, 31, 32) for sign in (1, -1) for near in (-1, 0, 1)}
)
WHOLE = st.one_of(st.sampled_from(BORDERS), st.integers(-3, 3))
NUMBERS = st.one_of(
    WHOLE.map(float), st.sampled_from([-0.0, 0.5, -128.5, 127.5, 1e300, -1e300, 2.0**53, 5e-324]), st.none()
)
VALUES = {
    Kind.NUMBER: NUMBERS,
    Kind.MONEY: st.one_of(WHOLE, st.sampled_from([10**15, -(10**15)]), st.none()),
    Kind.DATE: st.one_of(st.sampled_from([each for each in BORDERS if abs(each) < 10**6]), st.none()),
    Kind.FLAG: st.sampled_from([0, 1, None]),
    Kind.INSTANT: st.one_of(WHOLE, st.none()),
}
RELATIONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
WRITES = st.sampled_from(sorted(VALUES)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.lists(st.lists(st.tuples(st.integers(0, ROWS - 1), VALUES[kind]), min_size=1, max_size=4), max_size=5),
    )
)


def written(kind: Kind, writes: list[list[tuple[int, Any]]], *, together: bool) -> tuple[Column, list[Any]]:
    """A column after these writes, each of some positions; and a list after the same."""
    column, expected = Column(kind, ROWS), [None] * ROWS
    for each in writes:
        values = dict(each)
        for position, value in values.items():
            expected[position] = value
        if together:
            column.put(np.array([*values], dtype=np.int64), column.fresh_codes([*values.values()]))
        else:
            for position, value in values.items():
                column.put_one(position, column.code(value))
    return column, expected


def exactly(value: Any) -> Any:
    """Something that is equal for values that nobody can tell apart: minus zero is not zero."""
    return None if value is None else (float(value), math.copysign(1, value))


@given(WRITES, st.booleans())
def test_a_column_holds_what_was_written_last(writes: tuple[Kind, Any], together: bool) -> None:
    column, expected = written(*writes, together=together)
    assert [exactly(column.value(row)) for row in range(ROWS)] == [exactly(each) for each in expected]
    elements = column.elements(slice(None))
    assert elements.dtype == column.dtype
    again = Column(column.kind, ROWS)
    again.put(slice(0, ROWS), elements)
    assert [exactly(again.value(row)) for row in range(ROWS)] == [exactly(each) for each in expected]
    column.grow(2 * ROWS)
    assert [column.value(row) for row in range(ROWS, 2 * ROWS)] == [None] * ROWS
    column.clear(slice(0, ROWS))
    assert [column.value(row) for row in range(ROWS)] == [None] * ROWS


@given(WRITES)
def test_one_by_one_and_together_are_equally_wide(writes: tuple[Kind, Any]) -> None:
    one, _ = written(*writes, together=False)
    many, _ = written(*writes, together=True)
    assert one.data.dtype == many.data.dtype
    assert one.data.tobytes() == many.data.tobytes()


@given(WRITES, st.data())
def test_comparisons_are_those_of_the_values(writes: tuple[Kind, Any], data: st.DataObject) -> None:
    kind = writes[0]
    column, values = written(*writes, together=True)
    operands: st.SearchStrategy[Any] = VALUES[kind].filter(lambda value: value is not None)
    if kind is Kind.NUMBER:
        operands = st.one_of(operands, st.sampled_from(BORDERS).map(lambda each: each + 0.5))
    wanted, other = data.draw(operands), data.draw(operands)
    found = StoredValues(kind, column.data)
    assert found.present.tolist() == [value is not None for value in values]
    for relation in RELATIONS:
        expected = [value is not None and relation(value, wanted) for value in values]
        assert found.related(relation, wanted).tolist() == expected
    low, high = sorted((wanted, other))
    assert found.between(low, high).tolist() == [value is not None and low <= value <= high for value in values]
    choices = data.draw(st.lists(operands, min_size=1, max_size=20))
    among = found.among(np.unique(np.array(choices, dtype=np.float64 if kind is Kind.NUMBER else np.int64)))
    assert among.tolist() == [value is not None and value in choices for value in values]


@given(WRITES)
def test_values_are_in_full(writes: tuple[Kind, Any]) -> None:
    kind = writes[0]
    column, expected = written(*writes, together=True)
    found = StoredValues(kind, column.data)
    dtype = {Kind.NUMBER: np.float64, Kind.FLAG: np.bool_}.get(kind, np.int64)
    assert found.values.dtype == dtype
    here = [exactly(value) for value in found.values[found.present].tolist()]
    assert here == [exactly(value) for value in expected if value is not None]


@pytest.mark.parametrize(
    ("kind", "values", "width"),
    [
        (Kind.NUMBER, [-127.0, 127.0, None], np.int8),
        (Kind.NUMBER, [-128.0], np.int16),
        (Kind.NUMBER, [128.0], np.int16),
        (Kind.NUMBER, [-32768.0], np.int32),
        (Kind.NUMBER, [2.0**31 - 1, -(2.0**31) + 1], np.int32),
        (Kind.NUMBER, [-(2.0**31)], np.float64),
        (Kind.NUMBER, [0.5], np.float64),
        (Kind.NUMBER, [-0.0], np.float64),
        (Kind.MONEY, [2**31 - 1], np.int32),
        (Kind.MONEY, [-(2**31)], np.int64),
        (Kind.DATE, [-32767, 32767], np.int16),
        (Kind.DATE, [-719162], np.int32),
        (Kind.TEXT, [f"text {each}" for each in range(128)], np.int8),
        (Kind.TEXT, [f"text {each}" for each in range(129)], np.int16),
        (Kind.TAGS, [(f"tag {each}",) for each in range(129)], np.int16),
    ],
)
def test_a_column_is_as_narrow_as_can_be(kind: Kind, values: list[Any], width: type) -> None:
    together, each = Column(kind, 200), Column(kind, 200)
    together.put(slice(0, len(values)), together.fresh_codes(values))
    for position, value in enumerate(values):
        each.put_one(position, each.code(value))
    assert together.data.dtype == each.data.dtype == width


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.TAGS])
@pytest.mark.parametrize("size", [127, 128, 129, 32_767, 32_768, 32_769])
def test_texts_are_told_apart_at_the_borders_of_codes(kind: Kind, size: int) -> None:
    texts = [f"{each}" for each in range(size)]
    column = Column(kind, size + 1)
    stored: list[Any] = [*texts] if kind is Kind.TEXT else [(each,) for each in texts]
    column.put(slice(0, size), column.fresh_codes(stored))
    columns = ColumnsView({"x": column}, slice(None), size + 1)
    wanted = texts[-3:] + texts[:2] + ["nobody has it"]
    if kind is Kind.TEXT:
        category = columns.category("x")
        assert category.codes.dtype == np.int32
        assert category.texts() == [*texts, None]
        for few in (wanted, [*wanted, *texts[10:60]]):
            assert np.flatnonzero(category.isin(few)).tolist() == sorted(int(each) for each in few if each.isdecimal())
        assert np.flatnonzero(category.where(lambda text: text in wanted)).tolist() == sorted(map(int, wanted[:-1]))
        assert np.flatnonzero(category.equals(texts[-1])).tolist() == [size - 1]
        assert category.present.tolist() == [True] * size + [False]
    else:
        assert columns.tags("x").sets() == [*({each} for each in texts), None]


def test_a_view_keeps_its_values_while_a_column_becomes_wider() -> None:
    column = Column(Kind.NUMBER, 3)
    column.put(slice(0, 2), np.array([1.0, np.nan]))
    before = StoredValues(Kind.NUMBER, column.data)
    column.put_one(2, 1000.0)
    column.put_one(1, 0.5)
    assert before.present.tolist() == [True, False, False]
    assert before.values[0] == 1
    assert [column.value(row) for row in range(3)] == [1.0, 0.5, 1000.0]


def test_codes_that_no_row_has_yet_are_sought_in_a_narrow_column() -> None:
    """A vocabulary may know more texts than the column's integers can count."""
    column = Column(Kind.TEXT, 100)
    column.put(slice(0, 100), column.fresh_codes([f"{each}" for each in range(100)]))
    column.codes([f"{each}" for each in range(300)])
    category = ColumnsView({"x": column}, slice(None), 100).category("x")
    assert np.flatnonzero(category.isin(["299", "7"])).tolist() == [7]
    assert np.flatnonzero(category.isin([f"{each}" for each in range(60, 300)])).tolist() == list(range(60, 100))
    assert not category.equals("299").any()
