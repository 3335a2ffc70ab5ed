"""What an evaluation answers about each user: about a few one by one, about many with arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from segmentd.engine.catalogue import Catalogue
from segmentd.engine.judging import Pass
from segmentd.engine.one_pass import FEW, OnePass, one_by_one
from segmentd.engine.plan import Fitted, Plan
from segmentd.errors import SegmentdError
from segmentd.population.one_user import Layout
from segmentd.population.one_verdict import ALWAYS, NEVER
from segmentd.population.views import UsersView
from segmentd.service.seen import active_plan
from segmentd.times import FOREVER, Micros


class Judged(NamedTuple):
    """One answer and the models by which it was judged, or why there is none."""

    member: bool = False
    holds_until: Micros = Micros(0)
    error: SegmentdError | None = None
    models: tuple[Fitted, ...] = ()


_MEMBER: Final = Judged(member=True, holds_until=FOREVER)
_NO_MEMBER: Final = Judged(member=False, holds_until=FOREVER)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answers about one user: one for each segment asked for, and the rule's where one was given."""

    user_id: str
    segments: tuple[Judged, ...] = ()
    rule: Judged | None = None
    error: SegmentdError | None = None
    user_known: bool = False


class Answers:
    """What a request asks about each user."""

    def __init__(self, catalogue: Catalogue, segment_ids: Sequence[str], ad_hoc: Plan | SegmentdError | None) -> None:
        self._plans: list[Plan | SegmentdError] = []
        for name in segment_ids:
            try:
                self._plans.append(active_plan(catalogue, name))
            except SegmentdError as error:
                self._plans.append(error)
        self._ad_hoc = ad_hoc

    def quick(self, layout: Layout) -> bool:
        """Whether all plans were compiled before, and judge nothing but what lasts, without arrays."""
        nodes = [plan.compiled.get(layout) for plan in self._plans if isinstance(plan, Plan)]
        return all(node is not None and node.lasting for node in nodes)

    def of_nobody(self, user_id: str) -> Evaluation:
        """A user nobody has written about is a member of nothing."""
        asked = (*self._plans, *([] if self._ad_hoc is None else [self._ad_hoc]))
        answers = [Judged(error=plan) if isinstance(plan, SegmentdError) else _NO_MEMBER for plan in asked]
        rule = None if self._ad_hoc is None else answers.pop()
        return Evaluation(user_id, tuple(answers), rule)

    def judge(self, users: UsersView, known: list[bool]) -> list[Evaluation]:
        """One evaluation for each user."""
        if len(users) <= FEW:
            return [self._alone(*each) for each in zip(one_by_one(users), users.user_ids(), known, strict=True)]
        judging = Pass(users, users.at)
        columns = [self._column(judging, plan, len(users)) for plan in self._plans]
        rule = self._column(judging, self._ad_hoc, len(users)) if self._ad_hoc is not None else None
        return [
            Evaluation(
                user_id,
                tuple(column[i] for column in columns),
                rule[i] if rule is not None else None,
                user_known=known[i],
            )
            for i, user_id in enumerate(users.user_ids())
        ]

    def _alone(self, judging: OnePass, user_id: str, known: bool) -> Evaluation:
        """The evaluation of one of a few users."""
        answers = tuple(_answer(judging, plan) for plan in self._plans)
        rule = _answer(judging, self._ad_hoc) if self._ad_hoc is not None else None
        return Evaluation(user_id, answers, rule, user_known=known)

    def _column(self, judging: Pass, plan: Plan | SegmentdError, size: int) -> list[Judged]:
        if isinstance(plan, SegmentdError):
            return [Judged(error=plan)] * size
        try:
            verdict = judging.verdict(plan)
        except SegmentdError as error:
            return [Judged(error=error)] * size
        pairs = zip(verdict.member.tolist(), verdict.holds_until.tolist(), strict=True)
        return [Judged(member, Micros(until), models=plan.all_models) for member, until in pairs]


def _answer(judging: OnePass, plan: Plan | SegmentdError) -> Judged:
    if isinstance(plan, SegmentdError):
        return Judged(error=plan)
    verdict = judging.verdict_or_fault(plan)
    if isinstance(verdict, SegmentdError):
        return Judged(error=verdict)
    if not plan.all_models and (verdict is ALWAYS or verdict is NEVER):
        return _MEMBER if verdict is ALWAYS else _NO_MEMBER
    return Judged(verdict[0], Micros(verdict[1]), None, plan.all_models)
