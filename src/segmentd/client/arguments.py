"""Arguments that protobuf could not hold are refused by their names, before anything is sent."""

from __future__ import annotations

import operator
from typing import Final

_SHOWN_BITS: Final = 200
_BITS: Final = {32: 2**31 - 1, 64: 2**63 - 1}


class ArgumentOutOfRange(ValueError):
    """An argument is a number that cannot be sent; the message names it."""


def whole(value: int, name: str, bits: int = 64) -> int:
    """The same number. Raises TypeError for what is no whole number, and ArgumentOutOfRange for more than `bits`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: {value!r} is no whole number") from None
    if not -_BITS[bits] <= number <= _BITS[bits]:
        raise ArgumentOutOfRange(f"{name}: {_short(number)} is out of range; {_BITS[bits]} is the most")
    return number


def _short(number: int) -> str:
    # Python refuses to write numbers of thousands of digits.
    return str(number) if number.bit_length() <= _SHOWN_BITS else f"a number of {number.bit_length()} bits"
