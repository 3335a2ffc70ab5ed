"""The parameters of rfm conditions."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from segmentd.api import (
    MINUTE,
    UTC,
    Json,
    LocalTime,
    Mask,
    Params,
    Population,
    Windowed,
    parse_duration,
    user_zones,
    zone_for,
)
from segmentd_types.rfm.bounds import Ages, Amounts, Counts, FixedDuration, Number, number_interval
from segmentd_types.rfm.maps import (
    CLEVERTAP,
    COMPATIBLE,
    NEVER_PURCHASED,
    OTHERS,
    Group,
    GroupMap,
    GroupName,
    from_grid,
    from_groups,
)
from segmentd_types.rfm.scoring import Cuts

TIME_ZONE: Final = "timezone"
_JUDGED: Final = ("segment", "r", "f", "m", "orders", "spend", "average_order_value", "recency")
_FITTED: Final = (
    "events", "properties", "within", "during", "from_", "until", "periods", "time_zone", "scoring", "map", "grid",
    "groups", "otherwise",
)  # fmt: skip


_DEFAULT_MAPS: Final = {"quantile": "clevertap", "compatible": "compatible"}


class EventNames(Params):
    """The events that are orders, and those that take them back."""

    completed: str = Field("Order Completed", min_length=1, description="An order.")
    refunded: str | None = Field("Order Refunded", min_length=1, description="Money given back; null for none.")
    cancelled: str | None = Field("Order Cancelled", min_length=1, description="The same; null for none.")

    def names(self) -> list[str]:
        """The event of orders, and then those of returns."""
        return [self.completed, *dict.fromkeys(name for name in (self.refunded, self.cancelled) if name)]


class PropertyNames(Params):
    """The properties that are read of these events."""

    amount: list[Annotated[str, Field(min_length=1)]] = Field(
        ["revenue", "total"], min_length=1, description="The money; the first that an event has counts."
    )
    order_id: str = Field("order_id", min_length=1, description="Which order it is, or takes back.")


def _event_names() -> EventNames:
    return EventNames.model_validate({})


def _property_names() -> PropertyNames:
    return PropertyNames.model_validate({})


class CutPoints(Params):
    """Four boundaries for each score; a value exactly at one belongs to the higher score, an age to the older."""

    r: Annotated[list[FixedDuration], Field(min_length=4, max_length=4)] = Field(
        description="Ages, youngest first: [30d, 90d, 180d, 365d] gives score 5 below 30 days, 1 from 365 days."
    )
    f: Annotated[list[Number], Field(min_length=4, max_length=4)] = Field(description="Numbers of orders.")
    m: Annotated[list[Number], Field(min_length=4, max_length=4)] = Field(description="Spend.")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        ages = [parse_duration(age).micros for age in self.r]
        for name, values in (("r", ages), ("f", self.f), ("m", self.m)):
            if list(values) != sorted(values):
                raise ValueError(f"the boundaries of {name} are written in ascending order")
        return self

    @cached_property
    def cuts(self) -> Cuts:
        """The same in whole units."""
        return Cuts.of(
            {
                "r": [parse_duration(age).micros for age in self.r],
                "f": [number_interval("at_least", number, 1)[0] for number in self.f],
                "m": [number_interval("at_least", number, 1_000_000)[0] for number in self.m],
            }
        )


class Refit(Params):
    """When the model is fitted again by itself; it is also when the number of scored users has doubled."""

    every: FixedDuration = Field(description="So long after the last fit; a minute at least: 1d, 12h.")

    @field_validator("every")
    @classmethod
    def _a_minute_at_least(cls, every: str) -> str:
        if parse_duration(every).micros < MINUTE:
            raise ValueError("a model is fitted again every minute at most: write 1m or more")
        return every


def listed(value: object) -> object:
    """One name is a list of one."""
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(listed, json_schema_input_type=str | list[str])]
Row = Annotated[list[GroupName], Field(min_length=5, max_length=5)]


class RfmParams(Windowed):
    """What is asked of a user's orders; all that is given must hold, and at least one thing is asked.

    `within`, `during`, `from`, `until` and `periods` say which orders and refunds count; none: all.
    """

    events: EventNames = Field(default_factory=_event_names, description="Which events are orders and returns.")
    properties: PropertyNames = Field(default_factory=_property_names, description="Which properties are read.")
    scoring: Literal["quantile", "compatible"] = Field(
        "quantile", description="How scores are learned from all users; compatible: as the R package rfm does."
    )
    cuts: CutPoints | None = Field(None, description="Own boundaries instead of learned ones.")
    map: Literal["clevertap", "compatible"] | None = Field(
        None, description="Which names the groups have; by default that of the scoring, else clevertap."
    )
    grid: Annotated[list[Row], Field(min_length=5, max_length=5)] | None = Field(
        None, description="Own names by recency (rows 5 to 1) and frequency (columns 1 to 5)."
    )
    groups: Annotated[list[Group], Field(min_length=1, max_length=125)] | None = Field(
        None, description="Own groups by ranges of scores; the first that fits."
    )
    otherwise: GroupName = Field(OTHERS, description="The group of those whom none of `groups` fits.")
    refit: Refit | None = Field(None, description="When the scores are learned again by themselves.")
    segment: Names | None = Field(
        None, min_length=1, description=f"Is in this group, or in one of these; {NEVER_PURCHASED!r} is always one."
    )
    r: Counts | None = Field(None, description="Recency score, 1 to 5; false without an order.")
    f: Counts | None = Field(None, description="Frequency score, 1 to 5; false without an order.")
    m: Counts | None = Field(None, description="Monetary score, 1 to 5; false without an order.")
    orders: Counts | None = Field(None, description="Number of orders; 0 without one.")
    spend: Amounts | None = Field(None, description="Revenue minus refunds; 0 without either.")
    average_order_value: Amounts | None = Field(None, description="Spend an order; false without an order.")
    recency: Ages | None = Field(None, description="Time since the last order; false without an order.")

    @field_validator("segment")
    @classmethod
    def _known_groups(cls, names: list[str] | None, info: ValidationInfo) -> list[str] | None:
        """Refuse a name that the map does not have; faults of the map itself are reported by its own fields."""
        needed = ("scoring", "map", "grid", "groups", "otherwise")
        if names is None or any(key not in info.data for key in needed):
            return names
        known = (*_group_map(*(info.data[key] for key in needed)).names, NEVER_PURCHASED)
        for name in names:
            if name not in known:
                raise ValueError(f"{name!r} is no group of the map; there are {', '.join(known)}")
        return names

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if all(getattr(self, name) is None for name in _JUDGED):
            raise ValueError(f"write at least one of {', '.join(_JUDGED)}")
        if sum(each is not None for each in (self.map, self.grid, self.groups)) > 1:
            raise ValueError("there is one map: give only one of map, grid, groups")
        if self.cuts is not None and "scoring" in self.model_fields_set:
            raise ValueError("scores are learned by scoring or given by cuts: write one of them")
        if self.refit is not None and (self.cuts is not None or not self.needs_scores):
            raise ValueError("refit stands beside scores that are learned: there is nothing to fit again here")
        if "otherwise" in self.model_fields_set and self.groups is None:
            raise ValueError("otherwise stands beside groups")
        return self

    @cached_property
    def group_map(self) -> GroupMap:
        """The map that names the groups."""
        return _group_map(self.scoring, self.map, self.grid, self.groups, self.otherwise)

    @cached_property
    def wanted_cells(self) -> Mask:
        """The cells of the map that belong to the groups asked for, bool (5, 5, 5)."""
        return self.group_map.cells_of(self.segment or ())

    @property
    def needs_scores(self) -> bool:
        """Whether some answer depends on scores."""
        named = self.segment is not None and set(self.segment) != {NEVER_PURCHASED}
        return named or any(each is not None for each in (self.r, self.f, self.m))

    def fit_parameters(self) -> dict[str, Json]:
        """What a model depends on; equal where it means the same."""
        chosen: dict[str, Json] = self.model_dump(mode="json", include=set(_FITTED))
        if self.grid is None and self.groups is None:
            chosen["map"] = self.map or _DEFAULT_MAPS[self.scoring]
        return chosen

    def zones(self, users: Population) -> LocalTime:
        """In whose time the window's months and days are meant."""
        if not self.window_needs_zone():
            return UTC
        return user_zones(users) if self.reads_zone() else zone_for(self.zone_name())

    def reads_zone(self) -> bool:
        """Whether the users' own time zones matter."""
        return self.window_needs_zone() and self.zone_name() == "user"


def _group_map(
    scoring: str,
    chosen: str | None,
    grid: list[Row] | None,
    groups: list[Group] | None,
    otherwise: str,
) -> GroupMap:
    if grid is not None:
        return from_grid(grid)
    if groups is not None:
        return from_groups(groups, otherwise)
    return COMPATIBLE if (chosen or _DEFAULT_MAPS[scoring]) == "compatible" else CLEVERTAP
