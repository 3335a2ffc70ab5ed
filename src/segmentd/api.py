"""All that a plugin needs. Import this and numpy, nothing else of segmentd."""

from segmentd.conditions.anniversary import YearlyDay, year_of
from segmentd.conditions.catalogue import AttributeParameter, Catalogue, CatalogueParams, Parameter
from segmentd.conditions.condition import Condition
from segmentd.conditions.counting import Counted, computed_column, counted_events, instants_of_events
from segmentd.conditions.judging import (
    accepts_numbers,
    check_condition,
    explain_condition,
    judge_condition,
    reads_of_condition,
    show_operand,
    show_value,
    user_zones,
)
from segmentd.conditions.one_value import all_or_none, one_condition, one_value, one_zone, verdict_without
from segmentd.conditions.operators import operators_of
from segmentd.conditions.per_row import row_maximum, row_minimum, row_sum
from segmentd.conditions.sources import Source, select
from segmentd.conditions.together import judge_conditions
from segmentd.conditions.windows import USER_ZONE, Calendar, Length, OneWindow, Period, Window, Windowed, ZoneName
from segmentd.plugins.consumer import Batch, Consumer, MembershipChange, Refused, Retries, TryAgain
from segmentd.plugins.derivation import Derivation
from segmentd.plugins.hookspecs import hookimpl
from segmentd.plugins.segment_type import Fault, Kinds, Model, Params, Reads, Reason, SegmentType
from segmentd.population.deferred import deferred
from segmentd.population.kinds import MONEY_UNIT, Json, Kind
from segmentd.population.one_user import JudgeOne, LeftToEvaluate, OneEvents, OneProperty, OneUser
from segmentd.population.one_verdict import ALWAYS, NEVER, OneVerdict, all_of
from segmentd.population.readers import Reader, Readers
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
    "ALWAYS",
    "DAY",
    "FOREVER",
    "HOUR",
    "MAX_INSTANT",
    "MINUTE",
    "MIN_INSTANT",
    "MONEY_UNIT",
    "NEVER",
    "SECOND",
    "USER_ZONE",
    "UTC",
    "WEEK",
    "AttributeParameter",
    "Batch",
    "Calendar",
    "Catalogue",
    "CatalogueParams",
    "Category",
    "Columns",
    "Condition",
    "Consumer",
    "Counted",
    "Derivation",
    "Duration",
    "Events",
    "Fault",
    "Instants",
    "Json",
    "JudgeOne",
    "Kind",
    "Kinds",
    "LeftToEvaluate",
    "Length",
    "LocalTime",
    "Mask",
    "MembershipChange",
    "Micros",
    "Model",
    "OneEvents",
    "OneProperty",
    "OneUser",
    "OneVerdict",
    "OneWindow",
    "Parameter",
    "Params",
    "Period",
    "Place",
    "Population",
    "Reader",
    "Readers",
    "Reads",
    "Reason",
    "Refused",
    "Retries",
    "SegmentType",
    "Source",
    "Tags",
    "TryAgain",
    "Unit",
    "Values",
    "Verdict",
    "Window",
    "Windowed",
    "YearlyDay",
    "Zone",
    "ZoneName",
    "Zones",
    "accepts_numbers",
    "all_of",
    "all_or_none",
    "check_condition",
    "computed_column",
    "counted_events",
    "deferred",
    "explain_condition",
    "format_instant",
    "hookimpl",
    "instants_of_events",
    "judge_condition",
    "judge_conditions",
    "one_condition",
    "one_value",
    "one_zone",
    "operators_of",
    "parse_duration",
    "parse_instant",
    "reads_of_condition",
    "row_maximum",
    "row_minimum",
    "row_sum",
    "select",
    "show_operand",
    "show_value",
    "user_zones",
    "verdict_without",
    "year_of",
    "zone_for",
    "zones_of_rows",
]
