"""One pass of judging: plans over the rows of one view, each leaf judged once."""

from __future__ import annotations

from functools import reduce
from typing import Protocol

import numpy as np

from segmentd.engine.plan import Bound, Complement, Leaf, Plan, Target
from segmentd.errors import Internal, PluginBroken, Reason
from segmentd.niceness import give_way
from segmentd.population.deferred import Claimed, Deferred
from segmentd.population.guard import GuardedPopulation
from segmentd.population.typed import Mask, Population
from segmentd.population.verdict import Verdict
from segmentd.times import FOREVER, Instants


class JudgedUsers(Population, Protocol):
    """A population that knows when the next hidden event of a name appears."""

    def first_hidden(self, event: str) -> Instants: ...
    def gone(self) -> Mask | None: ...


class Known(Protocol):
    """Verdicts that need no judging: what is stored of plans outside the pass."""

    def verdict(self, plan: Plan) -> Verdict: ...


class EvaluationFailed(Internal):
    """A segment could not be judged; its members are unknown, not empty."""

    def __init__(self, plan: Plan, cause: Exception) -> None:
        super().__init__(
            Reason.EVALUATION_FAILED,
            f"segment {plan.segment_id} cannot be evaluated: {cause}",
            {"segment_id": plan.segment_id},
        )
        self.plan = plan


class Pass:
    """Judges plans over the same rows and instants. Without `known`, what is referred to is judged too.

    `only_members`: nobody will ask until when a verdict holds.
    """

    def __init__(
        self, users: JudgedUsers, at: Instants, known: Known | None = None, *, only_members: bool = False
    ) -> None:
        self._users = users
        self._only_members = only_members
        self._at = at
        self._known = known
        self._leaves: dict[tuple[str, int], Verdict] = {}
        self._plans: dict[int, Verdict | EvaluationFailed] = {}

    def verdict(self, plan: Plan) -> Verdict:
        """The verdict on one plan; judged once. Raises EvaluationFailed, each time it is asked for."""
        if id(plan) not in self._plans:
            for each in closure(plan) if self._known is None else (plan,):
                if id(each) not in self._plans:
                    self._plans[id(each)] = self._judge(each)
        result = self._plans[id(plan)]
        if isinstance(result, EvaluationFailed):
            raise result
        return result

    def bound(self, node: Bound) -> Verdict:
        """The verdict on one node of a plan."""
        if isinstance(node, Leaf):
            return self._leaf(node)
        if isinstance(node, Complement):
            return ~self.bound(node.child)
        if isinstance(node, Target):
            return self._target(node.plan)
        if not node.children:  # a segment without a rule: nobody
            return Verdict.forever(np.zeros(len(self._at), dtype=np.bool_))
        verdicts = (self.bound(child) for child in node.children)
        return reduce(Verdict.__and__ if node.conjunction else Verdict.__or__, verdicts)

    def named(self, plan: Plan, verdict: Verdict) -> Verdict:
        """The verdict with `include` and `exclude` laid over it, and removed rows left out; all of it holds forever."""
        for ids, member in ((plan.include, True), (plan.exclude, False)):
            if ids:
                here = self._users.named(ids)
                verdict = Verdict(np.where(here, member, verdict.member), np.where(here, FOREVER, verdict.holds_until))
        gone = self._users.gone()
        if gone is not None and bool(gone.any()):
            verdict = verdict.where(~gone)
        return verdict

    def _judge(self, plan: Plan) -> Verdict | EvaluationFailed:
        try:
            return self.named(plan, self.bound(plan.root))
        except EvaluationFailed as error:
            return EvaluationFailed(plan, error)
        except Exception as error:  # noqa: BLE001  (a plugin may raise anything; its segment fails, the others go on)
            return EvaluationFailed(plan, error)

    def _target(self, plan: Plan) -> Verdict:
        if self._known is not None and id(plan) not in self._plans:
            return self._known.verdict(plan)
        return self.verdict(plan)

    def _leaf(self, leaf: Leaf) -> Verdict:
        verdict = self._leaves.get(leaf.key)
        if verdict is None:
            verdict = self._leaves[leaf.key] = self._evaluate(leaf)
        return verdict

    def _evaluate(self, leaf: Leaf) -> Verdict:
        give_way()
        condition, reads = leaf.condition, leaf.reads
        users = GuardedPopulation(self._users, reads, condition.segment_type.name)
        model = leaf.model.model if leaf.model is not None else None
        verdict = condition.segment_type.evaluate(condition.params, model, users, self._at)
        if isinstance(verdict, Claimed) and not self._only_members:
            verdict = Verdict(verdict.member, verdict.holds_until)
        _check(verdict, self._at, leaf)
        for event in reads.events:
            verdict = verdict.until(self._users.first_hidden(event))
        return verdict


def closure(plan: Plan) -> list[Plan]:
    """The plan and all that it refers to, directly or not, each after what it refers to."""
    done: dict[int, Plan] = {}
    waiting = [plan]
    while waiting:
        missing = [each for each in waiting[-1].references if id(each) not in done]
        if missing:
            waiting.extend(missing)
        else:
            each = waiting.pop()
            done[id(each)] = each
    return list(done.values())


def _check(verdict: Verdict, at: Instants, leaf: Leaf) -> None:
    """Refuse what would otherwise be found in production."""
    name = leaf.condition.segment_type.name
    timely = leaf.reads.clock or leaf.reads.events
    sound = verdict.member.shape == at.shape and verdict.member.dtype == np.bool_
    if timely and sound and isinstance(verdict, Deferred):
        return  # its horizons are those of conditions, and are left until they are needed; or nobody will need them
    for field, array, dtype in (
        ("member", verdict.member, np.bool_),
        ("holds_until", verdict.holds_until, np.int64),
    ):
        if array.dtype != dtype or array.shape != at.shape:
            raise PluginBroken(
                f"{name} returned {field} as {array.dtype}{list(array.shape)}, "
                f"expected {np.dtype(dtype)}{list(at.shape)}"
            )
    if verdict.lasting:
        return
    if not _later(verdict.holds_until, at):
        raise PluginBroken(f"{name} returned a holds_until that is not later than the instant judged")
    if not timely and not bool((verdict.holds_until == FOREVER).all()):
        raise PluginBroken(f"{name} returned a holds_until, but its reads() did not declare clock")


def _later(holds_until: Instants, at: Instants) -> bool:
    if at.strides == (0,):  # one instant for all
        return not len(at) or bool(holds_until.min() > at[0])
    return bool((holds_until > at).all())
