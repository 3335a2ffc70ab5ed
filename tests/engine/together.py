"""Small tests are judged one user at a time; this has them judged as many users are."""

from __future__ import annotations

import pytest

from segmentd.engine import reevaluate
from segmentd.service import evaluated, seen


def only_arrays(patch: pytest.MonkeyPatch) -> None:
    """However few users there are."""
    for module in (reevaluate, seen, evaluated):
        patch.setattr(module, "FEW", 0)
