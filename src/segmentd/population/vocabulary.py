"""Texts and their codes: a column holds int32 codes, its vocabulary the texts."""

from __future__ import annotations

from collections.abc import Iterable


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

    def find(self, text: str) -> int:
        """The code of `text`; -2, which no row has, where nobody has it."""
        return self._codes.get(text, -2)

    def find_all(self, texts: Iterable[str]) -> list[int]:
        """The codes of those texts that somebody has."""
        return [self._codes[text] for text in texts if text in self._codes]
