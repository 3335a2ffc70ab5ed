"""`exists` and `missing`, for values of every kind."""

from __future__ import annotations

import numpy as np

from segmentd.conditions.prepared import Family, Lasting, Test, presence
from segmentd.population.kinds import Kind
from segmentd.population.typed import Columns, Mask


def _exists(_kind: Kind, _operand: bool, _ignore_case: bool) -> Test:
    return Lasting(presence, lambda _: True)


def _missing(_kind: Kind, _operand: bool, _ignore_case: bool) -> Test:
    def member(columns: Columns, name: str) -> Mask:
        return np.logical_not(presence(columns, name))

    return Lasting(member, lambda _: False, missing=True)


PRESENCE: Family = {"exists": dict.fromkeys(Kind, _exists), "missing": dict.fromkeys(Kind, _missing)}
