"""A segment's rule bound to what it is judged with: models, referenced plans, named users, a slot for its bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from segmentd.engine.rule import Condition
from segmentd.plugins.segment_type import Model, Reads


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model with its identity: `key` is the type and the fit parameters, `version` counts fits."""

    key: str
    version: int
    model: Model
    fit_time: int

    @property
    def type_name(self) -> str:
        """The segment type that learned it."""
        return str(orjson.loads(self.key)[0])


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A condition with what it reads and the model it is judged with. Equal `key`: equal answers."""

    condition: Condition
    reads: Reads
    model: Fitted | None
    key: tuple[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """`all` (conjunction) or `any` of the children."""

    conjunction: bool
    children: tuple[Bound, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Complement:
    """`not` of the child."""

    child: Bound


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A reference, bound to the plan it means."""

    plan: Plan


Bound: TypeAlias = "Leaf | Joint | Complement | Target"


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is needed to judge one version of one segment. `reads` and `clock` include what it refers to.

    `models` are those of its own conditions, `all_models` also those of the segments that it refers to. `compiled` has
    what judges one user, by layout (`engine/one_plan.py`).
    """

    segment_id: str
    segment_key: int
    version: int
    slot: int
    root: Bound
    include: frozenset[str]
    exclude: frozenset[str]
    attributes: frozenset[str]
    events: Mapping[str, frozenset[str]]
    clock: bool
    models: tuple[Fitted, ...]
    references: tuple[Plan, ...]
    all_models: tuple[Fitted, ...] = ()
    compiled: dict[Any, Any] = field(init=False, repr=False, default_factory=dict)
