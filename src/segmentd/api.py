"""All that a plugin needs. Import this and numpy, nothing else of segmentd."""

from segmentd.plugins.derivation import Derivation
from segmentd.plugins.hookspecs import hookimpl
from segmentd.plugins.segment_type import Fault, Kinds, Model, Params, Reads, Reason, SegmentType
from segmentd.population.kinds import MONEY_UNIT, Json, Kind
from segmentd.population.typed import Category, Columns, Events, Mask, Place, Population, Tags, Values
from segmentd.population.verdict import Verdict
from segmentd.times import (
    DAY,
    FOREVER,
    HOUR,
    MAX_INSTANT,
    MIN_INSTANT,
    MINUTE,
    SECOND,
    WEEK,
    Duration,
    Instants,
    Micros,
    format_instant,
    parse_duration,
    parse_instant,
)
from segmentd.zones import UTC, LocalTime, Unit, Zone, Zones, zone_for, zones_of_rows

__all__ = [
    "DAY",
    "FOREVER",
    "HOUR",
    "MAX_INSTANT",
    "MINUTE",
    "MIN_INSTANT",
    "MONEY_UNIT",
    "SECOND",
    "UTC",
    "WEEK",
    "Category",
    "Columns",
    "Derivation",
    "Duration",
    "Events",
    "Fault",
    "Instants",
    "Json",
    "Kind",
    "Kinds",
    "LocalTime",
    "Mask",
    "Micros",
    "Model",
    "Params",
    "Place",
    "Population",
    "Reads",
    "Reason",
    "SegmentType",
    "Tags",
    "Unit",
    "Values",
    "Verdict",
    "Zone",
    "Zones",
    "format_instant",
    "hookimpl",
    "parse_duration",
    "parse_instant",
    "zone_for",
    "zones_of_rows",
]
