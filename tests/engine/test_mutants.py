"""The planted faults fit the code as it stands; `make mutants` shows that each is caught."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.engine.mutant import Mutant
from tests.engine.mutants import MUTANTS

SOURCE = Path(__file__).parents[2] / "src" / "segmentd"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.why)
def test_a_mutant_has_exactly_one_place(mutant: Mutant) -> None:
    text = (SOURCE / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.original) == 1
    compile(text.replace(mutant.original, mutant.planted), mutant.file, "exec")


def test_there_are_many_and_no_two_alike() -> None:
    assert len(MUTANTS) >= 25
    assert max(Counter((each.file, each.original, each.planted) for each in MUTANTS).values()) == 1
