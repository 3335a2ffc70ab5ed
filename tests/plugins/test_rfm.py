"""RFM: scores, groups and values, against a slow oracle and the published results of the R package rfm."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.plugins import rfm_oracle as oracle

from segmentd.api import DAY, FOREVER, HOUR, MAX_INSTANT, Kind, Model
from segmentd.testing import GivenEvent, GivenUser, check_segment_type, event, fit, instant, judge, population, user
from segmentd_types.rfm.bounds import Ages, Amounts
from segmentd_types.rfm.maps import CLEVERTAP, CLEVERTAP_GRID, COMPATIBLE
from segmentd_types.rfm.params import RfmParams
from segmentd_types.rfm.segment_type import Rfm

RFM = Rfm()
NOW = instant("2026-11-21T10:00:00Z")
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "rfm_orders"
CUTS = {"r": ["1d", "7d", "30d", "90d"], "f": [2, 3, 4, 5], "m": [1, 10, 100, 1000.5]}
GROUPS = {"quantile": CLEVERTAP.names, "compatible": COMPATIBLE.names}

EVENTS = st.builds(
    lambda name, hours, properties: event(
        name, NOW - hours * HOUR, {k: v for k, v in properties.items() if v is not None}
    ),
    st.sampled_from(["Order Completed", "Order Completed", "Order Completed", "Order Refunded", "Order Cancelled"]),
    st.integers(-30, 24 * 60),
    st.fixed_dictionaries(
        {
            "order_id": st.sampled_from([None, "a", "b", "c"]),
            "revenue": st.sampled_from([None, 0, 5, 10, 10.01]),
            "total": st.sampled_from([None, 3, 1e9]),
        }
    ),
)
USERS = st.lists(st.lists(EVENTS, max_size=6), max_size=12).map(
    lambda all_events: [GivenUser(f"u{row}", {}, tuple(events)) for row, events in enumerate(all_events)]
)


def order(days_ago: float, revenue: float = 10, order_id: str | None = None) -> GivenEvent:
    named = {} if order_id is None else {"order_id": order_id}
    return event("Order Completed", NOW - int(days_ago * DAY), {"revenue": revenue, **named})


def refund(days_ago: float, total: float | None, order_id: str | None = None) -> GivenEvent:
    properties = {"total": total, "order_id": order_id}
    given = {key: value for key, value in properties.items() if value is not None}
    return event("Order Refunded", NOW - int(days_ago * DAY), given)


def members(params: dict[str, Any], users: list[GivenUser], at: int = NOW, model: Model | None = None) -> list[bool]:
    found: list[bool] = judge(RFM, params, population(users, at), model).member.tolist()
    return found


def test_rfm_keeps_the_contract() -> None:
    examples: list[dict[str, Any]] = [
        {"segment": "Champions"},
        {"segment": ["AtRisk", "CantLose", "never purchased"], "within": "30d"},
        {"segment": "never purchased"},
        {"scoring": "compatible", "segment": ["Lost", "About To Sleep"]},
        {"scoring": "compatible", "map": "clevertap", "r": {"at_least": 4}},
        {"r": {"at_least": 4}, "m": {"between": [2, 5]}, "within": "8d"},
        {"cuts": CUTS, "f": {"below": 3}, "segment": ["New", "Promising"]},
        {"orders": {"equals": 0}},
        {"orders": {"above": 1}, "spend": {"at_least": 17.5}, "within": "7d"},
        {"average_order_value": {"at_most": 1}},
    ]
    values: dict[str, list[Any]] = {"order_id": ["a", "b"], "revenue": [0, 0.5, 1, 17.5, 18], "total": [1, 18]}
    check_segment_type(RFM, examples, oracle=oracle.member, values=values)


@pytest.mark.parametrize(
    "example",
    [
        {"recency": {"at_least": "7d", "below": "30d"}},
        {"recency": {"above": "1d"}, "segment": "Loyal", "within": "1mo"},
        {"orders": {"at_least": 1}, "during": {"unit": "month", "count": 2}},
        {"spend": {"below": 3}, "from": "2026-01-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"},
        {"grid": [list("abcde"), list("abcde"), list("fghij"), list("klmno"), list("klmno")], "segment": ["a", "h"]},
        {"groups": [{"name": "VIP", "r": [4, 5], "m": [5, 5]}], "otherwise": "Rest", "segment": "Rest"},
        {"events": {"completed": "Paid", "refunded": None, "cancelled": None}, "orders": {"above": 0}},
        {"properties": {"amount": ["sum"], "order_id": "number"}, "spend": {"above": 2}},
    ],
)
def test_every_window_and_map_keeps_the_contract(example: dict[str, Any]) -> None:
    check_segment_type(RFM, [example])


@settings(deadline=None)
@given(USERS)
def test_values_equal_the_oracle(users: list[GivenUser]) -> None:
    found = population(users, NOW)
    for bound in (0, 5, 10.01):
        for name in ("orders", "spend", "average_order_value"):
            for within in ({}, {"within": "20d"}):
                params = {name: {"at_least": bound}, **within}
                expected = [oracle.member(RfmParams.model_validate(params), None, each, NOW) for each in users]
                assert judge(RFM, params, found).member.tolist() == expected


@settings(deadline=None)
@given(USERS)
def test_a_quantile_score_is_the_formula_for_every_fitted_user(users: list[GivenUser]) -> None:
    _scores_equal(users, {}, oracle.quantile_scores)


@settings(deadline=None)
@given(USERS)
def test_a_compatible_score_is_that_of_exact_type_7_quantiles(users: list[GivenUser]) -> None:
    _scores_equal(users, {"scoring": "compatible"}, oracle.compatible_scores)


def _scores_equal(users: list[GivenUser], how: dict[str, Any], formula: Any) -> None:
    everybody = oracle.learned_from(users, NOW)
    found = population(users, NOW)
    model = fit(RFM, {"r": {"equals": 1}, **how}, found)
    assert (model is None) == (not everybody)
    if model is None:
        return
    assert model.size == len(everybody)
    for place, letter in enumerate("rfm"):
        for score in range(1, 6):
            got = judge(RFM, {letter: {"equals": score}, **how}, found, model).member.tolist()
            mine = [everybody.get(each.user_id) for each in users]
            scored = [each is not None and formula(list(everybody.values()), each)[place] == score for each in mine]
            assert got == scored


@settings(deadline=None)
@given(USERS, st.sampled_from(["quantile", "compatible"]), st.integers(0, 100))
def test_groups_of_one_map_are_disjoint_and_total_at_every_instant(
    users: list[GivenUser], scoring: str, days: int
) -> None:
    model = fit(RFM, {"scoring": scoring, "r": {"equals": 1}}, population(users, NOW))
    later = population(users, NOW + days * DAY)
    names = [*GROUPS[scoring], "never purchased"]
    if model is None:
        names = ["never purchased"]
    counts = sum(judge(RFM, {"scoring": scoring, "segment": name}, later, model).member.astype(int) for name in names)
    if model is not None:
        assert np.all(counts == 1)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="../shared/data/rfm_orders is not here")
def test_the_published_scores_and_labels_are_reproduced() -> None:
    orders = defaultdict(list)
    with (PUBLISHED / "rfm_data_orders.csv").open(newline="") as lines:
        for line in csv.DictReader(lines):
            paid = {"revenue": float(line["revenue"])}
            orders[line["customer_id"]].append(event("Order Completed", f"{line['order_date']}T00:00:00Z", paid))
    users = [user(name, {}, *events) for name, events in orders.items()]
    at = instant("2006-12-31T00:00:00Z")
    found = population(users, at)
    how: dict[str, Any] = {"scoring": "compatible"}
    model = fit(RFM, {**how, "segment": "Lost"}, found)
    assert model is not None
    scores = np.zeros((3, len(users)), dtype=np.int64)
    for place, letter in enumerate("rfm"):
        for score in range(1, 6):
            scores[place] += score * judge(RFM, {**how, letter: {"equals": score}}, found, model).member
    labels = np.full(len(users), "", dtype=object)
    for name in COMPATIBLE.names:
        labels[judge(RFM, {**how, "segment": name}, found, model).member] = name
    plain = [oracle.bought(each, at) for each in users]
    ours = Counter(
        (label, each.orders, (at - (each.last or 0)) // DAY, each.spend // 1_000_000, *map(int, three))
        for label, each, three in zip(labels, plain, scores.T, strict=True)
    )
    with (PUBLISHED / "expected_orders_rfm_segments.csv").open(newline="") as lines:
        published = Counter(
            (
                line["segment"],
                *(
                    int(line[name])
                    for name in (
                        "transaction_count",
                        "recency_days",
                        "amount",
                        "recency_score",
                        "frequency_score",
                        "monetary_score",
                    )
                ),
            )
            for line in csv.DictReader(lines)
        )
    assert ours == published
    assert model.size == 995
    assert model.summary["recency_days"] == [115.0, 181.0, 297.4, 482.0]


def test_a_grid_covers_each_cell_exactly_once() -> None:
    for r in range(1, 6):
        for f in range(1, 6):
            names = {CLEVERTAP.names[number] for number in CLEVERTAP.cells[r - 1, f - 1]}
            assert names == {oracle.grid_name((r, f, 1))}
    assert [len(row) for row in CLEVERTAP_GRID] == [5] * 5
    assert sum(np.count_nonzero(CLEVERTAP.cells_of([name])) for name in CLEVERTAP.names) == 125


def test_the_compatible_map_takes_the_first_label_that_fits() -> None:
    for r, f, m in np.ndindex(5, 5, 5):
        name = COMPATIBLE.names[int(COMPATIBLE.cells[r, f, m])]
        assert name == oracle.label((r + 1, f + 1, m + 1))
    assert {oracle.label((r, f, m)) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)} >= {"Others"}


def test_equal_values_score_equally_whatever_their_order() -> None:
    users = [user(f"u{row}", {}, order(5)) for row in range(9)]
    model = fit(RFM, {"r": {"equals": 1}}, population(users, NOW))
    for letter in "rfm":
        assert members({letter: {"equals": 1}}, users, model=model) == [True] * 9


def test_a_recency_score_ends_at_the_microsecond_of_the_next_cut() -> None:
    ada = [user("ada", {}, order(5))]
    params = {"cuts": CUTS, "r": {"equals": 4}}
    verdict = judge(RFM, params, population(ada, NOW))
    end = NOW - 5 * DAY + 7 * DAY
    assert (verdict.member.tolist(), verdict.holds_until.tolist()) == ([True], [end])
    assert members(params, ada, end - 1) == [True]
    assert members(params, ada, end) == [False]


def test_after_the_last_cut_a_score_holds_forever() -> None:
    verdict = judge(RFM, {"cuts": CUTS, "r": {"equals": 1}}, population([user("ada", {}, order(100))], NOW))
    assert (verdict.member.tolist(), verdict.holds_until.tolist()) == ([True], [FOREVER])


def test_an_order_counts_in_its_window_and_no_longer() -> None:
    ada = [user("ada", {}, order(5))]
    params = {"orders": {"equals": 1}, "within": "7d"}
    verdict = judge(RFM, params, population(ada, NOW))
    assert verdict.holds_until.tolist() == [NOW + 2 * DAY]
    assert members(params, ada, NOW + 2 * DAY) == [False]


def test_a_full_refund_takes_the_order_from_frequency_and_leaves_recency() -> None:
    ada = [user("ada", {}, order(20, 7, "x"), order(5, 10, "y"), refund(1, 10, "y"))]
    params = {"orders": {"equals": 1}, "spend": {"equals": 7}, "recency": {"at_most": "5d"}}
    assert members(params, ada) == [True]


def test_a_part_refund_only_lowers_spend() -> None:
    ada = [user("ada", {}, order(5, 10, "y"), refund(1, 4, "y"))]
    assert members({"orders": {"equals": 1}, "spend": {"equals": 6}}, ada) == [True]


def test_part_refunds_that_add_up_take_the_order_away() -> None:
    ada = [user("ada", {}, order(5, 10, "y"), refund(2, 4, "y"), refund(1, 6, "y"))]
    assert members({"orders": {"equals": 0}, "spend": {"equals": 0}}, ada) == [True]


def test_a_cancellation_without_an_amount_takes_back_what_is_left() -> None:
    cancelled = event("Order Cancelled", NOW - DAY, {"order_id": "y"})
    ada = [user("ada", {}, order(5, 10, "y"), refund(2, 4, "y"), cancelled)]
    assert members({"orders": {"equals": 0}, "spend": {"equals": 0}}, ada) == [True]


def test_a_refund_counts_by_its_own_time() -> None:
    ada = [user("ada", {}, order(20, 10, "x"), order(2, 7, "y"), refund(1, 10, "x"))]
    assert members({"spend": {"equals": -3}, "orders": {"equals": 1}, "within": "10d"}, ada) == [True]


def test_another_users_refund_takes_nothing_away() -> None:
    both = [user("ada", {}, order(5, 10, "y")), user("bob", {}, order(5, 10, "z"), refund(1, 10, "y"))]
    assert members({"orders": {"equals": 1}}, both) == [True, True]


def test_money_is_exact() -> None:
    ada = [user("ada", {}, *(order(day, 0.1) for day in range(1, 4)))]
    assert members({"spend": {"equals": 0.3}}, ada) == [True]


@pytest.mark.parametrize(
    ("operator", "below", "same", "above"),
    [
        ("equals", False, True, False),
        ("above", False, False, True),
        ("at_least", False, True, True),
        ("below", True, False, False),
        ("at_most", True, True, False),
    ],
)
def test_operators_are_exact_at_their_bound(operator: str, below: bool, same: bool, above: bool) -> None:
    bounds = Amounts.model_validate({operator: 10.01})
    values = np.array([10_009_999, 10_010_000, 10_010_001])
    assert bounds.holds(values).tolist() == [below, same, above]
    if operator != "equals":
        assert Ages.model_validate({operator: "2d"}).holds(np.array([-1, 0, 1]) + 2 * DAY).tolist() == [
            below,
            same,
            above,
        ]


def test_never_purchased_is_a_group_of_its_own() -> None:
    users = [user("ada"), user("bob", {}, order(1)), user("eve", {}, order(2, 5, "e"), refund(1, 5, "e"))]
    assert members({"segment": "never purchased"}, users) == [True, False, True]
    assert RFM.model_params(RfmParams.model_validate({"segment": "never purchased"})) is None


def test_nobody_scored_is_no_model() -> None:
    assert fit(RFM, {"segment": "Champions"}, population([user("ada")], NOW)) is None
    assert fit(RFM, {"segment": "Champions"}, population([], NOW)) is None


def test_a_models_summary_has_cut_points_and_group_sizes() -> None:
    users = [user(f"u{row}", {}, *(order(row + day, 10 * row) for day in range(1, row + 1))) for row in range(1, 11)]
    model = fit(RFM, {"segment": "Champions"}, population([*users, user("nobody")], NOW))
    assert model is not None
    sizes = model.summary["groups"]
    assert isinstance(sizes, dict)
    assert sum(size for size in sizes.values() if isinstance(size, int)) == model.size == 10
    assert model.summary["orders"] == [3, 5, 7, 9]


def test_conditions_with_equal_fit_parameters_share_a_model() -> None:
    shared = [
        {"segment": "Champions"},
        {"segment": ["Loyal"], "orders": {"above": 3}},
        {"map": "clevertap", "r": {"equals": 4}},
    ]
    found = [RFM.model_params(RfmParams.model_validate(params)) for params in shared]
    assert found[0] is not None
    assert found[0] == found[1] == found[2]
    other = RFM.model_params(RfmParams.model_validate({"segment": "Champions", "within": "365d"}))
    assert other not in (None, found[0])


@pytest.mark.parametrize("params", [{"orders": {"above": 2}}, {"cuts": CUTS, "segment": "Champions"}])
def test_values_and_given_cuts_need_no_model(params: dict[str, Any]) -> None:
    assert RFM.model_params(RfmParams.model_validate(params)) is None


def test_an_amount_of_another_kind_is_named() -> None:
    class Kinds:
        def attribute(self, name: str) -> None:
            return None

        def event_property(self, event: str, name: str) -> Kind | None:
            return Kind.TEXT if name == "paid" else None

    params = RfmParams.model_validate({"spend": {"above": 1}, "properties": {"amount": ["revenue", "paid"]}})
    faults = list(RFM.check(params, Kinds()))
    assert {fault.path for fault in faults} == {("properties", "amount", 1)}


def test_the_ends_of_time_are_judged() -> None:
    ada = [user("ada", {}, order(5))]
    assert members({"cuts": CUTS, "r": {"equals": 1}}, ada, MAX_INSTANT) == [True]


def test_explain_shows_what_was_seen() -> None:
    ada = population([user("ada", {}, order(5, 12.5), order(3, 12.5))], NOW)
    params = RfmParams.model_validate({"orders": {"at_least": 2}, "spend": {"above": 25}, "recency": {"below": "7d"}})
    reasons = RFM.explain(params, None, ada, np.array([NOW]))
    assert [(each.subject, each.operator, each.observed, each.threshold, each.member) for each in reasons] == [
        ("orders", "at_least", "2", "2", True),
        ("spend", "above", "25", "25", False),
        ("recency", "below", "3 days, 0:00:00", "7d", True),
    ]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "write at least one of segment"),
        ({"segment": "Champion"}, "'Champion' is no group of the map; there are New, "),
        ({"scoring": "compatible", "segment": "Loyal"}, "'Loyal' is no group of the map; there are Champions"),
        ({"segment": []}, "at least 1 item"),
        ({"r": {}}, "write at least one of equals"),
        ({"recency": {"below": "6mo"}}, "months and years differ in length"),
        ({"cuts": CUTS, "scoring": "quantile", "r": {"equals": 1}}, "write one of them"),
        ({"cuts": {**CUTS, "f": [4, 3, 2, 1]}, "r": {"equals": 1}}, "ascending"),
        ({"cuts": {**CUTS, "f": [1, 2, 3]}, "r": {"equals": 1}}, "at least 4 items"),
        ({"map": "clevertap", "groups": [{"name": "a"}], "r": {"equals": 1}}, "only one of map, grid, groups"),
        ({"groups": [{"name": "never purchased"}], "r": {"equals": 1}}, "those without an order"),
        ({"groups": [{"name": "a", "r": [5, 4]}], "segment": "a"}, "the lower score comes first"),
        ({"otherwise": "x", "r": {"equals": 1}}, "otherwise stands beside groups"),
        ({"grid": [["a"] * 5] * 4, "segment": "a"}, "at least 5 items"),
        ({"orders": {"above": float("nan")}}, "finite number"),
        ({"within": "7d", "from": "2026-01-01T00:00:00Z", "orders": {"above": 1}}, "only one of within"),
    ],
)
def test_what_makes_no_sense_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RfmParams.model_validate(params)
