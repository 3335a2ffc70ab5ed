"""Segment types that are catalogues: named parameters over attributes, each with an order of fall-back.

A catalogue is a declaration: see `segmentd_types.technographic` for one on a page.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_
from typing import Any, ClassVar, Final

from pydantic import create_model

from segmentd.conditions.condition import Condition, Operands, operator
from segmentd.conditions.judging import TIME_ZONE
from segmentd.conditions.one_value import all_or_none
from segmentd.conditions.operators import operators_of
from segmentd.conditions.sources import Source, explain_first, judge_first, known_sources, one_of_first
from segmentd.conditions.together import judge_conditions
from segmentd.plugins.segment_type import Fault, Kinds, Model, Reads, Reason, SegmentType, speaks_for
from segmentd.population.kinds import Kind
from segmentd.population.one_user import JudgeOne
from segmentd.population.readers import Readers
from segmentd.population.typed import Population
from segmentd.population.verdict import Verdict
from segmentd.times import Instants

TEXT: Final = (Kind.TEXT,)


class CatalogueParams(Operands):
    """Base of a catalogue's parameters: a field for each, at least one is given, all given must hold."""


class Parameter(ABC):
    """One parameter of a catalogue. `accepts` is the type of its value in a rule."""

    accepts: ClassVar[Any] = Condition

    def __init__(self, name: str, description: str, attributes: tuple[str, ...]) -> None:
        self.name = name
        self.description = description
        self.attributes = attributes
        """What it reads, in order of fall-back."""

    @property
    @abstractmethod
    def operators(self) -> tuple[str, ...]:
        """The operators that it takes, for the published table."""

    @abstractmethod
    def reads(self, value: Any) -> Reads:
        """What judging it looks at."""

    @abstractmethod
    def check(self, value: Any, kinds: Kinds) -> Iterable[Fault]:
        """Faults given the known kinds; paths begin below the parameter."""

    @abstractmethod
    def judge(self, value: Any, users: Population, at: Instants) -> Verdict:
        """Judge n users, each at its own instant."""

    def for_one(self, value: Any, readers: Readers) -> JudgeOne | None:
        """How to judge one user without arrays, as `judge` does; None (the default): by `judge`."""
        return None

    def plain(self, value: Any, users: Population) -> tuple[str, Condition] | None:
        """The one attribute that decides for all users and its condition, to be judged beside others; None: `judge`."""
        return None

    @abstractmethod
    def explain(self, value: Any, users: Population, at: Instants) -> tuple[Reason, ...]:
        """Reasons for the only user."""


class AttributeParameter(Parameter):
    """A parameter that takes every operator on the first of its attributes that the user has."""

    def __init__(self, name: str, description: str, *sources: str | Source, kinds: tuple[Kind, ...] = TEXT) -> None:
        """`kinds`: those that its values usually have, for the published table; the data decides."""
        self.sources = tuple(Source(each) if isinstance(each, str) else each for each in sources)
        self._operators = operators_of(*kinds)
        super().__init__(name, description, tuple(source.attribute for source in self.sources))

    @property
    def operators(self) -> tuple[str, ...]:
        return self._operators

    def reads(self, value: Condition) -> Reads:
        zone = (TIME_ZONE,) if value.relative else ()
        return Reads(frozenset((*self.attributes, *zone)), clock=value.relative)

    def check(self, value: Condition, kinds: Kinds) -> Iterable[Fault]:
        return [fault for source in self.sources for fault in source.check(kinds, value)]

    def judge(self, value: Condition, users: Population, at: Instants) -> Verdict:
        return judge_first(self.sources, users, value, at)

    def for_one(self, value: Condition, readers: Readers) -> JudgeOne | None:
        return one_of_first(self.sources, readers, value)

    def plain(self, value: Condition, users: Population) -> tuple[str, Condition] | None:
        sources = known_sources(self.sources, users)
        if len(sources) > 1 or sources[0].reading is not None or type(self).judge is not AttributeParameter.judge:
            return None  # a subclass may judge in another way
        return sources[0].attribute, value

    def explain(self, value: Condition, users: Population, at: Instants) -> tuple[Reason, ...]:
        return explain_first(self.sources, users, value, at)


class Catalogue(SegmentType[CatalogueParams]):
    """Base of catalogues: a subclass gives `name` and `parameters`; `Params` is made from them."""

    parameters: ClassVar[tuple[Parameter, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        fields: dict[str, Any] = {each.name: (each.accepts, operator(_described(each))) for each in cls.parameters}
        cls.Params = create_model(
            f"{cls.__name__}Params", __base__=CatalogueParams, __doc__=cls.__doc__, __module__=cls.__module__, **fields
        )

    def reads(self, params: CatalogueParams) -> Reads:
        reads = [parameter.reads(value) for parameter, value in self._given(params)]
        attributes = frozenset[str]().union(*(each.attributes for each in reads))
        return Reads(attributes, clock=any(each.clock for each in reads))

    def check(self, params: CatalogueParams, kinds: Kinds) -> Iterable[Fault]:
        return [
            Fault((parameter.name, *fault.path), fault.message)
            for parameter, value in self._given(params)
            for fault in parameter.check(value, kinds)
        ]

    def evaluate(self, params: CatalogueParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        given = [(parameter, value, parameter.plain(value, users)) for parameter, value in self._given(params)]
        verdicts = [parameter.judge(value, users, at) for parameter, value, plain in given if plain is None]
        together = [plain for *_, plain in given if plain is not None]
        if together:
            verdicts.append(judge_conditions(users, together, at))
        return reduce(and_, verdicts)

    def for_one(self, params: CatalogueParams, model: Model | None, readers: Readers) -> JudgeOne | None:
        return all_or_none(
            parameter.for_one(value, readers) if speaks_for(parameter, "for_one", "judge") else None
            for parameter, value in self._given(params)
        )

    def explain(
        self, params: CatalogueParams, model: Model | None, users: Population, at: Instants
    ) -> tuple[Reason, ...]:
        return tuple(
            reason for parameter, value in self._given(params) for reason in parameter.explain(value, users, at)
        )

    def attributes_table(self) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        return {each.name: (each.attributes, each.operators) for each in self.parameters}

    def _given(self, params: CatalogueParams) -> list[tuple[Parameter, Any]]:
        given = params.operands()
        return [(each, given[each.name]) for each in self.parameters if each.name in given]


def _described(parameter: Parameter) -> str:
    return f"{parameter.description} Reads {', then '.join(parameter.attributes)}."
