"""Arguments that cannot be sent are refused by their names, before anything is sent."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from inspect import signature
from types import NoneType, UnionType
from typing import Any, Final, ParamSpec, SupportsFloat, SupportsIndex, TypeVar, get_args, get_origin, get_type_hints

P = ParamSpec("P")
A = TypeVar("A")

_SHOWN_BITS: Final = 200
_BITS: Final = {32: 2**31 - 1, 64: 2**63 - 1}
_WORDS: Final[Mapping[Any, str]] = {str: "text", int: "whole number", float: "number"}
_HELD: Final[Mapping[Any, tuple[type[Any], ...]]] = {
    str: (str, bytes),
    int: (SupportsIndex,),
    float: (SupportsFloat, SupportsIndex),
}
"""What protobuf takes for a type, where that is more than its instances."""
_NOT_GIVEN: Final = object()


class ArgumentRefused(ValueError):
    """An argument cannot be sent; the message names it."""


class ArgumentOutOfRange(ArgumentRefused):
    """The same for a number."""


def named(make: Callable[P, A]) -> Callable[P, A]:
    """The same function, whose TypeErrors and ValueErrors name the argument.

    It refuses one text where a list of texts belongs, which Python would take for a list of letters, and None and bytes
    where a text does.
    """
    kinds = get_type_hints(make)
    names = tuple(signature(make).parameters)
    lists = [(at, name) for at, name in enumerate(names) if kinds.get(name) in (Sequence[str], Iterable[str])]
    scalars = [(at, name, kinds[name]) for at, name in enumerate(names) if kinds.get(name) in (str, int)]

    @wraps(make)
    def checked(*args: P.args, **kwargs: P.kwargs) -> A:
        for at, name in lists:
            value = args[at] if at < len(args) else kwargs.get(name)
            if isinstance(value, str):
                raise TypeError(f"{name}: {value!r} is one text; write a list, as in [{value!r}]")
        for at, name, kind in scalars:
            value = args[at] if at < len(args) else kwargs.get(name, _NOT_GIVEN)
            # Protobuf takes None for a field that is not set, and bytes for text.
            if value is None or (kind is str and isinstance(value, bytes)):
                raise TypeError(f"{name}: {value!r} is no {_WORDS[kind]}")
        try:
            return make(*args, **kwargs)
        except (TypeError, ValueError) as error:
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            better = _naming(error, given, kinds)
            if better is None:
                raise
            raise better from None

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


def length(seconds: float, name: str) -> float:
    """The same seconds. Raises TypeError for what is no number, ValueError for one that is not above 0 and finite."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{name}: {seconds!r} is no number; write seconds")
    if not 0 < seconds < math.inf:
        raise ValueError(f"{name}: {seconds} is no time to wait for; write seconds, more than 0")
    return seconds


def _naming(error: Exception, given: Mapping[str, Any], kinds: Mapping[str, Any]) -> Exception | None:
    """An error that names the first argument at fault; None where none is to be seen, or the error names it."""
    if str(error).partition(":")[0] in given:
        return None
    fault = _wrong_type if isinstance(error, TypeError) else _wrong_value
    # To most messages None says that a field is not set: it comes last.
    for name, value in sorted(given.items(), key=lambda argument: argument[1] is None):
        for each, kind in _parts(value, kinds.get(name)):
            found = fault(name, each, kind, str(error))
            if found is not None:
                return found
    return None


def _parts(value: Any, kind: Any) -> Iterator[tuple[Any, Any]]:
    """What is in a list, each with the type that it is declared with; or the value itself."""
    origin, within = get_origin(kind), get_args(kind)
    if origin is UnionType and NoneType in within:
        if value is not None:
            others = [each for each in within if each is not NoneType]
            yield from _parts(value, others[0] if len(others) == 1 else Any)
    elif origin in (Sequence, Iterable) and isinstance(value, Iterable):
        if not isinstance(value, Iterator):  # what can be read but once is for whoever sends it
            for each in value:
                yield from _parts(each, within[0])
    else:
        yield value, kind


def _wrong_type(name: str, value: Any, kind: Any, _words: str) -> Exception | None:
    if get_origin(kind) in (Sequence, Iterable):
        return TypeError(f"{name}: {value!r} is no list")
    if not isinstance(kind, type) or isinstance(value, _HELD.get(kind, (kind,))):
        return None
    return TypeError(f"{name}: {value!r} is no {_WORDS.get(kind, kind.__name__)}")


def _wrong_value(name: str, value: Any, kind: Any, words: str) -> Exception | None:
    if isinstance(value, str) and not _is_unicode(value):
        return ArgumentRefused(f"{name}: {value!r} is not Unicode text (a lone surrogate)")
    if kind is int and isinstance(value, int) and _overflows(value, words):
        return ArgumentOutOfRange(f"{name}: {_short(value)} is out of range")
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _overflows(number: int, words: str) -> bool:
    """Whether an error is about this number, as protobuf writes it, or it is too large for any field."""
    return abs(number) > _BITS[64] or words.endswith(f": {number}")


def _short(number: int) -> str:
    # Python refuses to write numbers of thousands of digits.
    return str(number) if number.bit_length() <= _SHOWN_BITS else f"a number of {number.bit_length()} bits"
