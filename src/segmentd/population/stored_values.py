"""Values as a column stores them: what is asked of them is worked out when it is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentd.population.kinds import Kind
from segmentd.population.typed import Mask, Values


class StoredValues(Values[Any]):
    """`stored` (n,) as the column has it, missing included; `values` and `present` follow from it.

    What stands for missing is below every value and equals none, so that `==`, `>` and `>=` against a value are
    false there, and with the not-a-number of Kind.NUMBER `<` and `<=` too.
    """

    __slots__ = ("_kind", "_missing", "stored")

    def __init__(self, kind: Kind, stored: NDArray[Any], missing: float) -> None:
        self._values = self._present = None
        self._kind = kind
        self._missing = missing
        self.stored = stored

    @property
    def present(self) -> Mask:
        """Where there is a value, bool (n,)."""
        found = self._present
        if found is None:
            stored = self.stored
            found = self._present = np.asarray(
                stored == stored if self._kind is Kind.NUMBER else stored != self._missing  # noqa: PLR0124  (NaN)
            )
            found.flags.writeable = False
        return found

    @property
    def values(self) -> NDArray[Any]:
        """The values; 0 where an integer is missing, so that arithmetic cannot leave its range."""
        found = self._values
        if found is None:
            found = self._values = self._worked_out()
            found.flags.writeable = False
        return found

    def _worked_out(self) -> NDArray[Any]:
        match self._kind:
            case Kind.NUMBER:
                return self.stored
            case Kind.FLAG:
                return np.asarray(self.stored > 0)
            case _:
                return self.stored if self.present.all() else self.stored * self.present
