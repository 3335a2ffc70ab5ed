"""Declarations that are yet to be made, by which an edit is tried that comes after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from segmentd.population.kinds import Kind
from segmentd.population.schema import Schema
from segmentd.times import Micros


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Kinds of attributes, and for how long events are kept, in microseconds; None is for ever."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    keeps: Mapping[str, Micros | None] = field(default_factory=dict)

    def schema(self, known: Schema) -> Schema:
        """What is known, with these kinds."""
        return known.assuming(self.kinds) if self.kinds else known

    def kept(self, known: Mapping[str, Micros]) -> Mapping[str, Micros]:
        """For how long events are kept then; those kept for ever are left out."""
        return {name: keep for name, keep in {**known, **self.keeps}.items() if keep is not None}


NOTHING: Final = Assumptions()
"""All is as it is."""
