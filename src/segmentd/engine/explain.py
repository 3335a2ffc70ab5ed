"""Why one user is a member or not: the rule as a tree of verdicts, the reasons at its leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from segmentd.engine.judging import Pass
from segmentd.engine.one_pass import OnePass
from segmentd.engine.plan import Bound, Complement, Joint, Leaf, Plan, Target
from segmentd.errors import PluginBroken
from segmentd.plugins.segment_type import Reason
from segmentd.population.guard import GuardedPopulation
from segmentd.population.one_verdict import OneVerdict
from segmentd.population.views import UsersView
from segmentd.times import FOREVER, Instants, Micros

MAX_DEPTH: Final = 40
"""A segment that is referred to at a greater depth of the tree is named and not unfolded."""
MAX_NODES: Final = 10_000
"""Nor is one met when the tree has so many nodes: segments that refer to others twice would double it each time."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One node: `kind` is all, any, not, segment, condition, include or exclude; `text` what it says."""

    kind: str
    text: str
    member: bool
    holds_until: Micros
    reasons: tuple[Reason, ...] = ()
    children: tuple[Explanation, ...] = ()


class Explainer:
    """Explains plans for the one user of a view, sharing one pass."""

    def __init__(self, users: UsersView, at: Instants) -> None:
        self._users = users
        self._at = at
        self._pass = OnePass(users, 0, Pass(users, at))
        self._nodes = 0

    def plan(self, plan: Plan, depth: int = 0) -> Explanation:
        """The tree of one segment, with `include` and `exclude` beside the rule where they name the user."""
        verdict = self._pass.verdict(plan)
        user = self._users.user_ids()[0]
        lists = (("exclude", plan.exclude), ("include", plan.include))
        children = [Explanation(kind, user, member=True, holds_until=FOREVER) for kind, ids in lists if user in ids]
        if depth < MAX_DEPTH and self._nodes < MAX_NODES:
            children.append(self._node(plan.root, depth + 1))
        return _of("segment", plan.segment_id, verdict, children=tuple(children))

    def _node(self, node: Bound, depth: int) -> Explanation:
        self._nodes += 1
        if isinstance(node, Target):
            return self.plan(node.plan, depth)
        verdict = self._pass.bound(node)
        if isinstance(node, Leaf):
            return _of("condition", node.condition.text, verdict, reasons=self._reasons(node))
        if isinstance(node, Complement):
            return _of("not", "not", verdict, children=(self._node(node.child, depth + 1),))
        return _of(*_joint(node), verdict, children=tuple(self._node(child, depth + 1) for child in node.children))

    def _reasons(self, leaf: Leaf) -> tuple[Reason, ...]:
        condition, reads = leaf.condition, leaf.reads
        users = GuardedPopulation(self._users, reads, condition.segment_type.name)
        model = leaf.model.model if leaf.model is not None else None
        reasons = condition.segment_type.explain(condition.params, model, users, self._at)
        if not all(isinstance(each, Reason) for each in reasons):
            raise PluginBroken(f"{condition.segment_type.name}.explain() returned something else than reasons")
        return tuple(reasons)


def _joint(node: Joint) -> tuple[str, str]:
    kind = "all" if node.conjunction else "any"
    return kind, f"{kind} of {len(node.children)}"


def _of(
    kind: str,
    text: str,
    verdict: OneVerdict,
    *,
    reasons: tuple[Reason, ...] = (),
    children: tuple[Explanation, ...] = (),
) -> Explanation:
    return Explanation(kind, text, verdict[0], Micros(verdict[1]), reasons, children)
