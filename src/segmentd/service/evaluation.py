"""Judging what is not stored: a rule, a user in the context of a request, profiles that a request brings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from segmentd.engine.catalogue import State, check_references
from segmentd.engine.compile import Definition, check_kinds, compile_plan, references
from segmentd.engine.counting import count_members
from segmentd.engine.judging import Pass
from segmentd.engine.models import fit, model_conditions
from segmentd.engine.plan import Fitted, Plan
from segmentd.engine.reevaluate import StoredVerdicts
from segmentd.engine.rule import Node, parse_rule
from segmentd.errors import FailedPrecondition, InvalidInput, Reason, SegmentdError
from segmentd.population.kinds import Json
from segmentd.population.overlay import OverlaidUsers
from segmentd.population.views import UsersView
from segmentd.service.binding import needed_events
from segmentd.service.engine import Engine
from segmentd.service.evaluated import Answers, Evaluation
from segmentd.service.event_loading import drop_tables, load_tables
from segmentd.service.items import PreparedProfile, ProfileWrite, prepare_profile
from segmentd.service.profile_drafts import Draft, derives_from
from segmentd.service.reach import check_reach
from segmentd.service.request_users import GivenProfile, RequestUsers
from segmentd.service.seen import active_plan
from segmentd.times import Micros

T = TypeVar("T")
_AT_ONCE: Final = 200
"""More segments than this are judged on the engine's thread, whatever they are."""
_AD_HOC: Final = "(rule)"


@dataclass(frozen=True, slots=True)
class Count:
    """How many of all users a rule has as members."""

    members: int
    users: int
    revision: int
    at: Micros


@dataclass(frozen=True, slots=True)
class Evaluated:
    """All evaluations of a request, at one revision and instant."""

    evaluations: list[Evaluation]
    revision: int
    at: Micros


