"""Arguments that cannot be sent are refused by their names, before anything is sent."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, Final, ParamSpec, SupportsIndex, TypeVar, get_args, get_origin, get_type_hints

P = ParamSpec("P")
A = TypeVar("A")

_SHOWN_BITS: Final = 200
_BITS: Final = {32: 2**31 - 1, 64: 2**63 - 1}
_WORDS: Final[Mapping[Any, str]] = {str: "text", int: "whole number"}
_HELD: Final[Mapping[Any, tuple[type[Any], ...]]] = {str: (str, bytes), int: (SupportsIndex,)}
"""What protobuf takes for a type, where that is more than its instances."""


class ArgumentOutOfRange(ValueError):
    """An argument is a number that cannot be sent; the message names it."""


def named(make: Callable[P, A]) -> Callable[P, A]:
    """The same function, whose TypeErrors name the argument.

    It refuses one text where a list of texts belongs, which Python would take for a list of letters.
    """
    kinds = get_type_hints(make)
    names = tuple(signature(make).parameters)
    lists = [(at, name) for at, name in enumerate(names) if kinds.get(name) in (Sequence[str], Iterable[str])]

    @wraps(make)
    def checked(*args: P.args, **kwargs: P.kwargs) -> A:
        for at, name in lists:
            value = args[at] if at < len(args) else kwargs.get(name)
            if isinstance(value, str):
                raise TypeError(f"{name}: {value!r} is one text; write a list, as in [{value!r}]")
        try:
            return make(*args, **kwargs)
        except TypeError as error:
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            raise _naming(error, given, kinds) from None

    return checked


def whole(value: int, name: str, bits: int = 64) -> int:
    """The same number. Raises TypeError for what is no whole number, and ArgumentOutOfRange for more than `bits`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: {value!r} is no whole number") from None
    if not -_BITS[bits] <= number <= _BITS[bits]:
        raise ArgumentOutOfRange(f"{name}: {_short(number)} is out of range; {_BITS[bits]} is the most")
    return number


def deadline(timeout: float) -> float:
    """The same seconds. Raises TypeError for what is no number, ValueError for one that is not above 0 and finite."""
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout: {timeout!r} is no number; write seconds")
    if not 0 < timeout < math.inf:
        raise ValueError(f"timeout: {timeout} is no time to wait for; write seconds, more than 0")
    return timeout


def _naming(error: TypeError, given: Mapping[str, Any], kinds: Mapping[str, Any]) -> TypeError:
    """The error that names the first argument of another type than it is declared with, or the same one."""
    if str(error).partition(":")[0] in given:
        return error
    for name, value in given.items():
        fault = _fault(value, kinds.get(name))
        if fault:
            return TypeError(f"{name}: {fault}")
    return error


def _fault(value: Any, kind: Any) -> str:
    """What is wrong with a value; empty where nothing is that can be said."""
    if get_origin(kind) in (Sequence, Iterable):
        if not isinstance(value, Iterable):
            return f"{value!r} is no list"
        [kind] = get_args(kind)
        return next(filter(None, (_fault(each, kind) for each in value)), "")
    if not isinstance(kind, type) or isinstance(value, _HELD.get(kind, (kind,))):
        return ""
    return f"{value!r} is no {_WORDS.get(kind, kind.__name__)}"


def _short(number: int) -> str:
    # Python refuses to write numbers of thousands of digits.
    return str(number) if number.bit_length() <= _SHOWN_BITS else f"a number of {number.bit_length()} bits"
