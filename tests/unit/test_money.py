"""Money is the decimal that its number is written as, in millionths, whatever the number is."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from segmentd.population.kinds import MONEY_UNIT, Kind, encode

MICROS = st.integers(-(10**16), 10**16).map(lambda micros: micros / MONEY_UNIT)
FLOATS = st.floats(-(10**9), 10**9)
NEAR_HALVES = st.integers(-(10**12), 10**12).map(lambda micros: (2 * micros + 1) / (2 * MONEY_UNIT))


@given(MICROS | FLOATS | NEAR_HALVES)
@example(-0.0)
@example(0.1 + 0.2)
@example(1e-7)
@example(5e-7)
@example(99_999_999.999999)
@example(100_000_000.0)
def test_money_is_the_decimal_of_its_number(value: float) -> None:
    exact = Decimal(repr(value)) * MONEY_UNIT
    assert encode(Kind.MONEY, value) == int(exact.to_integral_value())
    assert type(encode(Kind.MONEY, value)) is int
