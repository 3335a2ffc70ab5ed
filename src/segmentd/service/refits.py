"""Which models are fitted again, and when: on request, when who is learned from may have doubled, and by schedule."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto

from segmentd.engine.catalogue import Catalogue, State
from segmentd.engine.compile import conditions, model_key
from segmentd.engine.models import model_conditions, refit_every
from segmentd.engine.plan import Fitted
from segmentd.engine.rule import Condition, Node
from segmentd.errors import PluginBroken
from segmentd.plugins.segment_type import Model
from segmentd.service.aside import Edit
from segmentd.service.live import Live
from segmentd.service.pause import Pause
from segmentd.service.written import Cause
from segmentd.times import FOREVER, MINUTE, SECOND, Clock, Micros

_log = logging.getLogger(__name__)


class Why(Enum):
    """Why a model is fitted again."""

    REQUEST = auto()
    DOUBLED = auto()
    SCHEDULE = auto()


class Refits:
    """What the engine's thread asks about models; nothing here is touched by two threads."""

    def __init__(self, live: Live, clock: Clock) -> None:
        self._live = live
        self._clock = clock
        self._catalogue: Catalogue | None = None
        self._conditions: Mapping[str, Condition] = {}
        self._every: Mapping[str, Micros] = {}
        self._tried: dict[str, Micros] = {}
        self.queued: set[str] = set()
        """The keys of the models whose fit waits or is under way."""
        self._pause = Pause(SECOND, MINUTE)

    def no_room(self) -> None:
        """The database could not take new models: for a while none is worth a fit."""
        self._pause.begin(self._clock.now())

    def made(self) -> None:
        """It could."""
        self._pause.end()

    def worth_a_fit(self) -> list[str]:
        """The models that may find twice as many to learn from, or somebody at last. Raises what plugins raise."""
        if self._pause.lasts(self._clock.now()):
            return []
        self._look_at_catalogue()
        models, users = self._live.models, self._live.users
        return [
            key
            for key, condition in self._conditions.items()
            if key not in self.queued and models.worth_a_fit(key, condition, users)
        ]

    def next_due(self, *, with_queued: bool = False) -> int:
        """When a model is due by its schedule, or FOREVER; by default without those that are queued already."""
        self._look_at_catalogue()
        skipped = frozenset() if with_queued else self.queued
        return min((self._due(key) for key in self._every if key not in skipped), default=FOREVER)

    def due(self) -> list[str]:
        """The models that are due now."""
        self._look_at_catalogue()
        now = self._clock.now()
        return sorted(key for key in self._every if self._due(key) <= now)

    def edit(self, keys: Iterable[str], why: Why) -> Edit | None:
        """Fit these models, and the edit to them; None where none is to change. Raises PluginBroken, on request."""
        self._look_at_catalogue()
        at = self._live.present(self._clock.now())
        models: dict[str, Fitted] = {}
        for key in keys:
            if key not in self._conditions or (why is Why.SCHEDULE and self._due(key) > self._clock.now()):
                continue
            model = self._fit(key, at, why)
            if model is not None:
                models[key] = Fitted(key, self._live.models.next_version(key), model, at)
        return Edit(Cause.MODEL, models=models, again=self._users_of(models)) if models else None

    def one_by_one(self, edit: Edit) -> list[Edit]:
        """The same edit as one for each of its models."""
        parts = ({key: fitted} for key, fitted in edit.models.items())
        return [Edit(edit.cause, models=part, again=self._users_of(part)) for part in parts]

    def _fit(self, key: str, at: Micros, why: Why) -> Model | None:
        models, condition = self._live.models, self._conditions[key]
        if why is not Why.SCHEDULE:
            model = models.fit(key, condition, self._live.users, at)
            before = models.get(key)
            too_few = model is None or (before is not None and model.size < 2 * before.model.size)
            return None if why is Why.DOUBLED and too_few else model
        self._tried[key] = self._clock.now()
        try:
            model = models.fit(key, condition, self._live.users, at)
        except PluginBroken as error:
            _log.error("the model %s stays as it is until the next time: %s", key, error.message)
            return None
        if model is None:
            _log.warning("the model %s stays as it is until the next time: there is nobody to learn from", key)
        return model

    def _due(self, key: str) -> int:
        """One interval after the last fit, or after the last try. What was never fitted waits for nobody's schedule."""
        fitted = self._live.models.get(key)
        if fitted is None:
            return FOREVER
        return max(fitted.fit_time, self._tried.get(key, fitted.fit_time)) + self._every[key]

    def _users_of(self, models: Mapping[str, Fitted]) -> frozenset[str]:
        entries = self._live.catalogue.entries.items()
        return frozenset(
            name
            for name, entry in entries
            if entry.state is not State.ARCHIVED
            and any(model_key(each) in models for each in conditions(entry.definition.rule))
        )

    def _look_at_catalogue(self) -> None:
        """Once for each catalogue, because every write asks."""
        if self._catalogue is self._live.catalogue:
            return
        entries = self._live.catalogue.entries.values()
        rules = [entry.definition.rule for entry in entries if entry.state is not State.ARCHIVED]
        self._conditions, self._every = model_conditions(rules), _intervals(rules)
        self._catalogue = self._live.catalogue


def _intervals(rules: Sequence[Node]) -> Mapping[str, Micros]:
    """How often each model is fitted again: the shortest interval that some condition asks for."""
    found: dict[str, Micros] = {}
    for condition in (each for rule in rules for each in conditions(rule)):
        try:
            every = refit_every(condition)
        except PluginBroken as error:
            _log.error("%s is fitted again by no schedule: %s", condition.path, error.message)
            continue
        key = model_key(condition)
        if key is not None and every is not None:
            found[key] = min(every, found.get(key, every))
    return found
