"""Local time: which local day, week, month, quarter or year an instant lies in, and where each begins.

Zones come from the tzdata package only, so that two processes with one installation always agree. Transitions
are known from SPAN_START to SPAN_END; earlier and later instants have the offset of the nearer end, so every
function is total and its answers are finite.
"""

from segmentd.zones.rows import LocalTime, Zones, zones_of_rows
from segmentd.zones.transitions import SPAN_END, SPAN_START, ZONES_VERSION
from segmentd.zones.units import Unit
from segmentd.zones.zone import UTC, Zone, zone_for

__all__ = [
    "SPAN_END",
    "SPAN_START",
    "UTC",
    "ZONES_VERSION",
    "LocalTime",
    "Unit",
    "Zone",
    "Zones",
    "zone_for",
    "zones_of_rows",
]
