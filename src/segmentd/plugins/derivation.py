"""The contract of a derivation: attributes that follow from other attributes when a profile is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from segmentd.population.kinds import Json, Kind


class Derivation(ABC):
    """Pure and versioned. A derived value is used only where nothing was given for any output of its group."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """Grows when results change; then all profiles are derived again."""
    inputs: ClassVar[tuple[str, ...]]
    groups: ClassVar[tuple[tuple[str, ...], ...]]
    """The outputs, in groups that make sense together only (`os.name` with `os.version`)."""
    outputs: ClassVar[Mapping[str, Kind]]

    @abstractmethod
    def derive(self, values: Mapping[str, Json]) -> Mapping[str, Json]:
        """The outputs that follow from the inputs present in `values`; leave out what does not follow."""