class Evaluations:
    """The use cases of EvaluationService. Nothing is saved."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live

    async def count(self, rule: Json) -> Count:
        """The size of a rule before it is saved; a model that nobody has fitted yet is fitted for the count."""
        return await self._on_engine(lambda: self._tidied(lambda: self._count(rule)))

    async def stored(
        self, user_id: str, context: Mapping[str, Json], segment_ids: Sequence[str], rule: Json
    ) -> Evaluated:
        """One stored user, with attributes of the request laid over its own."""
        prepared = prepare_profile(ProfileWrite(user_id, context))
        if rule is not None:
            return await self._on_engine(lambda: self._tidied(lambda: self._stored(prepared, segment_ids, rule)))
        at_once = self._at_once(prepared, segment_ids)
        if at_once is not None:
            return at_once
        return await self._on_engine(lambda: self._stored(prepared, segment_ids, None))

    async def given(self, profiles: Sequence[GivenProfile], segment_ids: Sequence[str], rule: Json) -> Evaluated:
        """Profiles that the request brings; one that is refused does not spoil the others."""
        return await self._on_engine(lambda: self._given(profiles, segment_ids, rule))

    async def _on_engine(self, run: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._engine.thread.call(run))

    def _count(self, rule: Json) -> Count:
        at, live = self._engine.tick(), self._live
        plan = self._plan(rule, lambda node: self._fitted(node, at))

        def pass_over(start: int, stop: int) -> Pass:
            users = live.users.span(start, stop, at)
            stored = StoredVerdicts(live.memberships.words[start:stop], live.memberships.horizons[start:stop])
            return Pass(users, users.at, stored, only_members=True)

        return Count(count_members(plan, len(live.users), pass_over), live.users.present, live.revision, at)

    def _stored(self, prepared: PreparedProfile, segment_ids: Sequence[str], rule: Json) -> Evaluated:
        live = self._live
        at = live.present(self._engine.clock.now())
        ad_hoc = self._rule(rule, self._with_events)
        answers = Answers(live.catalogue, segment_ids, ad_hoc)
        row = live.users.index.get(prepared.user_id)
        if row is None and not prepared.attributes:
            return Evaluated([answers.of_nobody(prepared.user_id)], live.revision, at)
        return Evaluated(answers.judge(self._one(row, prepared, at), [row is not None]), live.revision, at)

    def _at_once(self, prepared: PreparedProfile, segment_ids: Sequence[str]) -> Evaluated | None:
        """What takes microseconds, judged on the thread that asks; None for what may take longer, or wait."""
        live = self._live
        if len(segment_ids) > _AT_ONCE or derives_from(self._engine.plugins.derivations, prepared.attributes.keys()):
            return None
        if not live.writing.acquire(blocking=False):
            return None
        try:
            with live.lock:  # columns are those of this revision as long as nobody writes
                at, revision = live.present(self._engine.clock.now()), live.revision
                answers = Answers(live.catalogue, segment_ids, None)
                row = live.users.index.get(prepared.user_id, -1)
                known = not live.ahead and 0 <= row < live.published_rows
            if not known:
                return None
            users = self._one(row, prepared, at)
            return Evaluated(answers.judge(users, [True]), revision, at) if answers.quick(users.layout) else None
        finally:
            live.writing.release()

    def _one(self, row: int | None, prepared: PreparedProfile, at: Micros) -> UsersView:
        """A stored user, or none, under the attributes of a request."""
        instants = np.array([at], dtype=np.int64)
        if row is None:
            alone = self._users(at)
            alone.add(prepared.user_id, prepared.attributes)
            return alone.dataset.view(slice(0, 1), instants)
        stored = self._live.users.view(np.array([row], dtype=np.int64), instants)
        if not prepared.attributes:
            return stored
        over = self._users(at)
        names = over.add_over(prepared.user_id, prepared.attributes, lambda: self._draft(row))
        return OverlaidUsers(stored, over.dataset.view(slice(0, 1), instants), names)

    def _given(self, profiles: Sequence[GivenProfile], segment_ids: Sequence[str], rule: Json) -> Evaluated:
        live = self._live
        at = live.present(self._engine.clock.now())
        ad_hoc = self._rule(rule, lambda _: live.models.latest)
        refused: dict[int, Evaluation] = {}
        together = self._users(at)
        for place, given in enumerate(profiles):
            try:
                together.add_given(given)
            except InvalidInput as error:
                refused[place] = Evaluation(given.profile.user_id, error=error)
        users = together.dataset.everyone(at)
        answers = Answers(live.catalogue, segment_ids, ad_hoc)
        judged = iter(answers.judge(users, [False] * len(users)))
        evaluations = [refused[i] if i in refused else next(judged) for i in range(len(profiles))]
        return Evaluated(evaluations, live.revision, at)

    def _rule(self, rule: Json, models: Callable[[Node], Mapping[str, Fitted]]) -> Plan | SegmentdError | None:
        """The plan of a request's rule, or why it has no answer because of a segment that it refers to."""
        if rule is None:
            return None
        try:
            return self._plan(rule, models)
        except FailedPrecondition as error:
            if error.reason is Reason.NO_MODEL:
                raise
            return error

    def _plan(self, rule: Json, models: Callable[[Node], Mapping[str, Fitted]]) -> Plan:
        """A plan for a rule that belongs to no segment."""
        live = self._live
        node = parse_rule(rule, self._engine.plugins.segment_types)
        definition = Definition(_AD_HOC, 0, 0, node, frozenset(), frozenset())
        entries = {name: entry for name, entry in live.catalogue.entries.items() if entry.state is not State.ARCHIVED}
        check_references(definition, entries)
        try:
            check_kinds(node, live.schema)
        except InvalidInput as error:
            raise InvalidInput(error.violations, Reason.INVALID_RULE) from None
        check_reach(node, live.keeps)
        targets = {each.segment_id: active_plan(live.catalogue, each.segment_id) for each in references(node)}
        fitted = models(node)
        for key, condition in model_conditions([node]).items():
            if key not in fitted:
                name = condition.segment_type.name
                raise FailedPrecondition(
                    Reason.NO_MODEL, f"{condition.path}: it has nobody to learn from yet", {"type": name}
                )
        return compile_plan(definition, 0, targets, fitted.get)

    def _with_events(self, node: Node) -> Mapping[str, Fitted]:
        """The models in force, with the events in memory that the rule reads of stored users."""
        load_tables(self._live, self._engine.store, needed_events([node]))
        return self._live.models.latest

    def _fitted(self, node: Node, at: Micros) -> Mapping[str, Fitted]:
        """The same, and for the occasion a model for each key that has none."""
        found = dict(self._with_events(node))
        for key, condition in model_conditions([node]).items():
            if key not in found:
                model = fit(condition, self._live.users, at)
                if model is not None:
                    found[key] = Fitted(key, 0, model, at)
        return found

    def _tidied(self, run: Callable[[], T]) -> T:
        """Run, and forget the events that were loaded for it, whatever becomes of it."""
        before = set(self._live.users.tables)
        try:
            return run()
        finally:
            if self._live.users.tables.keys() - before:  # what all segments read is a long list
                entries = self._live.catalogue.entries.values()
                drop_tables(self._live, needed_events([entry.definition.rule for entry in entries]))

    def _draft(self, row: int) -> Draft:
        key = self._live.user_key(row)
        return Draft.of(self._engine.store.read_profiles([key])[key])

    def _users(self, at: Micros) -> RequestUsers:
        return RequestUsers(self._live, self._engine.plugins.derivations, self._engine.currencies, at)
