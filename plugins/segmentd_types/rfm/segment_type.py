"""The segment type rfm: fits cut points, judges scores, groups and values, and explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from segmentd.api import (
    Fault,
    Instants,
    Json,
    Kind,
    Kinds,
    Micros,
    Model,
    Population,
    Reads,
    Reason,
    SegmentType,
    Verdict,
    parse_duration,
)
from segmentd_types.rfm.bounds import Ages, Counts
from segmentd_types.rfm.judging import Judging
from segmentd_types.rfm.params import TIME_ZONE, RfmParams
from segmentd_types.rfm.purchases import purchases
from segmentd_types.rfm.scoring import FITTED, Cuts
from segmentd_types.rfm.summary import summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Rfm(SegmentType[RfmParams]):
    """Scores 1..5 for recency, frequency and monetary value, the groups that a map names, and plain values."""

    name: ClassVar[str] = "rfm"
    Params = RfmParams

    def reads(self, params: RfmParams) -> Reads:
        """Orders, refunds and cancellations; the time zone where the window goes by local time."""
        properties = frozenset([*params.properties.amount, params.properties.order_id])
        attributes = frozenset([TIME_ZONE]) if params.reads_zone() else frozenset()
        names, reach = params.events.names(), params.reach()
        looked_back = {} if reach is None else dict.fromkeys(names, reach)
        return Reads(attributes, dict.fromkeys(names, properties), clock=True, reach=looked_back)

    def check(self, params: RfmParams, kinds: Kinds) -> Iterator[Fault]:
        """Amounts are money or numbers, order ids are text."""
        properties = params.properties
        for event in params.events.names():
            for place, name in enumerate(properties.amount):
                kind = kinds.event_property(event, name)
                if kind not in (None, Kind.MONEY, Kind.NUMBER):
                    yield Fault(("properties", "amount", place), f"{name} of {event} is {kind}, not money")
            kind = kinds.event_property(event, properties.order_id)
            if kind not in (None, Kind.TEXT):
                yield Fault(("properties", "order_id"), f"{properties.order_id} of {event} is {kind}, not text")

    def model_params(self, params: RfmParams) -> Mapping[str, Json] | None:
        """Where orders come from, how they are scored and mapped; None where no learned score is asked for."""
        return params.fit_parameters() if params.needs_scores and params.cuts is None else None

    def fit(self, params: RfmParams, users: Population, at: Micros) -> Model | None:
        """Cut points from everybody who has an order at `at`."""
        everybody = np.full(len(users), at, dtype=np.int64)
        bought = purchases(params, users, everybody)
        scored = bought.scored
        size = int(np.count_nonzero(scored))
        if not size:
            return None
        data = FITTED[params.scoring](bought.ages(everybody)[scored], bought.orders[scored], bought.spend[scored])
        return Model(data, size, summary(params, bought, Cuts.of(data), everybody))

    def refit_every(self, params: RfmParams) -> Micros | None:
        """As the condition says."""
        return Micros(parse_duration(params.refit.every).micros) if params.refit is not None else None

    def evaluate(self, params: RfmParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        """All parts hold; until the next age bound is reached or an event leaves the window."""
        judging = self._judging(params, model, users, at)
        member = np.ones(len(at), dtype=np.bool_)
        for mask in judging.masks():
            member &= mask
        return Verdict(member, np.minimum(judging.next_age(), judging.bought.until))

    def explain(self, params: RfmParams, model: Model | None, users: Population, at: Instants) -> tuple[Reason, ...]:
        """A reason for each operator of each part."""
        return tuple(self._judging(params, model, users, at).reasons())

    def attributes_table(self) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        """What is compared, and the one attribute: the zone of a window by local time."""
        counts = ("r", "f", "m", "orders", "spend", "average_order_value")
        return {
            **{name: ((), tuple(Counts.model_fields)) for name in counts},
            "recency": ((), tuple(Ages.model_fields)),
            "time_zone": ((TIME_ZONE,), ()),
        }

    def _judging(self, params: RfmParams, model: Model | None, users: Population, at: Instants) -> Judging:
        cuts = params.cuts.cuts if params.cuts is not None else None
        if model is not None and cuts is None:
            cuts = Cuts.of(model.data)
        return Judging(params, purchases(params, users, at), cuts, at)
