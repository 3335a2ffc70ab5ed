"""Objects go through a Struct and come back as they were, or are refused at the path of what does not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from segmentd.errors import InvalidInput
from segmentd.server.faults import Faults
from segmentd.server.structs import EXACT_INT, from_struct, to_struct

KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-EXACT_INT, EXACT_INT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
)
OBJECTS = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)),
    max_size=4,
)


def faults_of(struct: struct_pb2.Struct) -> dict[str, str]:
    """Path → fault of what cannot be read."""
    faults = Faults()
    from_struct(struct, "rule", faults)
    return {found.field: found.description for found in faults.found}


@given(OBJECTS)
def test_an_object_survives_the_way_through_a_struct(value: dict[str, Any]) -> None:
    faults = Faults()
    assert from_struct(struct_pb2.Struct.FromString(to_struct(value).SerializeToString()), "rule", faults) == value
    assert not faults.found


@pytest.mark.parametrize(("number", "kind"), [(3.0, int), (3.5, float), (2.0**53, int), (2.0**60, float), (-7.0, int)])
def test_whole_numbers_that_are_exact_come_out_as_int(number: float, kind: type) -> None:
    struct = struct_pb2.Struct()
    struct.fields["n"].number_value = number
    value = from_struct(struct, "rule", Faults())["n"]
    assert (value, type(value)) == (number, kind)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_refused_by_path(number: float) -> None:
    struct = struct_pb2.Struct()
    struct.fields["all"].list_value.values.add().struct_value.fields["age"].number_value = number
    assert list(faults_of(struct)) == ["rule.all[0].age"]


def test_every_fault_is_named() -> None:
    struct = struct_pb2.Struct()
    struct.fields["a"].number_value = math.nan
    struct.fields["b"].SetInParent()
    struct.fields["c"].string_value = "x" * 70_000
    struct.fields["k\x00"].bool_value = True
    struct.fields["v"].SetInParent()
    assert list(faults_of(struct)) == ["rule.a", "rule.b", "rule.c", "rule", "rule.v"]


@pytest.mark.parametrize("number", [2**53 + 1, 10**400, math.nan])
def test_a_number_that_a_struct_cannot_hold_is_refused_by_path(number: float) -> None:
    with pytest.raises(InvalidInput, match=r"rule\.n\[1\]"):
        to_struct({"n": [1, number]}, "rule")
