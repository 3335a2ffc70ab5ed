"""Learning reads what is declared, and nothing else."""

from __future__ import annotations

import pytest

from segmentd.api import Instants, Micros, Model, Params, Population, Reads, SegmentType, Verdict
from segmentd.engine.models import fit
from segmentd.engine.rule import Condition
from segmentd.errors import PluginBroken
from segmentd.population.dataset import Dataset


class Nothing(Params):
    """No parameters."""


class Sly(SegmentType[Nothing]):
    """Learns from an event that it does not declare, of which nothing need be in memory."""

    name = "sly"
    Params = Nothing

    def reads(self, params: Nothing) -> Reads:
        return Reads(events={"Declared": frozenset()})

    def fit(self, params: Nothing, users: Population, at: Micros) -> Model | None:
        return Model({}, len(users.events("Other")), {})

    def evaluate(self, params: Nothing, model: Model | None, users: Population, at: Instants) -> Verdict:
        raise AssertionError("never judged")


def test_a_type_that_learns_from_what_it_does_not_declare_is_broken() -> None:
    with pytest.raises(PluginBroken, match=r"sly cannot learn: .* read the event Other"):
        fit(Condition(Sly(), Nothing(), "", "", ""), Dataset(), Micros(0))
