"""A user alone is judged without arrays to exactly what arrays give: every built-in type, any rule, any instant."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins import test_attribute, test_behavioral, test_demographic, test_geographic, test_technographic

from segmentd.engine import reevaluate as reevaluation
from segmentd.engine.compile import Definition, ModelMissing, compile_plan, conditions, model_key
from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.memberships import Memberships
from segmentd.engine.one_pass import one_by_one
from segmentd.engine.plan import Fitted, Plan
from segmentd.engine.reevaluate import Work
from segmentd.engine.rule import Node, parse_rule
from segmentd.engine.stage import Stage
from segmentd.plugins.host import load_plugins
from segmentd.plugins.segment_type import Reads
from segmentd.population.build import build_dataset
from segmentd.population.dataset import Dataset
from segmentd.population.kinds import Json, Kind
from segmentd.population.schema import Schema
from segmentd.testing.naming import KnownKinds
from segmentd.testing.random_users import RandomUsers
from segmentd.times import DAY, Micros, parse_instant

TYPES = load_plugins(frozenset()).segment_types
NOW = parse_instant("2026-11-21T10:00:00.123456Z")
COUNT = 24

_BEHAVIORAL = [
    {"event": test_behavioral.E, **window, **measure, **test_behavioral.FILTERS[place % len(test_behavioral.FILTERS)]}
    for place, (window, measure) in enumerate(
        (window, measure) for window in test_behavioral.WINDOWS for measure in test_behavioral.MEASURES
    )
]
_LIST: list[dict[str, Any]] = [
    {"users": ["user-1", "user-4"]},
    {"uploaded": "beta"},
    {"percentage": {"salt": "s", "from": 2000, "to": 7000}},
    {"uploaded": "beta", "percentage": {"salt": "s", "to": 9000}, "users": [f"user-{n}" for n in range(50)]},
]
_LIFECYCLE: list[dict[str, Any]] = [{"stage": "power"}, {"stage": ["new", "active"]}]
_RFM: list[dict[str, Any]] = [{"orders": {"at_least": 2}}, {"recency": {"at_least": "30d"}}, {"segment": "Champions"}]
CONDITIONS: list[tuple[str, Mapping[str, Any]]] = [
    *(("attribute", each) for each in test_attribute.EXAMPLES),
    *(("demographic", each) for each in test_demographic.EXAMPLES),
    *(("geographic", each) for each in test_geographic.EXAMPLES),
    *(("technographic", each) for each in test_technographic.EXAMPLES),
    *(("behavioral", each) for each in _BEHAVIORAL),
    *(("list", each) for each in _LIST),
    *(("lifecycle", each) for each in _LIFECYCLE),
    *(("rfm", each) for each in _RFM),
]


def users_of(rules: Sequence[Json], seed: object, at: Micros) -> tuple[Dataset, list[Node]]:
    """Random users who have what the rules read, with events ahead of time among theirs; and the parsed rules."""
    nodes = [parse_rule(rule, TYPES) for rule in rules]
    reads = [each.segment_type.reads(each.params) for node in nodes for each in conditions(node)]
    events: dict[str, frozenset[str]] = {}
    for each in reads:
        for name, properties in each.events.items():
            events[name] = events.get(name, frozenset()) | properties
    names = frozenset[str]().union(*(each.attributes for each in reads))
    lists = frozenset[str]().union(*(each.lists for each in reads))
    kinds = Schema()
    attributes = {name: kinds.attribute(name) or _kind(name, nodes, seed) for name in sorted(names)}
    of_events = {
        (event, key): kinds.event_property(event, key) or test_behavioral.KINDS.get((event, key), Kind.NUMBER)
        for event, read in events.items()
        for key in read
    }
    for name, kind in attributes.items():
        kinds.set_attribute(name, kind)
    for (event, name), kind in of_events.items():
        kinds.set_property(event, name, kind)
    source = RandomUsers(str(seed), Reads(names, events, True, lists), attributes, of_events, list(rules), {})
    return build_dataset(source.draw(COUNT, at), kinds), nodes


def _kind(name: str, nodes: Sequence[Node], seed: object) -> Kind:
    """One of the kinds to which all conditions apply; any, if they contradict each other."""
    fits = [
        kind
        for kind in Kind
        if not any(
            fault
            for node in nodes
            for each in conditions(node)
            for fault in each.segment_type.check(each.params, KnownKinds({name: kind}, {}))
        )
    ]
    return random.Random(f"{seed}/{name}").choice(fits or list(Kind))


def plans_of(
    nodes: Sequence[Node], users: Dataset, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> list[Plan]:
    """A plan for each rule; one may refer to those before it as s0, s1, …"""
    fitted: dict[str, Fitted] = {}
    everyone = users.everyone(NOW)
    for node in nodes:
        for each in conditions(node):
            key = model_key(each)
            if key is not None and key not in fitted:
                model = each.segment_type.fit(each.params, everyone, NOW)
                if model is not None:
                    fitted[key] = Fitted(key, 1, model, NOW)
    plans: dict[str, Plan] = {}
    for place, node in enumerate(nodes):
        definition = Definition(f"s{place}", place + 1, 1, node, frozenset(include), frozenset(exclude))
        plans[f"s{place}"] = compile_plan(definition, place, plans, fitted.get)
    return list(plans.values())


def agree(users: Dataset, plans: Sequence[Plan], at: Sequence[int]) -> None:
    """Both ways give the same members, horizons and errors, for each user at its instant."""
    view = users.view(np.arange(len(users)), np.array(at, dtype=np.int64))
    together = Pass(view, view.at)
    alone = one_by_one(view)
    for plan in plans:
        verdict = verdict_or_none(together, plan)
        if verdict is None:
            assert verdict_or_none(alone[0], plan) is None
        else:
            expected = list(zip(verdict.member.tolist(), verdict.holds_until.tolist(), strict=True))
            assert [each.verdict(plan) for each in alone] == expected, plan.segment_id


def verdict_or_none(judging: Any, plan: Plan) -> Any:
    try:
        return judging.verdict(plan)
    except EvaluationFailed as error:
        assert error.plan is plan  # noqa: PT017  (there may be none)
        return None


@pytest.mark.parametrize("name", sorted({name for name, _ in CONDITIONS}))
def test_every_condition_of_a_type_alone(name: str) -> None:
    rules: list[Json] = [{key: dict(params)} for key, params in CONDITIONS if key == name]
    for place in range(0, len(rules), 40):
        some = rules[place : place + 40]
        for seed in range(3):
            users, nodes = users_of(some, (name, place, seed), NOW)
            plans = []
            for node in nodes:
                with suppress(ModelMissing):  # nobody has an order
                    plans += plans_of([node], users)
            agree(users, plans, _instants(seed))


def _instants(seed: int) -> list[int]:
    source = random.Random(seed)
    return [NOW + source.choice([0, 1, -1, DAY, -3 * DAY, source.randrange(-60 * DAY, 60 * DAY)]) for _ in range(COUNT)]


_LEAF = st.sampled_from([each for each in CONDITIONS if each[0] != "rfm"]).map(lambda pair: {pair[0]: dict(pair[1])})
_REFERENCE = st.integers(0, 2).map(lambda number: {"segment": f"s{number}"})


def _trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda below: st.one_of(
            st.lists(below, min_size=1, max_size=4).map(lambda nodes: {"all": nodes}),
            st.lists(below, min_size=1, max_size=4).map(lambda nodes: {"any": nodes}),
            below.map(lambda node: {"not": node}),
        ),
        max_leaves=8,
    )


@given(
    first=st.lists(_trees(_LEAF), min_size=3, max_size=3),
    later=st.lists(_trees(_LEAF | _REFERENCE), min_size=1, max_size=3),
    seed=st.integers(0, 10**6),
    named=st.tuples(st.sets(st.integers(0, COUNT)), st.sets(st.integers(0, COUNT))),
)
def test_any_rule_of_any_types(first: list[Any], later: list[Any], seed: int, named: tuple[set[int], set[int]]) -> None:
    users, nodes = users_of([*first, *later], seed, NOW)
    include, exclude = ([f"user-{number}" for number in each] for each in named)
    users.remove(seed % COUNT)
    users.merge_row((seed + 1) % COUNT, (seed + 2) % COUNT)
    plans = plans_of(nodes, users, include, exclude)
    agree(users, plans, _instants(seed))


def staged(users: Dataset, plans: Sequence[Plan], rows: Sequence[int], at: Sequence[int], few: int) -> Any:
    """What judging these rows anew, after judging all, would store and log; `few` users are judged one by one."""
    stored = Memberships()
    stored.ensure(len(users))
    for plan in plans:
        assert stored.allocate() == plan.slot
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reevaluation, "FEW", 0)
        work = Work(users, plans, [], Stage(stored))
        reevaluation.reevaluate(work, plans, np.arange(len(users)), np.full(len(users), NOW - 9 * DAY), afresh=True)
        work.stage.publish(len(users))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reevaluation, "FEW", few)
        work = Work(users, plans[:-1], plans[-1:], Stage(stored))
        # All first: a part may be judged by itself where nothing that it refers to is due.
        for part, chosen in ((plans, True), (plans[1:], False), (plans[:1], False)):
            reevaluation.reevaluate(work, part, np.array(rows), np.array(at, dtype=np.int64), afresh=chosen)
    words, horizons = work.stage.read(np.array(rows))
    moves = [
        (each.plan.segment_id, each.order, each.rows.tolist(), each.entered.tolist(), each.at.tolist())
        for each in work.stage.moves
    ]
    return words.tolist(), horizons.tolist(), moves, work.stage.counts.tolist(), set(work.failed)


@given(
    first=st.lists(_trees(_LEAF), min_size=3, max_size=3),
    later=st.lists(_trees(_LEAF | _REFERENCE), min_size=1, max_size=3),
    seed=st.integers(0, 10**6),
    rows=st.sets(st.integers(0, COUNT - 1), min_size=1, max_size=8),
)
def test_a_few_rows_are_judged_anew_as_many_are(first: list[Any], later: list[Any], seed: int, rows: set[int]) -> None:
    users, nodes = users_of([*first, *later], seed, NOW)
    plans, at = plans_of(nodes, users), _instants(seed)
    chosen = sorted(rows)
    one, many = (staged(users, plans, chosen, [at[row] for row in chosen], few) for few in (8, 0))
    assert one == many
