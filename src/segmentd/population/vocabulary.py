"""Texts and their codes: a column holds codes, its vocabulary the texts.

A few texts are a list and a dict, which is quickest; many are packed, which takes a third of the memory or less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.byte_strings import ByteStrings, Heap, Offsets
from segmentd.population.packed_texts import PackedTexts, decoded, encoded

FEW: Final = 4_096
"""So many texts are not packed."""
_ALONE: Final = 4
"""So many are given codes one by one."""


class Vocabulary:
    """Grows only; a code is the position of its text in `texts`. Code -1 means missing.

    One thread adds, any may read. Whoever holds `texts` has all that had a code by then.
    """

    __slots__ = ("_codes", "_few", "_strings", "texts")

    def __init__(self) -> None:
        self._codes: dict[str, int] | None = {}
        """None where the texts are packed."""
        self._few: list[str] = []
        self._strings: ByteStrings = _NONE
        self.texts: Sequence[str] = self._few

    def __len__(self) -> int:
        return len(self.texts)

    def add(self, text: str) -> int:
        """The code of `text`, given one if it is new."""
        codes = self._codes
        if codes is None:
            return self._strings.add(encoded(text))
        code = codes.get(text)
        if code is None:
            code = len(codes)
            self._few.append(text)
            codes[text] = code
            self._pack_if_many()
        return code

    def codes_of(self, texts: Sequence[str | None], sound: Callable[[str], bool]) -> NDArray[np.int32]:
        """The codes of many texts, int32 (n,), new ones given one; -1 for None and for what is not `sound`."""
        if len(texts) <= _ALONE:
            return np.array([-1 if each is None or not sound(each) else self.add(each) for each in texts], np.int32)
        codes = self._codes
        if codes is None:
            distinct = [text for text in dict.fromkeys(texts) if text is not None and sound(text)]
            numbers = self._strings.add_many(list(map(encoded, distinct)))
            if len(distinct) == len(texts):
                return np.array(numbers, dtype=np.int32)
            codes = dict(zip(distinct, numbers, strict=True))
        else:
            for text in dict.fromkeys(texts):
                if text is not None and text not in codes and sound(text):
                    self._few.append(text)
                    codes[text] = len(codes)
            self._pack_if_many()
        return np.fromiter(map(codes.get, texts, repeat(-1)), np.int32, len(texts))  # type: ignore[arg-type]

    def restore(self, heap: Heap, offsets: Offsets) -> None:
        """Hold these texts, each once and as `raw` gives them, in an empty vocabulary: their codes are their places."""
        if len(offsets) - 1 > FEW:
            self._strings = ByteStrings()
            self._strings.extend(heap, offsets)
            self.texts, self._codes = PackedTexts(self._strings), None
        else:
            self._few += decoded(heap.tobytes(), offsets.tolist())
            self._codes = dict(zip(self._few, range(len(self._few)), strict=True))

    def raw(self, codes: NDArray[np.integer[Any]]) -> tuple[Heap, Offsets]:
        """The texts of these codes, ascending, one after the other, and where each begins and the last ends."""
        if self._codes is None:
            return self._strings.gather(codes)
        texts = [encoded(self.texts[code]) for code in codes.tolist()]
        ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
        return np.frombuffer(b"".join(texts), np.uint8), np.append(0, ends)

    def only(self, codes: NDArray[np.integer[Any]]) -> Vocabulary:
        """A vocabulary of the texts of these codes, ascending; their codes there are their places here."""
        found = Vocabulary()
        found.restore(*self.raw(codes))
        return found

    def find(self, text: str) -> int:
        """The code of `text`; -2, which no row has, where nobody has it."""
        codes = self._codes
        if codes is None:
            number = self._strings.find(encoded(text))
            return number if number >= 0 else -2
        return codes.get(text, -2)

    def find_many(self, texts: Iterable[str]) -> NDArray[np.int32]:
        """The codes of many texts, int32 (n,); -2 where nobody has it."""
        codes = self._codes
        if codes is None:
            numbers = self._strings.find_many(list(map(encoded, texts)))
            numbers[numbers < 0] = -2
            return numbers
        return np.fromiter(map(codes.get, texts, repeat(-2)), np.int32)

    def find_all(self, texts: Iterable[str]) -> list[int]:
        """The codes of those texts that somebody has."""
        return [code for code in map(self.find, texts) if code >= 0]

    def texts_of(self, codes: list[int]) -> Iterator[str]:
        """The texts of many codes: quicker than one after the other where they are packed."""
        texts = self.texts
        return texts.some(codes) if isinstance(texts, PackedTexts) else map(texts.__getitem__, codes)

    def _pack_if_many(self) -> None:
        """Readers find a code by the one way or the other at any moment."""
        if len(self._few) > FEW:
            strings = ByteStrings()
            strings.add_many(list(map(encoded, self._few)))
            self._strings, self.texts = strings, PackedTexts(strings)
            self._codes, self._few = None, []


_NONE: Final = ByteStrings()
"""Stands where nothing is packed."""
