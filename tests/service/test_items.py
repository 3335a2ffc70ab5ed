"""Writes are checked for form; what is remembered of those before changes nothing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.errors import InvalidInput
from segmentd.service import items
from segmentd.service.items import EventWrite, PreparedEvent, prepare_event
from segmentd.times import Micros

NAMES = st.sampled_from(["app", "os", "os.name", "ip", "locale", "other", "list:x", "", "a\x07"])
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([1.5, math.nan, "x", "y", 2**80])
CONTEXTS = st.dictionaries(NAMES, LEAVES | st.dictionaries(NAMES, LEAVES, max_size=3), max_size=4)


def prepared(context: dict[str, Any], *, anew: bool) -> PreparedEvent | tuple[Any, ...]:
    if anew:
        items._remembered_attributes.cache_clear()
        items._remembered_faults.cache_clear()
    try:
        return prepare_event(EventWrite("u", "E", "m", context=context))
    except InvalidInput as error:
        return error.violations


@given(st.lists(CONTEXTS, max_size=6))
def test_contexts_that_came_before_change_nothing(contexts: list[dict[str, Any]]) -> None:
    remembering = [repr(prepared(each, anew=False)) for each in [*contexts, *contexts]]
    assert remembering == [repr(prepared(each, anew=True)) for each in [*contexts, *contexts]]


@pytest.mark.parametrize("context", [{"app": {"name": None}}, {"app": {"name": math.nan}}])
def test_what_is_no_number_is_not_taken_for_null(context: dict[str, Any]) -> None:
    prepare_event(EventWrite("u", "E", context={"app": {"name": None}}))
    event = prepare_event(EventWrite("u", "E", context=context))
    assert [*event.context] == ([] if context["app"]["name"] is None else ["app.name"])


def test_an_event_states_the_same_with_or_without_the_time_of_sending() -> None:
    first, again = (
        prepare_event(EventWrite("u", "E", "m", original_time=Micros(5), sent_time=Micros(sent))) for sent in (6, 7)
    )
    assert first.digest == again.digest == items.digest_of(first.stated_by("u"))
    assert first.digest != items.digest_of(first.stated_by("v"))
    assert prepare_event(EventWrite("u", "E")).digest is None
