"""The table of all operators: name → kind of the values → how it is prepared.

To add one: write its preparation in the family of its kind, and its operand and meaning as a field of `Condition`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from segmentd.conditions.anniversary import ANNIVERSARY
from segmentd.conditions.comparisons import COMPARISONS
from segmentd.conditions.prepared import Family, Prepare
from segmentd.conditions.presence import PRESENCE
from segmentd.conditions.relative import RELATIVE
from segmentd.conditions.tagged import TAGS
from segmentd.conditions.text import TEXT
from segmentd.population.kinds import Kind


def _merged(families: tuple[Family, ...]) -> dict[str, dict[Kind, Prepare]]:
    table: dict[str, dict[Kind, Prepare]] = {}
    for family in families:
        for name, kinds in family.items():
            table.setdefault(name, {}).update(kinds)
    return table


OPERATORS: Final[Mapping[str, Mapping[Kind, Prepare]]] = _merged(
    (PRESENCE, COMPARISONS, TEXT, TAGS, RELATIVE, ANNIVERSARY)
)


def operators_of(*kinds: Kind) -> tuple[str, ...]:
    """The operators that apply to values of any of these kinds; all operators if none is given."""
    return tuple(name for name, table in OPERATORS.items() if not kinds or any(kind in table for kind in kinds))
