"""Models in force, and when one has to be fitted again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from segmentd.engine.compile import conditions, model_key, reads_of
from segmentd.engine.plan import Fitted
from segmentd.engine.rule import Condition, Node
from segmentd.errors import PluginBroken
from segmentd.plugins.segment_type import Model
from segmentd.population.dataset import Dataset
from segmentd.population.guard import GuardedPopulation
from segmentd.times import Micros


@dataclass(slots=True)
class Models:
    """The latest model of each key, and how much was written when its size was last looked at."""

    latest: dict[str, Fitted] = field(default_factory=dict)
    _looked_at: dict[str, int] = field(default_factory=dict)

    def get(self, key: str) -> Fitted | None:
        """The model of this key; None before the first fit."""
        return self.latest.get(key)

    def next_version(self, key: str) -> int:
        """The version that the next fit of this key has."""
        return self.latest[key].version + 1 if key in self.latest else 1

    def worth_a_fit(self, key: str, condition: Condition, users: Dataset) -> bool:
        """Whether the scored population may have doubled since the last look.

        It grows by at most one user for each event, user or profile written, so that it cannot have before as many
        were written as it was short of double then. Each look makes a real fit, and `looked` notes it.
        """
        return written(condition, users) >= self._looked_at.get(key, 1)

    def fit(self, key: str, condition: Condition, users: Dataset, at: Micros) -> Model | None:
        """A real fit, noted as a look. Raises PluginBroken."""
        model = None
        try:
            model = fit(condition, users, at)
        finally:
            self.looked(key, condition, users, model.size if model else 0)
        return model

    def looked(self, key: str, condition: Condition, users: Dataset, size: int) -> None:
        """Note the scored population seen by a fit just now; the next look is due when it may have doubled."""
        known = self.latest[key].model.size if key in self.latest else 0
        missing = max(1, 2 * known - size)
        self._looked_at[key] = written(condition, users) + missing


def written(condition: Condition, users: Dataset) -> int:
    """How many users, events and profiles were written that a condition reads; only its growth matters."""
    reads = reads_of(condition)
    events = sum(users.event_table(name).appended for name in reads.events)
    return events + len(users) + (users.profiles_written if reads.attributes or reads.lists else 0)


def fit(condition: Condition, users: Dataset, at: Micros) -> Model | None:
    """Learn the condition's model from all users at `at`; None where there is nobody to learn from.

    Raises PluginBroken, whatever the plugin raised.
    """
    name = condition.segment_type.name
    try:
        reads = reads_of(condition)
        declared = GuardedPopulation(users.everyone(at), reads, name)
        return condition.segment_type.fit(condition.params, declared, at)
    except Exception as error:
        raise PluginBroken(f"{name} cannot learn: {type(error).__name__}: {error}") from error


def model_conditions(rules: Iterable[Node]) -> Mapping[str, Condition]:
    """One condition for each model that these rules need."""
    return {
        key: condition for rule in rules for condition in conditions(rule) if (key := model_key(condition)) is not None
    }
