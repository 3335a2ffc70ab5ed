"""The segment type `behavioral`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_

from segmentd.api import (
    Fault,
    Instants,
    JudgeOne,
    Kind,
    Kinds,
    Model,
    OneUser,
    OneVerdict,
    Population,
    Readers,
    Reads,
    Reason,
    SegmentType,
    Verdict,
    all_of,
    operators_of,
)
from segmentd_types.behavioral.measures import measures
from segmentd_types.behavioral.one_measures import one_measures
from segmentd_types.behavioral.one_selection import one_selector
from segmentd_types.behavioral.parameters import BehavioralParams
from segmentd_types.behavioral.selection import select


class Behavioral(SegmentType[BehavioralParams]):
    """Judges what users did in a window of time."""

    name = "behavioral"
    Params = BehavioralParams

    def check(self, params: BehavioralParams, kinds: Kinds) -> Iterable[Fault]:
        return params.faults(kinds)

    def reads(self, params: BehavioralParams) -> Reads:
        in_zone = params.needs_zone() and params.zone_name() == "user"
        relative = any(condition.relative for condition in params.where.values())
        attributes = frozenset(["timezone"]) if in_zone or relative else frozenset[str]()
        reach = params.reach()
        looked_back = {} if reach is None else {params.event: reach}
        return Reads(attributes, {params.event: params.properties()}, clock=True, reach=looked_back)

    def evaluate(self, params: BehavioralParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        selection = select(params, users, at)
        verdicts = (measure.verdict(at) for measure in measures(params, selection))
        return reduce(and_, verdicts).until(selection.until)

    def for_one(self, params: BehavioralParams, model: Model | None, readers: Readers) -> JudgeOne | None:
        select, judge = one_selector(params, readers), all_of(list(one_measures(params, readers)))

        def judged(user: OneUser) -> OneVerdict:
            selection = select(user)
            member, until = judge(selection)
            return member, min(until, selection.until)

        return judged

    def explain(
        self, params: BehavioralParams, model: Model | None, users: Population, at: Instants
    ) -> tuple[Reason, ...]:
        selection = select(params, users, at)
        return tuple(reason for measure in measures(params, selection) for reason in measure.explain(at))

    def attributes_table(self) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        numbers, moments = operators_of(Kind.NUMBER), operators_of(Kind.INSTANT)
        measures = ("count", "sum", "average", "min", "max", "distinct", "distinct_days")
        return {
            "where": ((), operators_of()),
            **dict.fromkeys(measures, ((), numbers)),
            "first": ((), moments),
            "last": ((), moments),
            "time_zone": (("timezone",), ()),
        }
