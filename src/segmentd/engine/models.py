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
from segmentd.population.listed import list_attribute
from segmentd.times import SECOND, Micros


@dataclass(frozen=True, slots=True)
class Look:
    """What a fit saw: how much had been written that its condition reads, and how many users it learned from."""

    rows: int
    events: int
    profiles: int
    size: int

    @property
    def written(self) -> int:
        """Everything; only its growth matters."""
        return self.rows + self.events + self.profiles


@dataclass(slots=True)
class Models:
    """The latest model of each key, and the last look at each."""

    latest: dict[str, Fitted] = field(default_factory=dict)
    _looks: dict[str, Look] = field(default_factory=dict)

    def get(self, key: str) -> Fitted | None:
        """The model of this key; None before the first fit."""
        return self.latest.get(key)

    def next_version(self, key: str) -> int:
        """The version that the next fit of this key has."""
        return self.latest[key].version + 1 if key in self.latest else 1

    def worth_a_fit(self, key: str, condition: Condition, users: Dataset) -> bool:
        """Whether the scored population may have doubled since the last look, or there may be one at last.

        It grows by at most one user for each event, user or profile written, so that it cannot have doubled before as
        many were written as it was short of that. Each look makes a real fit, and `looked` notes it.
        """
        last, now = self._looks.get(key), look(condition, users, 0)
        if last is None:
            return now.written > 0
        if key in self.latest:
            return now.written - last.written >= max(1, 2 * self.latest[key].model.size - last.size)
        return now.written > last.written if last.size else _may_be_somebody(condition, users, last, now)

    def looked(self, key: str, last: Look) -> None:
        """Note a fit; the next look is due when it may find more."""
        self._looks[key] = last

    def fit(self, key: str, condition: Condition, users: Dataset, at: Micros) -> Model | None:
        """A real fit, noted as a look. Raises PluginBroken."""
        model = None
        try:
            model = fit(condition, users, at)
        finally:
            self.looked(key, look(condition, users, model.size if model else 0))
        return model


def look(condition: Condition, users: Dataset, size: int) -> Look:
    """How many users, events and profiles were written that a condition reads, beside what was learned from them."""
    reads = reads_of(condition)
    events = sum(users.event_table(name).appended for name in reads.events)
    return Look(len(users), events, users.profiles_written if reads.attributes or reads.lists else 0, size)


def _may_be_somebody(condition: Condition, users: Dataset, last: Look, now: Look) -> bool:
    """Whether a fit that found nobody is worth another try: it costs a pass over all users.

    An event that is read is; so is a profile where nothing but attributes is read, and somebody has one. Anything else
    is waited for until there are twice as many.
    """
    reads = reads_of(condition)
    if now.events > last.events:
        return True
    if not reads.events and (reads.attributes or reads.lists):
        names = {*reads.attributes, *map(list_attribute, reads.lists)}
        return now.profiles > last.profiles and not names.isdisjoint(users.columns)
    return now.rows > last.rows and now.written >= 2 * last.written


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


def refit_every(condition: Condition) -> Micros | None:
    """How often a condition wants its model fitted again, a second at least; None: by no schedule.

    Raises PluginBroken.
    """
    name = condition.segment_type.name
    try:
        every: object = condition.segment_type.refit_every(condition.params)
    except Exception as error:
        raise PluginBroken(f"{name} cannot say when to learn again: {type(error).__name__}: {error}") from error
    if every is None:
        return None
    if type(every) is not int or every <= 0:
        raise PluginBroken(f"{name}.refit_every() returned {every!r}, not microseconds")
    return Micros(max(every, SECOND))
