"""Packed texts as a sequence of texts.

In bytes they are UTF-8, lone surrogates like any character: whatever Python has as a text comes back as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Final, overload

from segmentd.population.byte_strings import ByteStrings

_PIECE: Final = 4_096
"""So many are texts at a time."""
_DENSE: Final = 4
"""Where one in so many of a stretch is asked for, all of it is decoded at once."""
_FORM: Final = ("utf-8", "surrogatepass")


class PackedTexts(Sequence[str]):
    """Texts by code. It grows with what it shows."""

    __slots__ = ("_strings",)

    def __init__(self, strings: ByteStrings) -> None:
        self._strings = strings

    def __len__(self) -> int:
        return len(self._strings)

    @overload
    def __getitem__(self, code: int) -> str: ...
    @overload
    def __getitem__(self, code: slice) -> list[str]: ...
    def __getitem__(self, code: int | slice) -> str | list[str]:
        if isinstance(code, slice):
            return list(self.some([*range(*code.indices(len(self)))]))
        return self._strings[code if code >= 0 else code + len(self)].decode(*_FORM)

    def __iter__(self) -> Iterator[str]:
        size = len(self)
        pieces = ([*range(start, min(start + _PIECE, size))] for start in range(0, size, _PIECE))
        return chain.from_iterable(map(self._piece, pieces))

    def some(self, codes: list[int]) -> Iterator[str]:
        """The texts of these codes."""
        pieces = (codes[start : start + _PIECE] for start in range(0, len(codes), _PIECE))
        return chain.from_iterable(map(self._piece, pieces))

    def _piece(self, codes: list[int]) -> list[str]:
        low, high = min(codes), max(codes) + 1
        if high - low > _DENSE * len(codes):
            return [self[code] for code in codes]
        texts = decoded(*self._strings.stretch(low, high))
        return texts if codes == [*range(low, high)] else [texts[code - low] for code in codes]


def encoded(text: str) -> bytes:
    """The bytes of a text."""
    return text.encode(*_FORM)


def decoded(raw: bytes, offsets: list[int]) -> list[str]:
    """The texts that lie one after the other in these bytes."""
    if raw.isascii():
        joined = raw.decode("ascii")
        return [joined[low:high] for low, high in pairwise(offsets)]
    return [raw[low:high].decode(*_FORM) for low, high in pairwise(offsets)]
