"""Texts and their codes: a column holds int32 codes, its vocabulary the texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray


class Vocabulary:
    """Grows only; a code is the position of its text. Code -1 means missing."""

    __slots__ = ("_codes", "texts")

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self.texts: list[str] = []

    def __len__(self) -> int:
        return len(self.texts)

    def add(self, text: str) -> int:
        """The code of `text`, given one if it is new."""
        code = self._codes.setdefault(text, len(self.texts))
        if code == len(self.texts):
            self.texts.append(text)
        return code

    def codes_of(self, texts: Sequence[str | None], sound: Callable[[str], bool]) -> NDArray[np.int32]:
        """The codes of many texts, int32 (n,), new ones given one; -1 for None and for what is not `sound`."""
        codes = self._codes
        for text in dict.fromkeys(texts):
            if text is not None and text not in codes and sound(text):
                codes[text] = len(self.texts)
                self.texts.append(text)
        return np.fromiter(map(codes.get, texts, repeat(-1)), np.int32, len(texts))  # type: ignore[arg-type]

    def restore(self, texts: list[str]) -> None:
        """Hold these texts, each once, in an empty vocabulary: their codes are their places."""
        self.texts = texts
        self._codes = dict(zip(texts, range(len(texts)), strict=True))

    def find(self, text: str) -> int:
        """The code of `text`; -2, which no row has, where nobody has it."""
        return self._codes.get(text, -2)

    def find_all(self, texts: Iterable[str]) -> list[int]:
        """The codes of those texts that somebody has."""
        return [self._codes[text] for text in texts if text in self._codes]
