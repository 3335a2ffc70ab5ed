"""One pass of judging for one user: the answers of `Pass`, without arrays where segment types offer that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np

from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.memberships import Words
from segmentd.engine.one_plan import compiled, step
from segmentd.engine.plan import Bound, Leaf, Plan
from segmentd.niceness import give_way
from segmentd.population.one_verdict import ALWAYS, NEVER, OneVerdict
from segmentd.population.views import UsersView
from segmentd.times import Instants

FEW: Final = 16
"""Up to so many users are judged one by one; more of them are faster with arrays (from about 24 on, as measured)."""
OneKnown: TypeAlias = Callable[[Plan], OneVerdict]
"""What is stored of a plan outside the pass."""


class Surroundings:
    """What a user is judged with beside its own data; it does not know the user, so that nothing goes in a circle."""

    __slots__ = ("_arrays", "_known", "_place")

    def __init__(self, place: int, arrays: Pass, known: OneKnown | None) -> None:
        self._place = place
        self._arrays = arrays
        self._known = known

    def by_arrays(self, leaf: Leaf) -> OneVerdict:
        """The verdict of `evaluate` on one condition."""
        verdict = self._arrays.bound(leaf)
        return verdict.member.item(self._place), verdict.holds_until.item(self._place)

    def known(self, plan: Plan) -> OneVerdict | None:
        """What is stored of a plan that is not being judged; None where all is to be judged."""
        return self._known(plan) if self._known is not None else None


class OnePass:
    """Judges plans for the user at `place` of a view. Without `known`, what is referred to is judged too."""

    def __init__(self, users: UsersView, place: int, arrays: Pass, known: OneKnown | None = None) -> None:
        """`arrays` is a pass over the same view, shared by its users, for what needs one."""
        self._judges_all = known is None
        self._layout = users.layout
        self._user = users.one(place)
        self._user.judging = Surroundings(place, arrays, known)
        gone = users.gone()
        self._user.gone = gone is not None and bool(gone[place])

    def verdict(self, plan: Plan) -> OneVerdict:
        """The verdict on one plan; judged once. Raises EvaluationFailed, each time it is asked for."""
        found = self.verdict_or_fault(plan)
        if isinstance(found, EvaluationFailed):
            raise found
        return found

    def verdict_or_fault(self, plan: Plan) -> OneVerdict | EvaluationFailed:
        """The verdict on one plan, or why there is none."""
        user = self._user
        node = plan.compiled.get(self._layout) or compiled(plan, self._layout)
        found: OneVerdict | EvaluationFailed | None = user.get(node)
        if found is None:
            if node.before and self._judges_all:
                for each in node.before:
                    if each not in user:
                        user[each] = each.judge(user)
            found = user[node] = node.judge(user)
        return found

    def bound(self, node: Bound) -> OneVerdict:
        """The verdict on one node of a plan that was judged before."""
        return step(node, self._layout).judge(self._user)


def one_by_one(users: UsersView) -> list[OnePass]:
    """A pass for each of a few users, in which what is referred to is judged too."""
    arrays = Pass(users, users.at)
    return [OnePass(users, place, arrays) for place in range(len(users))]


class StoredRow:
    """What is stored of one row: its bits, which follow what is judged, trusted as long as its horizon."""

    __slots__ = ("_horizon", "words")

    def __init__(self, words: list[int], horizon: int) -> None:
        self.words = words
        self._horizon = horizon

    def verdict(self, plan: Plan) -> OneVerdict:
        """The stored verdict."""
        member = self.member(plan.slot)
        return (member, self._horizon) if plan.clock else ALWAYS if member else NEVER

    def member(self, slot: int) -> bool:
        """The bit of a slot."""
        return bool(self.words[slot >> 6] >> (slot & 63) & 1)

    def turn(self, slot: int) -> None:
        """Change the bit of a slot."""
        self.words[slot >> 6] ^= 1 << (slot & 63)


class FewRows:
    """The stored answers of a few rows, judged one by one: `words` uint64 (n, width), `horizons` int64 (n,)."""

    def __init__(self, users: UsersView, words: Words, horizons: Instants) -> None:
        pairs = zip(words.tolist(), horizons.tolist(), strict=True)
        self.rows = [StoredRow(bits, horizon) for bits, horizon in pairs]
        arrays = Pass(users, users.at)
        self._passes = [OnePass(users, place, arrays, row.verdict) for place, row in enumerate(self.rows)]

    def judge(self, plans: Iterable[Plan]) -> Iterator[tuple[Plan, list[OneVerdict] | EvaluationFailed]]:
        """Each plan with a verdict for each row, in dependency order, or why there is none."""
        for plan in plans:
            give_way()
            try:
                yield plan, [each.verdict(plan) for each in self._passes]
            except EvaluationFailed as error:
                yield plan, error

    def store(self, plan: Plan, verdicts: Sequence[OneVerdict]) -> list[int]:
        """Set the bits of a plan and return the places of the rows where they changed."""
        slot = plan.slot
        changed = [place for place, row in enumerate(self.rows) if row.member(slot) is not verdicts[place][0]]
        for place in changed:
            self.rows[place].turn(slot)
        return changed

    @property
    def words(self) -> Words:
        """The bits as they are now, uint64 (n, width)."""
        return np.array([row.words for row in self.rows], dtype=np.uint64)
