"""The operators that every attribute condition has, as parameters: `{at_least: 5}`, `{in: [DE, AT]}`."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, model_validator

from segmentd.conditions.operands import (
    BareSize,
    BoundsOperand,
    Choices,
    DurationOperand,
    FixedDurationOperand,
    MomentOperand,
    NumberOperand,
    PartsOperand,
    PatternOperand,
    SingleOperand,
    TextChoices,
    ThresholdOperand,
    VersionOperand,
    YesOperand,
)
from segmentd.conditions.prepared import Test
from segmentd.plugins.segment_type import Fault, Params
from segmentd.population.kinds import Kind

Compiled = tuple[tuple[tuple[str, Test], ...], tuple[Fault, ...]]
_CASELESS: Final = frozenset(
    [
        *("equals", "not_equals", "in", "not_in", "contains", "starts_with", "ends_with", "matches"),
        *("any_of", "all_of", "none_of"),
    ]
)
_RELATIVE: Final = frozenset(["within_last", "more_than_ago", "within_next", "anniversary"])


def operator(description: str, **more: Any) -> Any:
    """A field that may be left out, but not be null."""
    return Field(default=None, description=description, json_schema_extra=_without_default, **more)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class Operands(Params):
    """Operators beside one another; all that are given must hold, and at least one is given."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _one_at_least(self) -> Operands:
        if not self.operands():
            names = [field.alias or name for name, field in type(self).model_fields.items()]
            raise ValueError(f"write at least one of {', '.join(names)}")
        return self

    def operands(self) -> dict[str, Any]:
        """The operators given, by the names used in rules, and their operands."""
        fields = type(self).model_fields
        return {fields[name].alias or name: getattr(self, name) for name in fields if name in self.model_fields_set}


class Size(Operands):
    """How many tags there are; a bare number asks for exactly that many."""

    equals: NumberOperand = operator("Exactly so many.")
    not_equals: NumberOperand = operator("Any other number.")
    above: NumberOperand = operator("More than this.")
    at_least: NumberOperand = operator("This or more.")
    below: NumberOperand = operator("Fewer than this.")
    at_most: NumberOperand = operator("This or fewer.")
    between: Annotated[list[NumberOperand], Field(min_length=2, max_length=2)] = operator(
        "From the first number to the second, both included."
    )


class Anniversary(Operands):
    """When the month and day come round, in the user's time zone. One of the three is given."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    today: YesOperand = operator("During the local day itself.")
    within_next: FixedDurationOperand = operator(
        "The day begins in this time from now or less, or is today. At most 360d; days have 24 hours."
    )
    within_last: FixedDurationOperand = operator(
        "The day began less than this time ago (1d is today). At most 360d; days have 24 hours."
    )

    @model_validator(mode="after")
    def _only_one(self) -> Anniversary:
        if len(self.operands()) > 1:
            raise ValueError("write only one of today, within_next, within_last")
        return self


class Condition(Operands):
    """What an attribute's value must be; all operators given must hold.

    On a user without the attribute every operator but `missing` is false, `not_equals`, `not_in` and `none_of`
    too; `not` around a condition is its plain complement, and so true there. Nothing is coerced.
    """

    equals: SingleOperand = operator(
        'Has exactly this value: a number, text, true or false, a date ("1990-05-17") or an instant with its '
        "offset. False where the attribute is missing."
    )
    not_equals: SingleOperand = operator("Has another value than this. False where the attribute is missing.")
    in_: Choices = operator("Has one of these values. False where the attribute is missing.", alias="in")
    not_in: Choices = operator("Has a value that is none of these. False where the attribute is missing.")
    exists: YesOperand = operator("Has any value (an empty list of tags is one). False where missing.")
    missing: YesOperand = operator("Has no value. The only operator that is true where the attribute is missing.")
    above: ThresholdOperand = operator(
        'More than this. Text is compared as a version ("17.2"); what is no version is false. False where missing.'
    )
    at_least: ThresholdOperand = operator("This or more; text as `above` says. False where missing.")
    below: ThresholdOperand = operator("Less than this; text as `above` says. False where missing.")
    at_most: ThresholdOperand = operator("This or less; text as `above` says. False where missing.")
    between: BoundsOperand = operator(
        "From the first to the second, both included; text as `above` says. False where missing."
    )
    version_equals: VersionOperand = operator(
        "Text that is the same version: 17.2 is v17.2.0, and build metadata behind + does not count. "
        "False where missing or no version."
    )
    contains: PartsOperand = operator("Text that contains this, or one of these. False where missing.")
    starts_with: PartsOperand = operator("Text that begins with this, or one of these. False where missing.")
    ends_with: PartsOperand = operator("Text that ends with this, or one of these. False where missing.")
    matches: PatternOperand = operator(
        "Text in which this regular expression (RE2 syntax, at most 1,000 characters) is found anywhere: anchor it "
        "with ^ and $ for the whole. False where missing."
    )
    ignore_case: bool = operator(
        "Text and tags compare after Unicode case folding (`matches`: by RE2's own rules). Stands beside one of "
        "the operators on text or tags."
    )
    any_of: TextChoices = operator("Tags with one of these among them. False where missing.")
    all_of: TextChoices = operator("Tags with all of these among them. False where missing.")
    none_of: TextChoices = operator("Tags with none of these among them. False where missing.")
    size: Annotated[Size, BareSize] = operator(
        "How many distinct tags: a number, or operators on it. False where missing (an empty list has size 0)."
    )
    before: MomentOperand = operator("A date or instant earlier than this. False where missing.")
    after: MomentOperand = operator("A date or instant later than this. False where missing.")
    within_last: DurationOperand = operator(
        "A date or instant t at most so long ago: true at [t, t + duration). A date counts from its midnight in "
        "the user's time zone (else UTC), and months and years go by the calendar there. False where missing."
    )
    more_than_ago: DurationOperand = operator(
        "A date or instant t so long ago or longer: true from t + duration on; the rest as `within_last`. "
        "False where missing."
    )
    within_next: DurationOperand = operator(
        "A date or instant t ahead, but not farther than this: true at [t - duration, t); the rest as "
        "`within_last`. False where missing."
    )
    anniversary: Anniversary = operator(
        "The month and day of a date or instant come round, in the user's time zone (else UTC): {today: true}, "
        "{within_next: 7d} or {within_last: 7d}. 29 February counts on 1 March in other years. False where missing."
    )

    @model_validator(mode="after")
    def _case_of_something(self) -> Condition:
        given = self.operands()
        if not given.keys() - {"ignore_case"}:
            raise ValueError("ignore_case says how to compare; write an operator beside it")
        if "ignore_case" in given and not given.keys() & _CASELESS:
            raise ValueError(f"ignore_case stands beside one of {', '.join(sorted(_CASELESS))}")
        return self

    @cached_property
    def relative(self) -> bool:
        """Whether the answer changes as time passes, and depends on the time zone."""
        return not _RELATIVE.isdisjoint(self.operands())

    @cached_property
    def given(self) -> dict[str, Any]:
        """The operators that are tests of their own, and their operands."""
        return {name: operand for name, operand in self.operands().items() if name != "ignore_case"}

    @cached_property
    def compiled(self) -> dict[Kind, Compiled]:
        """Room for the tests by kind, filled by `judging`."""
        return {}
