"""Nested objects become dotted names, one value a name."""

from __future__ import annotations

import pytest

from segmentd.population.flatten import flatten_attributes, flatten_properties
from segmentd.population.kinds import Json


def test_a_list_of_objects_gives_one_list_a_key() -> None:
    flat = flatten_properties({"total": 3, "products": [{"sku": "A", "size": {"eu": 38}}, {"sku": "B", "gift": None}]})
    assert flat == {"total": 3, "products.sku": ["A", "B"], "products.size.eu": [38]}


def test_null_removes_an_attribute_and_is_no_property() -> None:
    assert flatten_attributes({"address": {"city": None}}) == {"address.city": None}
    assert flatten_properties({"address": {"city": None}}) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"a.b": 1, "a": {"b": 2}},
        {"a": {"b": 2}, "a.b": 1},
        {"a": {"b.c": 1, "b": {"c": 2}}},
    ],
)
def test_a_name_given_twice_is_refused_for_the_order_of_keys_would_decide(values: dict[str, Json]) -> None:
    """After a restart the stored event would be read in another order, and have another value."""
    for flatten in (flatten_attributes, flatten_properties):
        with pytest.raises(ValueError, match="given twice"):
            flatten(values)


def test_a_property_cannot_be_given_both_by_its_name_and_by_a_list_of_objects() -> None:
    with pytest.raises(ValueError, match=r"products\.sku is given twice"):
        flatten_properties({"products.sku": ["A"], "products": [{"sku": "B"}]})


def test_too_deep_a_nesting_is_refused() -> None:
    deep: Json = 1
    for _ in range(9):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="nested deeper"):
        flatten_attributes({"a": deep})
