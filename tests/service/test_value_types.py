"""The quick check of an event's properties agrees with the one that types each value, whatever comes."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from segmentd.errors import InvalidInput
from segmentd.population.kinds import MAX_TEXT, Kind
from segmentd.population.schema import Schema
from segmentd.service.value_types import Currencies, ValueTypes

KINDS = {
    "text": Kind.TEXT,
    "number": Kind.NUMBER,
    "flag": Kind.FLAG,
    "tags": Kind.TAGS,
    "day": Kind.DATE,
    "instant": Kind.INSTANT,
}
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-(10**18), 10**18),
    st.sampled_from([0, -1, 2**53, 2**53 + 1, 10**10, 10**11, 10**11 + 1, 10**400, 1e11, 1e300, -0.0]),
    st.sampled_from([math.nan, math.inf, -math.inf]),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["x" * MAX_TEXT, "x" * (MAX_TEXT + 1), "2026-11-21", "2026-11-21T10:00:00Z"]),
    st.lists(st.text(max_size=3), max_size=3),
    st.just([{"sku": "a"}]),
    st.just({}),
)
NAMES = st.sampled_from([*KINDS, "revenue", "coupon", "never seen", "never seen either"])
ATTRIBUTES = st.sampled_from(["age", "locale", "network.wifi", "birthday", "createdAt", "currency", "tier", "fees"])
PROPERTIES = st.dictionaries(NAMES, VALUES, max_size=5)
CODES = st.sampled_from(["USD", "EUR", "JPY", 5])
CURRENCY = st.fixed_dictionaries({}, optional={"currency": CODES})


def known() -> ValueTypes:
    schema = Schema()
    for name, kind in KINDS.items():
        schema.set_property("E", name, kind)
    schema.set_attribute("fees", Kind.MONEY)
    return ValueTypes(schema, Currencies("USD", {"EUR": Decimal("1.25")}))


def outcome(check: Any, types: ValueTypes, properties: dict[str, Any]) -> tuple[Any, ...]:
    """What is answered, and which kinds first values decide."""
    try:
        answer = check(types, properties)
    except InvalidInput as error:
        types.settle(kept=False)
        return (error.reason, error.violations, error.metadata, types.new)
    types.settle(kept=True)
    return (answer, types.new)


@given(st.lists(st.tuples(PROPERTIES, CURRENCY), max_size=4))
def test_the_quick_check_agrees_with_typing_each_value(events: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    quick, slow = known(), known()
    for properties, currency in events:
        given = properties | currency
        assert outcome(lambda types, values: types.checked("E", values), quick, given) == outcome(
            lambda types, values: types.properties("E", values)[1], slow, given
        )


@given(st.lists(st.dictionaries(ATTRIBUTES, VALUES | st.none(), max_size=5), max_size=4))
def test_the_quick_check_of_attributes_agrees_too(profiles: list[dict[str, Any]]) -> None:
    quick, slow = known(), known()
    for values in profiles:
        slowly = outcome(lambda types, given: types.attributes(given, "attributes"), slow, values)
        quickly = outcome(lambda types, given: types.check_attributes(given, "attributes"), quick, values)
        assert quickly == (slowly if len(slowly) > 2 else (None, slowly[-1]))


def test_a_property_that_gets_another_kind_is_checked_by_that() -> None:
    schema = Schema()
    schema.set_property("E", "size", Kind.TEXT)
    schema.set_property("E", "revenue", Kind.TEXT)
    assert schema.event_properties("E")["size"] is Kind.TEXT
    assert schema.event_properties("E")["revenue"] is schema.event_property("E", "revenue") is Kind.MONEY
    schema.set_property("E", "size", Kind.NUMBER)
    assert schema.event_properties("E")["size"] is Kind.NUMBER
    assert "size" not in schema.event_properties("F")
