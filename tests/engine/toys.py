"""Segment types of the tests' own: small enough to be judged by eye, with exact or early horizons."""

from __future__ import annotations

from typing import Any

import numpy as np

from segmentd.api import (
    FOREVER,
    Instants,
    Kind,
    Kinds,
    Micros,
    Model,
    Params,
    Population,
    Reads,
    SegmentType,
    Verdict,
)
from segmentd.plugins.host import Plugins
from segmentd.plugins.segment_type import Fault


class TallyParams(Params):
    """At least so many events within so many microseconds, or ever; `early` cuts the horizon of a verdict that ends."""

    event: str
    at_least: int = 1
    within: int | None = None
    early: int | None = None


class Tally(SegmentType[TallyParams]):
    """An event at t counts at the instants [t, t + within)."""

    name = "tally"
    Params = TallyParams

    def reads(self, params: TallyParams) -> Reads:
        return Reads(events={params.event: frozenset()})

    def evaluate(self, params: TallyParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        events = users.events(params.event)
        members, holds = [], []
        for i, now in enumerate(at.tolist()):
            times = events.times[int(events.offsets[i]) : int(events.offsets[i + 1])].tolist()
            ends = [FOREVER if params.within is None else time + params.within for time in times]
            ends = sorted(end for end in ends if end > now)
            member = len(ends) >= params.at_least
            until = ends[len(ends) - params.at_least] if member else FOREVER
            members.append(member)
            if params.early is not None and until != FOREVER:
                until = min(until, now + params.early)
            holds.append(until)
        return Verdict(np.array(members, dtype=np.bool_), np.array(holds, dtype=np.int64))


class SinceParams(Params):
    """The last event is at least `age` microseconds old."""

    event: str
    age: int


class Since(SegmentType[SinceParams]):
    """False without any event."""

    name = "since"
    Params = SinceParams

    def reads(self, params: SinceParams) -> Reads:
        return Reads(events={params.event: frozenset()})

    def evaluate(self, params: SinceParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        events = users.events(params.event)
        some = np.diff(events.offsets) > 0
        last = np.zeros(len(at), dtype=np.int64)
        last[some] = events.times[events.offsets[1:][some] - 1]
        member = some & (last + params.age <= at)
        return Verdict(member, np.where(some & ~member, last + params.age, FOREVER))


class HasParams(Params):
    """An attribute is this text."""

    attribute: str
    equals: str


class Has(SegmentType[HasParams]):
    """Does not depend on time."""

    name = "has"
    Params = HasParams

    def check(self, params: HasParams, kinds: Kinds) -> list[Fault]:
        kind = kinds.attribute(params.attribute)
        return [] if kind in (None, Kind.TEXT) else [Fault(("equals",), f"{params.attribute} is {kind}, not text")]

    def reads(self, params: HasParams) -> Reads:
        return Reads(attributes=frozenset({params.attribute}))

    def evaluate(self, params: HasParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        return Verdict.forever(np.asarray(users.category(params.attribute).equals(params.equals)))


class AfterParams(Params):
    """The attribute is a number of microseconds since 1970 and lies in the past."""

    attribute: str


class After(SegmentType[AfterParams]):
    """Depends on time and on no event."""

    name = "after"
    Params = AfterParams

    def reads(self, params: AfterParams) -> Reads:
        return Reads(attributes=frozenset({params.attribute}), clock=True)

    def evaluate(self, params: AfterParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        column = users.number(params.attribute)
        when = np.where(column.present, column.values, 0).astype(np.int64)
        member = column.present & (when <= at)
        return Verdict(member, np.where(column.present & ~member, when, FOREVER))


class RicherParams(Params):
    """The attribute is above the mean of everybody who had it when the model was fitted; again every `refit`."""

    attribute: str
    refit: int | None = None


class Richer(SegmentType[RicherParams]):
    """Learns from the population: the whole part of the mean."""

    name = "richer"
    Params = RicherParams

    def reads(self, params: RicherParams) -> Reads:
        return Reads(attributes=frozenset({params.attribute}))

    def model_params(self, params: RicherParams) -> dict[str, Any]:
        return {"attribute": params.attribute}

    def refit_every(self, params: RicherParams) -> Micros | None:
        return Micros(params.refit) if params.refit is not None else None

    def fit(self, params: RicherParams, users: Population, at: Micros) -> Model | None:
        column = users.number(params.attribute)
        values = column.values[column.present].tolist()
        if not values:
            return None
        return Model({"mean": int(sum(values) // len(values))}, len(values), {})

    def evaluate(self, params: RicherParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        assert model is not None
        mean: Any = model.data["mean"]
        column = users.number(params.attribute)
        return Verdict.forever(column.present & (np.where(column.present, column.values, 0) > mean))


class BrokenParams(Params):
    """Cannot judge anybody whose attribute is this text."""

    attribute: str
    breaks_at: str
    clock: bool = False


class Broken(SegmentType[BrokenParams]):
    """Everybody is a member, where it works."""

    name = "broken"
    Params = BrokenParams

    def reads(self, params: BrokenParams) -> Reads:
        return Reads(attributes=frozenset({params.attribute}), clock=params.clock)

    def evaluate(self, params: BrokenParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        if users.category(params.attribute).equals(params.breaks_at).any():
            raise RuntimeError("out of order")
        return Verdict.forever(np.ones(len(at), dtype=np.bool_))


class Reversed(Tally):
    """The next version of `tally`: the answers are the other way round."""

    version = 2

    def evaluate(self, params: TallyParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        return ~super().evaluate(params, model, users, at)


TYPES: tuple[SegmentType[Any], ...] = (Tally(), Since(), Has(), After(), Richer(), Broken())


def plugins(*types: SegmentType[Any]) -> Plugins:
    """The toys, those of the same name replaced by `types`."""
    named = {each.name: each for each in (*TYPES, *types)}
    return Plugins(named, (), dict.fromkeys(named, "toys"))
