"""`attribute`: any attribute by name, with any operator that its kind has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field, RootModel, StringConstraints

from segmentd.api import (
    Condition,
    Fault,
    Instants,
    JudgeOne,
    Kinds,
    Model,
    Population,
    Readers,
    Reads,
    Reason,
    SegmentType,
    Verdict,
    all_or_none,
    check_condition,
    explain_condition,
    hookimpl,
    judge_conditions,
    one_condition,
    operators_of,
    reads_of_condition,
)

Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class AttributeParams(RootModel[Annotated[dict[Name, Condition], Field(min_length=1)]]):
    """Conditions by attribute name, nested names dotted: `{loyalty_points: {at_least: 500}}`. All must hold."""

    model_config = ConfigDict(strict=True, frozen=True)


class Attribute(SegmentType[AttributeParams]):
    """Compares attributes with values, or with the present."""

    name = "attribute"
    Params = AttributeParams

    def reads(self, params: AttributeParams) -> Reads:
        names = frozenset[str]().union(*(reads_of_condition(name, each) for name, each in params.root.items()))
        return Reads(names, clock=any(each.relative for each in params.root.values()))

    def check(self, params: AttributeParams, kinds: Kinds) -> Iterable[Fault]:
        return [
            Fault((name, *fault.path), fault.message)
            for name, condition in params.root.items()
            for fault in check_condition(kinds.attribute(name), condition)
        ]

    def evaluate(self, params: AttributeParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        return judge_conditions(users, params.root.items(), at)

    def for_one(self, params: AttributeParams, model: Model | None, readers: Readers) -> JudgeOne | None:
        return all_or_none(one_condition(readers, name, each) for name, each in params.root.items())

    def explain(
        self, params: AttributeParams, model: Model | None, users: Population, at: Instants
    ) -> tuple[Reason, ...]:
        return tuple(
            reason for name, each in params.root.items() for reason in explain_condition(users, name, each, at)
        )

    def attributes_table(self) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        return {"any attribute": ((), operators_of())}


@hookimpl
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """The plain type."""
    return [Attribute()]
