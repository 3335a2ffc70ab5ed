"""Local time of one instant or day: the arithmetic of Zone on plain integers, remembered."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from segmentd.zones.units import Unit, add_months_to_days
from segmentd.zones.zone import Zone

_REMEMBERED = 16_384


@lru_cache(maxsize=_REMEMBERED)
def day_start(zone: Zone, day: int) -> int:
    """The first instant of a local day; see `Zone.day_start`."""
    return zone.day_start(np.array([day])).item(0)


@lru_cache(maxsize=_REMEMBERED)
def add_months(zone: Zone, instant: int, months: int) -> int:
    """The same local time that many months on; see `Zone.add_months`."""
    return zone.add_months(np.array([instant]), months).item(0)


@lru_cache(maxsize=_REMEMBERED)
def add_months_to_day(day: int, months: int) -> int:
    """The same day that many months on; see `add_months_to_days`."""
    return add_months_to_days(np.array([day]), months).item(0)


@lru_cache(maxsize=_REMEMBERED)
def unit_start(zone: Zone, unit: Unit, index: int) -> int:
    """The first instant of a unit; see `Zone.unit_start`."""
    return zone.unit_start(unit, np.array([index])).item(0)


@lru_cache(maxsize=_REMEMBERED)
def unit_index(zone: Zone, unit: Unit, instant: int) -> int:
    """The number of the unit that contains an instant; see `Zone.unit_index`."""
    return zone.unit_index(unit, np.array([instant])).item(0)
