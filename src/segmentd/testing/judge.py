"""Judging as the engine does it: a guarded population, and a verdict cut where a hidden event appears."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from segmentd.population.guard import GuardedPopulation
from segmentd.times import Micros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentd.plugins.segment_type import Model, SegmentType
    from segmentd.population.verdict import Verdict
    from segmentd.population.views import UsersView


def judge(
    segment_type: SegmentType[Any],
    params: Mapping[str, Any] | BaseModel,
    users: UsersView,
    model: Model | None = None,
) -> Verdict:
    """The verdict on each user at its instant, as the engine would keep it.

    Raises pydantic's ValidationError for parameters that a rule could not have, and PluginBroken where the
    type reads what its `reads` did not declare.
    """
    sound = validated(segment_type, params)
    verdict = segment_type.evaluate(sound, model, guarded(segment_type, sound, users), users.at)
    return cut(segment_type, sound, users, verdict)


def fit(segment_type: SegmentType[Any], params: Mapping[str, Any] | BaseModel, users: UsersView) -> Model | None:
    """What the type learns from these users, who must all stand at one instant."""
    sound = validated(segment_type, params)
    at = Micros(int(users.at[0]) if len(users) else 0)
    return segment_type.fit(sound, guarded(segment_type, sound, users), at)


def validated(segment_type: SegmentType[Any], params: Mapping[str, Any] | BaseModel) -> BaseModel:
    """Parameters as a rule's text would give them."""
    if isinstance(params, BaseModel):
        return params
    sound: BaseModel = segment_type.Params.model_validate(dict(params))
    return sound


def guarded(segment_type: SegmentType[Any], params: BaseModel, users: UsersView) -> GuardedPopulation:
    """The population with everything locked that `reads` did not declare."""
    return GuardedPopulation(users, segment_type.reads(params), segment_type.name)


def cut(segment_type: SegmentType[Any], params: BaseModel, users: UsersView, verdict: Verdict) -> Verdict:
    """The verdict, trusted no longer than until the next event that it reads appears."""
    for name in segment_type.reads(params).events:
        verdict = verdict.until(users.first_hidden(name))
    return verdict
