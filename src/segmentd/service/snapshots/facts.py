"""What a snapshot says of itself, and what a plan's stored answers depend on."""

from __future__ import annotations

from hashlib import blake2b
from importlib.metadata import version
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict

from segmentd.engine.plan import Bound, Complement, Joint, Leaf, Plan

FORMAT: Final = 4
"""Grows when files are laid out otherwise, or what they hold means something else."""
RELEASE: Final = version("segmentd")
Written: TypeAlias = "list[Any] | str"


class ColumnFacts(BaseModel):
    """The kind of a column; its parts have its place among the columns in their names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: str
    part: str


class TableFacts(BaseModel):
    """The properties that were kept of an event's name, and the columns of those that anybody had given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    part: str
    properties: list[str]
    columns: list[ColumnFacts]


class Facts(BaseModel):
    """The contents of a snapshot.

    `name` is the one under which the database knows it: the contents of one snapshot under the name of another are
    told from its own. All that was stored at `revision`, whose instant is `instant`, is in it; of what came later
    some may be.
    `event_key` and `user_key` are the last ones that had been given by then, and `events` so many there were.
    `plans` are slots by what `plan_digest` gives, `lists` (key, update time) by list id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    release: str
    name: str
    database_id: str
    revision: int
    instant: int
    event_key: int
    events: int
    user_key: int
    rows: int
    width: int
    columns: list[ColumnFacts]
    tables: list[TableFacts]
    lists: dict[str, tuple[int, int]]
    plans: dict[str, int]


def plan_digest(plan: Plan, surroundings: str) -> str:
    """32 hex digits; where they are equal, so are the answers about the same users at the same instant."""
    written = repr([surroundings, _plan(plan)])
    return blake2b(written.encode(), digest_size=16).hexdigest()


def _plan(plan: Plan) -> Written:
    return [sorted(plan.include), sorted(plan.exclude), _node(plan.root)]


def _node(node: Bound) -> Written:
    if isinstance(node, Leaf):
        kind = node.condition.segment_type
        return ["leaf", kind.name, kind.version, *map(str, node.key)]
    if isinstance(node, Complement):
        return ["not", _node(node.child)]
    if isinstance(node, Joint):
        return ["all" if node.conjunction else "any", *map(_node, node.children)]
    return ["segment", _plan(node.plan)]
