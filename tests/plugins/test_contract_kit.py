"""The contract kit passes sound types, and names the broken rule of every other."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import BaseModel
from tests.plugins import toy_types as toys

from segmentd.api import DAY, Kind, Micros, Model, SegmentType
from segmentd.testing import GivenUser, check_segment_type, event, population, user

EXAMPLES: list[dict[str, Any]] = [{"days": 7}, {"days": 30}]


def quiet_oracle(params: Any, model: Model | None, given: GivenUser, at: Micros) -> bool:
    opened = [each.time for each in given.events if each.name == "Application Opened"]
    return bool(opened) and max(opened) + params.days * DAY <= at and given.attributes.get("plan") != "free"


@pytest.mark.parametrize("sound", [toys.Quiet(), toys.QuietAlone(), toys.Averse()])
def test_a_sound_type_passes(sound: SegmentType[Any]) -> None:
    given = [user("ada", {"plan": "free"}, event("Application Opened", "2026-11-01T00:00:00Z"))]
    values = {"plan": ["free", "pro"]}
    check_segment_type(sound, EXAMPLES, oracle=quiet_oracle, users=given, values=values)


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (toys.WrongDtype(), "shapes and dtypes"),
        (toys.WrongShape(), "shapes and dtypes"),
        (toys.NoVerdict(), "shapes and dtypes"),
        (toys.EndsNow(), "holds_until is later than at"),
        (toys.FailsOnMissing(), "judges without an error"),
        (toys.Warns(), "judges without an error"),
        (toys.ReadsMore(), "judges without an error"),
        (toys.TooLate(), "stable until holds_until"),
        (toys.LooksAtNeighbours(), "subset invariance"),
        (toys.MindsTheOrder(), "subset invariance"),
        (toys.Forgetful(), "the same answer twice"),
        (toys.WritesAt(), "judges without an error"),
        (toys.WritesColumns(), "inputs are unchanged"),
        (toys.Silent(), "explain agrees with evaluate"),
        (toys.Contradicts(), "explain agrees with evaluate"),
        (toys.ExplainsInNumpy(), "explain agrees with evaluate"),
        (toys.OneIsLate(), "for_one agrees with evaluate"),
        (toys.OneInNumpy(), "for_one agrees with evaluate"),
        (toys.OneReadsMore(), "for_one agrees with evaluate"),
        (toys.HiddenClock(), "a verdict that ends is declared as clock"),
        (toys.RefusesUnknown(), "unknown attributes are no fault"),
        (toys.ReadsList(), "reads returns Reads"),
        (toys.LearnsFromNobody(), "fit is None where nobody is to learn from"),
        (toys.LearnsNumpy(), "a model is plain JSON"),
        (toys.LearnsKeys(), "a model is plain JSON"),
        (toys.LearnsNothing(), "fit learns"),
        (toys.LearnsAnew(), "fit learns the same twice"),
        (toys.Miscounts(), "a model's size counts users"),
        (toys.RefitsByFloats(), "refit_every gives microseconds"),
        (toys.RefitsNothing(), "a schedule stands beside a model"),
        (toys.Nameless(), "a name of its own"),
        (toys.Unversioned(), "a whole version"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, SegmentType) else "",
)
def test_a_broken_rule_is_named(broken: SegmentType[Any], rule: str) -> None:
    with pytest.raises(AssertionError, match=f"{broken.name} breaks the rule '{rule}'"):
        check_segment_type(broken, EXAMPLES, attributes={"plan": Kind.TEXT})


def test_an_error_on_an_empty_population_says_so() -> None:
    with pytest.raises(AssertionError, match=r"'judges without an error' .*\(an empty population\)"):
        check_segment_type(toys.FailsOnNobody(), EXAMPLES)


def test_a_complaint_names_the_row_and_its_user() -> None:
    with pytest.raises(AssertionError, match=r"row \d+ at 20.*GivenUser\(user_id='user-\d+'"):
        check_segment_type(toys.TooLate(), EXAMPLES)


def test_an_undeclared_read_is_named() -> None:
    with pytest.raises(AssertionError, match=r"quiet read age, which its reads\(\) did not declare"):
        check_segment_type(toys.ReadsMore(), EXAMPLES)


def test_a_disagreeing_oracle_is_heard() -> None:
    with pytest.raises(AssertionError, match=r"'the oracle agrees' .* member is \w+, the oracle says \w+"):
        check_segment_type(toys.Quiet(), EXAMPLES, oracle=lambda *_: True)


def test_no_example_is_no_check() -> None:
    with pytest.raises(AssertionError, match="nothing was checked"):
        check_segment_type(toys.Quiet(), [])


def test_an_invalid_example_is_refused() -> None:
    with pytest.raises(AssertionError, match="'the example is valid'"):
        check_segment_type(toys.Quiet(), [{"days": "7"}])


def test_parameters_that_ignore_unknown_keys_are_refused() -> None:
    class Loose(BaseModel):
        days: int

    class Careless(toys.Quiet):
        Params = Loose  # type: ignore[assignment]  # the fault

    with pytest.raises(AssertionError, match="'unknown parameters are refused'"):
        check_segment_type(Careless(), EXAMPLES)


def test_parameters_without_a_schema_are_refused() -> None:
    class Odd(BaseModel, arbitrary_types_allowed=True, extra="forbid"):
        days: SegmentType  # type: ignore[type-arg]  # the fault

    class Schemaless(toys.Quiet):
        Params = Odd  # type: ignore[assignment]  # the fault

    with pytest.raises(AssertionError, match="'parameters have a JSON Schema'"):
        check_segment_type(Schemaless(), EXAMPLES)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"attributes": {"mail": "flag"}}, "attributes['mail'] is 'flag', which is no Kind; write Kind.FLAG"),
        ({"attributes": {"mail": bool}}, "which is no Kind; the kinds are Kind.NUMBER, Kind.MONEY, Kind.FLAG"),
        (
            {"properties": {("Buy", "at"): "date"}},
            "properties[('Buy', 'at')] is 'date', which is no Kind; write Kind.DATE",
        ),
        (
            {"properties": {"at": Kind.DATE}},
            "properties['at']: a property belongs to an event; write (EVENT, PROPERTY)",
        ),
    ],
)
def test_a_kind_that_is_none_says_what_to_write(options: dict[str, Any], words: str) -> None:
    for wrong in (
        lambda: check_segment_type(toys.Quiet(), EXAMPLES, **options),
        lambda: population([user("ada")], 0, **options),
    ):
        with pytest.raises(TypeError, match=re.escape(words)):
            wrong()
