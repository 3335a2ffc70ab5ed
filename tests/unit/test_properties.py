"""One property of an event is found as if all of its properties were named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segmentd.population.flatten import flatten_properties
from segmentd.population.kinds import Kind, encode
from segmentd.population.properties import property_values

KEYS = st.sampled_from(["a", "b", "c", "a.b", "b.c", "a.b.c"])
LEAVES = st.one_of(
    st.none(), st.integers(0, 3), st.text("xy", max_size=1), st.lists(st.text("xy", max_size=1), max_size=2)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.dictionaries(KEYS, inner, max_size=2), st.lists(inner, max_size=2)), max_leaves=6
)


@pytest.mark.parametrize("kind", [Kind.NUMBER, Kind.TEXT, Kind.TAGS])
@given(event=st.dictionaries(KEYS, VALUES, max_size=3), name=KEYS)
def test_a_property_is_what_its_name_stands_for(kind: Kind, event: dict[str, Any], name: str) -> None:
    """To every kind of values."""
    try:
        flat = flatten_properties(event)
    except ValueError:
        assume(False)
        return
    assert _encoded(kind, property_values([event], name)[0]) == _encoded(kind, flat.get(name))


def _encoded(kind: Kind, value: Any) -> Any:
    try:
        return encode(kind, value) if value is not None else None
    except ValueError:
        return None
