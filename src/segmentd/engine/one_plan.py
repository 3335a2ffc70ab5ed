"""Plans compiled for one user at a time: functions of plain values, and arrays where a segment type offers none."""

from __future__ import annotations

from operator import itemgetter
from typing import Final, NamedTuple

from segmentd.engine.judging import EvaluationFailed, closure
from segmentd.engine.plan import Bound, Complement, Joint, Leaf, Plan, Target
from segmentd.errors import PluginBroken
from segmentd.plugins.segment_type import speaks_for
from segmentd.population.one_user import JudgeOne, Layout, OneUser
from segmentd.population.one_verdict import ALWAYS, NEVER, OneVerdict, all_of, any_of, opposite
from segmentd.population.readers import Readers
from segmentd.times import FOREVER

_MOST_LAYOUTS: Final = 8
"""So many layouts of one plan are remembered: that of the stored users, and those of requests."""
_MAY_NOT_BIND, _LASTING, _TIMED, _ARRAYS = range(4)
"""In this order operands are asked: what cannot be bound must show, and what costs little may decide."""


class Step(NamedTuple):
    """What judges one node of a rule, and when it is its turn among its siblings."""

    turn: int
    judge: JudgeOne


class LeafNode:
    """A condition; equal ones of a layout are one node, so that a user is judged once for all of them.

    Those that last are cheaper to judge again than to remember.
    """

    __slots__ = ("__weakref__", "_first_hidden", "_judge", "_lasting", "leaf", "turn")

    def __init__(self, leaf: Leaf, layout: Layout) -> None:
        condition, reads = leaf.condition, leaf.reads
        self.leaf = leaf
        self._judge: JudgeOne | None = None
        self._lasting = not (reads.clock or reads.events)
        self.turn = _LASTING if self._lasting else _TIMED
        readers = Readers(layout, reads, condition.segment_type.name)
        self._first_hidden = [readers.events(name) for name in reads.events]
        model = leaf.model.model if leaf.model is not None else None
        try:
            if speaks_for(condition.segment_type, "for_one", "evaluate"):
                self._judge = condition.segment_type.for_one(condition.params, model, readers)
        except Exception:  # noqa: BLE001  (a plugin may raise anything; `evaluate` says what is wrong)
            self.turn = _MAY_NOT_BIND
        else:
            self.turn = _ARRAYS if self._judge is None else self.turn

    def find(self, user: OneUser) -> OneVerdict:
        """The verdict on one user."""
        if self._judge is not None:
            try:
                verdict = self._judge(user)
            except Exception:  # noqa: BLE001, S110  (it is left to `evaluate`, which raises what is to be said)
                pass
            else:
                if self._lasting and (verdict is ALWAYS or verdict is NEVER):
                    return verdict
                return self._kept(verdict, user)
        by_arrays: OneVerdict = user.judging.by_arrays(self.leaf)
        return by_arrays

    def _kept(self, verdict: OneVerdict, user: OneUser) -> OneVerdict:
        """The verdict as the engine keeps it, see `Pass`; what would be found in production is refused."""
        if not _sound(verdict, user.at) or (self._lasting and verdict[1] != FOREVER):
            name = self.leaf.condition.segment_type.name
            raise PluginBroken(f"{name} judged one user as {verdict!r}: no bool and later instant that its reads allow")
        member, until = verdict
        for events in self._first_hidden:
            until = min(until, events(user).first_hidden)
        return member, until


class PlanNode:
    """A plan; `before` are those that it refers to, directly or not, each after what it refers to."""

    __slots__ = ("_judge", "before", "plan", "turn")

    def __init__(self, plan: Plan, layout: Layout, before: tuple[PlanNode, ...]) -> None:
        self.plan = plan
        self.before = before
        self.turn, self._judge = step(plan.root, layout)
        if plan.include or plan.exclude:
            self._judge = _named(plan, self._judge)

    @property
    def lasting(self) -> bool:
        """Whether all of its conditions last and need no arrays: a matter of microseconds."""
        return self.turn == _LASTING

    def find(self, user: OneUser) -> OneVerdict | EvaluationFailed:
        """The verdict on one user, or why there is none: what is stored for a plan that is not being judged."""
        known: OneVerdict | None = user.judging.known(self.plan)
        # One that is due is being judged, as another node: this one was made before the plan was compiled again.
        return self.judge(user) if known is None or known[1] <= user.at else known

    def judge(self, user: OneUser) -> OneVerdict | EvaluationFailed:
        """The rule, with `include` and `exclude` laid over it; removed rows are nobody."""
        try:
            verdict = self._judge(user)
        except Exception as error:  # noqa: BLE001  (a plugin may raise anything; its segment fails, the others go on)
            return EvaluationFailed(self.plan, error)
        return NEVER if user.gone else verdict


def compiled(plan: Plan, layout: Layout) -> PlanNode:
    """The plan for users of this layout."""
    node: PlanNode | None = plan.compiled.get(layout)
    if node is not None:
        return node
    *before, _ = closure(plan)
    nodes = tuple(compiled(each, layout) for each in before)  # each finds those before it done
    if len(plan.compiled) >= _MOST_LAYOUTS:
        plan.compiled.clear()
    node = plan.compiled[layout] = PlanNode(plan, layout, nodes)
    return node


def step(node: Bound, layout: Layout) -> Step:
    """What judges one node of a rule, with all below it."""
    if isinstance(node, Leaf):
        leaf = _leaf_node(node, layout)
        return Step(leaf.turn, leaf.find if leaf.turn == _LASTING else itemgetter(leaf))
    if isinstance(node, Complement):
        turn, judge = step(node.child, layout)
        return Step(turn, opposite(judge))
    if isinstance(node, Target):
        target = compiled(node.plan, layout)
        return Step(target.turn, _target(target))
    return _joint(node, layout)


def _named(plan: Plan, rule: JudgeOne) -> JudgeOne:
    def judge(user: OneUser) -> OneVerdict:
        verdict = rule(user)
        ids = user.owner.ids_of(user.owner_row)
        if not plan.exclude.isdisjoint(ids):
            return NEVER
        return verdict if plan.include.isdisjoint(ids) else ALWAYS

    return judge


def _joint(node: Joint, layout: Layout) -> Step:
    if not node.children:  # a segment without a rule: nobody
        return Step(_LASTING, lambda _: NEVER)
    steps = sorted((step(child, layout) for child in node.children), key=lambda step: step.turn)
    judges = [step.judge for step in steps]
    first, last = steps[0].turn, steps[-1].turn
    return Step(first if first == _MAY_NOT_BIND else last, (all_of if node.conjunction else any_of)(judges))


def _leaf_node(leaf: Leaf, layout: Layout) -> LeafNode:
    node: LeafNode | None = layout.nodes.get(leaf.key)
    if node is None or not _alike(node.leaf, leaf):
        node = layout.nodes[leaf.key] = LeafNode(leaf, layout)
    return node


def _alike(one: Leaf, other: Leaf) -> bool:
    return one.model is other.model and one.condition.segment_type is other.condition.segment_type


def _sound(verdict: object, at: int) -> bool:
    if not isinstance(verdict, tuple) or len(verdict) != 2:
        return False
    member, until = verdict
    return type(member) is bool and type(until) is int and at < until <= FOREVER


def _target(node: PlanNode) -> JudgeOne:
    def judge(user: OneUser) -> OneVerdict:
        verdict: OneVerdict | EvaluationFailed = user[node]
        if isinstance(verdict, EvaluationFailed):
            raise verdict
        return verdict

    return judge
