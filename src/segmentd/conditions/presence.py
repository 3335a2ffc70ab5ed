"""`exists` and `missing`, for values of every kind."""

from __future__ import annotations

import numpy as np

from segmentd.conditions.prepared import Family, Test, lasting, presence
from segmentd.population.kinds import Kind


def _exists(_kind: Kind, _operand: bool, _ignore_case: bool) -> Test:
    return lasting(presence)


def _missing(_kind: Kind, _operand: bool, _ignore_case: bool) -> Test:
    return lasting(lambda columns, name: np.logical_not(presence(columns, name)))


PRESENCE: Family = {"exists": dict.fromkeys(Kind, _exists), "missing": dict.fromkeys(Kind, _missing)}
