"""Operators on what is counted in whole units, each as a half-open interval of integers."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Final, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from segmentd.api import Mask, Params, parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LOWEST: Final = -(2**63)
HIGHEST: Final = 2**63 - 1
Interval = tuple[int, int]
"""[low, high); LOWEST and HIGHEST stand for no bound."""


def fixed_duration(text: str) -> str:
    """A duration of s, m, h, d or w. Raises ValueError: a month is not the same length for everybody."""
    if parse_duration(text).months:
        raise ValueError("write an age in s, m, h, d or w: months and years differ in length")
    return text


Number = Annotated[float, Field(allow_inf_nan=False)]
FixedDuration = Annotated[str, AfterValidator(fixed_duration)]


class Bounds(Params):
    """Operators beside one another; all that are given must hold, and at least one is given."""

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if not any(True for _ in self.given()):
            raise ValueError(f"write at least one of {', '.join(type(self).model_fields)}")
        return self

    def given(self) -> Iterator[tuple[str, str, Interval]]:
        """Each operator given, with its operand as text and the interval that satisfies it."""
        for operator in type(self).model_fields:
            operand = getattr(self, operator)
            if operand is not None:
                yield operator, shown(operand), self._interval(operator, operand)

    @cached_property
    def interval(self) -> Interval:
        """What satisfies all operators."""
        intervals = [interval for _, _, interval in self.given()]
        return max(low for low, _ in intervals), min(high for _, high in intervals)

    def holds(self, values: NDArray[np.int64]) -> Mask:
        """Where int64 values, in the units of the interval, satisfy all operators."""
        return within(values, self.interval)

    def _interval(self, operator: str, operand: object) -> Interval:
        raise TypeError(f"{type(self).__name__} has no operators of its own")


class Counts(Bounds):
    """Operators on a count or a score."""

    equals: Number | None = Field(None, description="Exactly this.")
    above: Number | None = Field(None, description="More than this.")
    at_least: Number | None = Field(None, description="This or more.")
    below: Number | None = Field(None, description="Less than this.")
    at_most: Number | None = Field(None, description="This or less.")
    between: Annotated[list[Number], Field(min_length=2, max_length=2)] | None = Field(
        None, description="From the first to the second, both included."
    )

    def _interval(self, operator: str, operand: object) -> Interval:
        return number_interval(operator, operand, 1)


class Amounts(Counts):
    """Operators on money, in units of the base currency."""

    def _interval(self, operator: str, operand: object) -> Interval:
        return number_interval(operator, operand, 1_000_000)


class Ages(Bounds):
    """Operators on the time since the last order; an age exactly at a bound is `at_least` that old."""

    above: FixedDuration | None = Field(None, description="Longer ago than this.")
    at_least: FixedDuration | None = Field(None, description="This long ago or longer.")
    below: FixedDuration | None = Field(None, description="Less long ago than this.")
    at_most: FixedDuration | None = Field(None, description="This long ago or less.")

    def _interval(self, operator: str, operand: object) -> Interval:
        return number_interval(operator, parse_duration(str(operand)).micros, 1)


def number_interval(operator: str, operand: object, unit: int) -> Interval:
    """The integers, counted in 1/unit, that satisfy one operator. The decimals of the operand are exact."""
    if operator in ("equals", "between"):
        low, high = operand if isinstance(operand, list) else (operand, operand)
        return _scaled(low, unit)[1], _scaled(high, unit)[0] + 1
    floor, ceiling = _scaled(operand, unit)
    return {
        "above": (floor + 1, HIGHEST),
        "at_least": (ceiling, HIGHEST),
        "below": (LOWEST, ceiling),
        "at_most": (LOWEST, floor + 1),
    }[operator]


def shown(operand: object) -> str:
    """An operand as a rule has it: whole numbers without decimals."""
    if isinstance(operand, list):
        return " to ".join(map(shown, operand))
    return f"{operand:.0f}" if isinstance(operand, float) and operand.is_integer() else str(operand)


def within(values: NDArray[np.int64], interval: Interval) -> Mask:
    """Where int64 values lie in [low, high)."""
    low, high = interval
    return np.asarray((values >= max(low, LOWEST)) & (values < min(high, HIGHEST)))


def _scaled(operand: object, unit: int) -> tuple[int, int]:
    """The floor and the ceiling of operand · unit, within int64."""
    exact = Decimal(str(operand)) * unit
    return _bounded(math.floor(exact)), _bounded(math.ceil(exact))


def _bounded(number: int) -> int:
    return max(LOWEST + 1, min(HIGHEST - 1, number))
