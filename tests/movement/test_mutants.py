"""The planted faults fit the code as it stands; `make mutants` shows that each is caught."""

from __future__ import annotations

import pytest
from tests.engine.mutant import Mutant
from tests.engine.test_mutants import SOURCE
from tests.movement.mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.why)
def test_a_mutant_has_exactly_one_place(mutant: Mutant) -> None:
    text = (SOURCE / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.original) == 1
    compile(text.replace(mutant.original, mutant.planted), mutant.file, "exec")
