"""A column that is read through something has what that makes of each text."""

from __future__ import annotations

import numpy as np
import pytest

from segmentd.conditions.sources import read_through
from segmentd.population.typed import Category
from segmentd.population.vocabulary import Vocabulary


@pytest.mark.parametrize("size", [0, 3, 3_000, 6_000])
def test_each_text_is_what_is_read_from_it(size: int) -> None:
    """However many there are: none is forgotten before it is stored."""
    vocabulary, texts = Vocabulary(), [f"text {number}" for number in range(size)]
    codes = np.append(vocabulary.codes_of(texts, lambda _: True), -1).astype(np.int32)
    column = read_through(Category(codes[::-1], vocabulary), lambda text: None if text.endswith("7") else text.upper())
    expected = [None, *(None if text.endswith("7") else text.upper() for text in texts[::-1])]
    assert [column.value(place) for place in range(size + 1)] == expected
