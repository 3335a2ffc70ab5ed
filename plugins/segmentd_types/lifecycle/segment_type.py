"""The segment type `lifecycle`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from segmentd.api import (
    FOREVER,
    USER_ZONE,
    Fault,
    Instants,
    Kind,
    Kinds,
    Model,
    Population,
    Reads,
    Reason,
    SegmentType,
    Verdict,
)
from segmentd_types.lifecycle.course import SIGNED_UP, course_of
from segmentd_types.lifecycle.parameters import ORDER, LifecycleParams


class Lifecycle(SegmentType[LifecycleParams]):
    """Judges in which stage of their life with the product users are."""

    name = "lifecycle"
    Params = LifecycleParams

    def check(self, params: LifecycleParams, kinds: Kinds) -> Iterable[Fault]:
        kind = kinds.attribute(SIGNED_UP)
        if kind not in (None, Kind.INSTANT):
            yield Fault((), f"{SIGNED_UP} is {kind}; stages need an instant")

    def reads(self, params: LifecycleParams) -> Reads:
        zone = ["timezone"] if params.model.time_zone == USER_ZONE else []
        names, reach = params.model.events, params.reach()
        looked_back = {} if reach is None else dict.fromkeys(names, reach)
        return Reads(frozenset([SIGNED_UP, *zone]), dict.fromkeys(names, frozenset()), clock=True, reach=looked_back)

    def evaluate(self, params: LifecycleParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        course = course_of(params.model, users)
        wanted = np.isin(np.arange(len(ORDER)), [ORDER.index(stage) for stage in params.stage])
        member = wanted[course.stages(at)]
        until = np.full(len(users), FOREVER, dtype=np.int64)
        for turn in course.turns():
            changes = (turn > at) & (wanted[course.stages(turn)] != member)
            until = np.where(changes, np.minimum(until, turn), until)
        return Verdict(member, until)

    def explain(
        self, params: LifecycleParams, model: Model | None, users: Population, at: Instants
    ) -> tuple[Reason, ...]:
        stage = ORDER[int(course_of(params.model, users).stages(at)[0])]
        operator = "equals" if len(params.stage) == 1 else "in"
        return (Reason("lifecycle stage", operator, stage.value, ", ".join(params.stage), stage in params.stage),)

    def attributes_table(self) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        return {"stage": ((SIGNED_UP,), ()), "model": (("timezone",), ())}
