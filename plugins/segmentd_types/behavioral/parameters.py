"""The parameters of a behavioral condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from segmentd.api import Condition, Fault, Kind, Kinds, Windowed, check_condition

AMOUNTS: Final = (Kind.NUMBER, Kind.MONEY)
Name = Annotated[str, Field(min_length=1, max_length=1_000)]


def _applies_to(kind: Kind) -> Callable[[Condition], Condition]:
    """Refuse operators that values of this kind do not have."""

    def validate(condition: Condition) -> Condition:
        faults = check_condition(kind, condition)
        if faults:
            raise ValueError("; ".join(fault.message for fault in faults))
        return condition

    return validate


def _no_negative(condition: Condition) -> Condition:
    """A number of events or days is never negative, so comparing one with less than 0 is a slip."""
    for name, operand in condition.operands().items():
        numbers = operand if isinstance(operand, list | tuple) else [operand]
        if any(isinstance(each, int | float) and each < 0 for each in numbers):
            raise ValueError(f"{name}: a count is never negative")
    return condition


class PropertyCondition(Condition):
    """A property of the events, and beside it what its total must be."""

    property: Name

    def operands(self) -> dict[str, Any]:
        """The operators given; the property is none."""
        return {name: operand for name, operand in super().operands().items() if name != "property"}


OfCount = Annotated[Condition, AfterValidator(_applies_to(Kind.NUMBER)), AfterValidator(_no_negative)]
OfInstant = Annotated[Condition, AfterValidator(_applies_to(Kind.INSTANT))]
OfProperty = Annotated[PropertyCondition, AfterValidator(_applies_to(Kind.NUMBER))]
ONCE: Final = Condition.model_validate({"at_least": 1})


class BehavioralParams(Windowed):
    """What users did, and how much of it. All measures given must hold; none means that they did it at least once."""

    event: Name = Field(description="The name of the event.")
    where: Mapping[Name, Condition] = Field(
        default={}, description="Only events whose properties satisfy all of these; one without a property does not."
    )
    count: OfCount | None = Field(default=None, description="How many events there are; 0 for a user without any.")
    sum: OfProperty | None = Field(
        default=None, description="The sum of a number or of money (in the base currency); 0 without any."
    )
    average: OfProperty | None = Field(
        default=None,
        description="The mean of the events that have the property; money is rounded down to millionths. "
        "Missing without any.",
    )
    min: OfProperty | None = Field(default=None, description="The least value; missing without any.")
    max: OfProperty | None = Field(default=None, description="The greatest value; missing without any.")
    distinct: OfProperty | None = Field(
        default=None, description="How many different values a property has; of tags, how many different tags."
    )
    distinct_days: OfCount | None = Field(
        default=None, description="On how many local days there are events, in the condition's time zone."
    )
    first: OfInstant | None = Field(
        default=None, description="When the first one was, as {within_last: 7d}; missing without any."
    )
    last: OfInstant | None = Field(
        default=None, description="When the last one was, as {more_than_ago: 90d}; missing without any."
    )

    def counted(self) -> Condition | None:
        """The condition on the number of events; once at least where no measure is given."""
        measures = (
            self.sum,
            self.average,
            self.min,
            self.max,
            self.distinct,
            self.distinct_days,
            self.first,
            self.last,
        )
        return ONCE if self.count is None and not any(measures) else self.count

    def totals(self) -> Iterator[tuple[str, PropertyCondition]]:
        """The measures of one property's amounts, by name."""
        for name in ("sum", "average", "min", "max"):
            condition = getattr(self, name)
            if condition is not None:
                yield name, condition

    def properties(self) -> frozenset[str]:
        """Every property that is read."""
        totals = {condition.property for _, condition in self.totals()}
        return frozenset({*self.where, *totals, *([self.distinct.property] if self.distinct else [])})

    def needs_zone(self) -> bool:
        """Whether local time, in the condition's zone, matters."""
        moments = any(each is not None and each.relative for each in (self.first, self.last))
        return self.window_needs_zone() or self.distinct_days is not None or moments

    def faults(self, kinds: Kinds) -> Iterator[Fault]:
        """What cannot apply to the kinds that the event's properties have."""
        for name, condition in self.where.items():
            kind = kinds.event_property(self.event, name)
            yield from _below(("where", name), check_condition(kind, condition))
        for measure, total in self.totals():
            kind = kinds.event_property(self.event, total.property)
            if kind is None or kind in AMOUNTS:
                yield from _below((measure,), check_condition(kind, total))
            else:
                message = f"{total.property} is {kind}; {measure} needs a number or money"
                yield Fault((measure, "property"), message)


def _below(path: tuple[str | int, ...], faults: tuple[Fault, ...]) -> Iterator[Fault]:
    for fault in faults:
        yield Fault((*path, *fault.path), fault.message)
