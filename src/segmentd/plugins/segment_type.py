"""The contract of a segment type: one leaf of a rule, judged on columns of users."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from segmentd.population.kinds import Json, Kind
from segmentd.population.one_user import JudgeOne
from segmentd.population.readers import Readers
from segmentd.population.typed import Population
from segmentd.population.verdict import Verdict
from segmentd.times import Instants, Micros


class Params(BaseModel):
    """Base of all parameters: unknown keys and coercion are refused, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reads:
    """What a condition looks at; anything else it asks the population for is refused.

    `events` maps an event name to the properties that are read. `clock` says that the answer may change as time
    passes although nothing is written; a condition that reads events always counts as such. `lists` are the ids of
    user lists; a rule that reads one that does not exist is refused.

    `reach` says how far back an event is looked at, in microseconds: one at t matters only before t + reach, to no
    answer, no model and no explanation after. Absent: every event matters for ever.
    """

    attributes: frozenset[str] = frozenset()
    events: Mapping[str, frozenset[str]] = field(default_factory=dict)
    clock: bool = False
    lists: frozenset[str] = frozenset()
    reach: Mapping[str, Micros] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a condition cannot be evaluated: `path` below the condition's parameters (`("age", "above")`)."""

    path: tuple[str | int, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of an explanation: `subject` (`os.version`) was `observed`; `operator` asks for `threshold`."""

    subject: str
    operator: str
    observed: str
    threshold: str
    member: bool


@dataclass(frozen=True, slots=True)
class Model:
    """What a population-relative type learned. Plain data: `data` goes to evaluate, `summary` to people.

    `size` is the number of users it was learned from; a model is refitted when that number has doubled.
    """

    data: Mapping[str, Json]
    size: int
    summary: Mapping[str, Json]


class Kinds(Protocol):
    """What is known about names when a rule is checked; None where no value was seen or declared."""

    def attribute(self, name: str) -> Kind | None: ...
    def event_property(self, event: str, name: str) -> Kind | None: ...


class SegmentType(ABC, Generic[P]):
    """A kind of condition. Evaluation is pure: no clock, no I/O, inputs unchanged, row by row given the model.

    Several threads may call one instance at once.
    """

    name: ClassVar[str]
    """The key used in rules."""
    version: ClassVar[int] = 1
    """Grows when answers change; then all segments of the type are judged again."""
    Params: type[P]

    def check(self, params: P, kinds: Kinds) -> Iterable[Fault]:
        """Faults that the parameters have given the known kinds; none by default."""
        return ()

    @abstractmethod
    def reads(self, params: P) -> Reads:
        """What `evaluate` and `fit` look at."""

    def model_params(self, params: P) -> Mapping[str, Json] | None:
        """The part of the parameters that a model depends on; None (the default) where none is needed.

        Conditions of one type whose model parameters are equal share one model.
        """
        return None

    def fit(self, params: P, users: Population, at: Micros) -> Model | None:
        """Learn from all users at `at`; None where there is nobody to learn from yet."""
        return None

    def refit_every(self, params: P) -> Micros | None:
        """How often the model is fitted again by itself, in microseconds from its last fit; None: by no schedule.

        It is no part of `model_params`: of the conditions that share a model, the shortest interval counts. A
        parameter `refit` beside a model is about this alone: an edit of nothing else judges nobody.
        """
        return None

    @abstractmethod
    def evaluate(self, params: P, model: Model | None, users: Population, at: Instants) -> Verdict:
        """Judge n users, each at its own instant `at[i]` (int64 (n,), microseconds UTC).

        `holds_until[i] > at[i]` for every row; early is allowed, late is a bug; FOREVER where only a write can
        change the answer. Events after `at[i]` are hidden, and the engine cuts `holds_until` at the first of them.
        """

    def for_one(self, params: P, model: Model | None, readers: Readers) -> JudgeOne | None:
        """How to judge one user without arrays, compiled once; None (the default): by `evaluate`.

        What it returns takes a user and gives (member, holds_until), exactly as `evaluate` would for that user at
        `user.at`; it raises LeftToEvaluate where that is faster with arrays. It reads the user by what `readers` gives
        for names that `reads` declared, and nothing else. holds_until is cut at the first hidden event here too.
        """
        return None

    def explain(self, params: P, model: Model | None, users: Population, at: Instants) -> tuple[Reason, ...]:
        """Why the only user of `users` is a member or not, one reason for each part of the condition."""
        return ()

    def attributes_table(self) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        """For the published table: parameter → (attributes in order of fall-back, operators)."""
        return {}


def speaks_for(one: object, method: str, other: str) -> bool:
    """Whether `method` was written for the `other` that is in force, and not for one that a subclass has replaced."""
    for each in type(one).__mro__:
        if method in vars(each):
            return True
        if other in vars(each):
            return False
    return False


def description_of(segment_type: SegmentType[Any]) -> str:
    """The type's own docstring, else that of its parameters, else "". One that is inherited speaks of another class."""
    return inspect.cleandoc(type(segment_type).__doc__ or segment_type.Params.__doc__ or "")
