"""The contract kit: `check_segment_type` tries every rule of the contract on one segment type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from segmentd.population.build import GivenUser, build_dataset
from segmentd.testing.given import AttributeKinds, PropertyKinds, schema
from segmentd.testing.learning import learned
from segmentd.testing.naming import NamedKinds, applicable
from segmentd.testing.random_users import RandomUsers, Values
from segmentd.testing.rules import VERDICT_RULES
from segmentd.testing.statics import check_condition, check_type
from segmentd.testing.trial import Cohort, Oracle, Trial, frozen_copy
from segmentd.times import Micros, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from segmentd.plugins.segment_type import Model, SegmentType
    from segmentd.population.kinds import Json

_MOMENTS: Final = tuple(
    map(
        parse_instant,
        (
            "2026-11-21T10:00:00.123456Z",  # an ordinary one
            "2026-03-29T01:00:00Z",  # European clocks skip an hour
            "2028-02-29T00:00:00Z",  # a leap day, and midnight UTC
        ),
    )
)
_COUNT: Final = 24


def check_segment_type(  # noqa: PLR0913  # options, given by keyword
    segment_type: SegmentType[Any],
    params_examples: Iterable[Mapping[str, Any]],
    *,
    oracle: Oracle | None = None,
    users: Sequence[GivenUser] = (),
    values: Values | None = None,
    attributes: AttributeKinds | None = None,
    properties: PropertyKinds | None = None,
    seed: int = 0,
) -> None:
    """Try every rule of the contract with each example of parameters.

    Judged are random users who have what `reads` declares (drawn from `values`, by attribute or property
    name, where given) and the author's own `users`. `attributes` and `properties` ((event, property)) fix
    kinds; an unfixed name takes in turn every kind that `check` accepts. `oracle` says slowly who is a member.

    Raises AssertionError that names the broken rule, the parameters and the row.
    """
    check_type(segment_type)
    kinds = NamedKinds(attributes, properties)
    tried = 0
    for example in map(dict, params_examples):
        params = check_condition(segment_type, example, kinds)
        drawn = _drawn(segment_type, example, params, kinds, values or {}, seed)
        _try_all(
            Trial(segment_type, example, params, segment_type.reads(params), cohort, None, oracle)
            for cohort in (*drawn, *_given(users, kinds))
        )
        tried += 1
    if not tried:
        raise AssertionError(f"{segment_type.name} was given no example of parameters, so nothing was checked")


def _try_all(trials: Iterable[Trial]) -> None:
    """Fit where the condition needs a model, and try every rule; without one there is nothing to judge."""
    model: Model | None = None
    for trial in trials:
        needed = trial.segment_type.model_params(trial.params) is not None
        if needed:
            model = learned(trial) or model
        if needed and model is None:
            continue
        for rule in VERDICT_RULES:
            rule(replace(trial, model=model))
    if needed and model is None:
        trial.broken("fit learns", "fit gave None for all users; give `users` or `values` to learn from")


def _drawn(
    segment_type: SegmentType[Any], example: Json, params: Any, kinds: NamedKinds, values: Values, seed: int
) -> Iterator[Cohort]:
    """Random users, once for each assignment of kinds."""
    reads = segment_type.reads(params)
    for turn, (attributes, properties) in enumerate(applicable(segment_type, params, reads, kinds)):
        moment = _MOMENTS[turn % len(_MOMENTS)]
        source = RandomUsers(f"{seed}/{turn}", reads, attributes, properties, example, values)
        users, at = source.draw(_COUNT, moment), source.instants(_COUNT, moment)
        yield _cohort(f"random users {turn}", users, at, attributes, properties)


def _given(users: Sequence[GivenUser], kinds: NamedKinds) -> Iterator[Cohort]:
    """The author's users, users without data, and nobody."""
    if users:
        at = [_after(each) for each in users]
        yield _cohort("the author's users", users, at, kinds.attributes, kinds.properties)
    blank = [GivenUser(f"blank-{number}") for number in range(len(_MOMENTS))]
    yield _cohort("users without data", blank, _MOMENTS, kinds.attributes, kinds.properties)
    yield _cohort("an empty population", [], [], kinds.attributes, kinds.properties)


def _cohort(
    name: str,
    users: Sequence[GivenUser],
    at: Sequence[int],
    attributes: AttributeKinds,
    properties: PropertyKinds,
) -> Cohort:
    dataset = build_dataset(users, schema(attributes, properties))
    return Cohort(name, tuple(users), dataset, frozen_copy(np.array(at, dtype=np.int64)))


def _after(user: GivenUser) -> Micros:
    """The instant at which an author's user is judged: its last event, else an ordinary one."""
    return max((each.time for each in user.events), default=_MOMENTS[0])
