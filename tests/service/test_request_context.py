"""A stored user in the context of a request is judged as a twin is who has all of that stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.opened import START, define, opened
from tests.service.test_evaluation import members
from tests.service.uploading import BETA, upload

from segmentd.errors import InvalidInput
from segmentd.population.kinds import Json, Kind
from segmentd.service import evaluation
from segmentd.service.evaluation import Evaluated
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.service import Service
from segmentd.times import DAY, Micros

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
    "Mobile/15E148 Safari/604.1"
)
VALUES: dict[str, tuple[Json, ...]] = {
    "plan": ("pro", "free", "never seen"),
    "age": (3, 41.5),
    "tags": (["a"], ["b", "new"], []),
    "vip": (True, False),
    "birthday": ("1990-01-01", "2020-02-02"),
    "userAgent": (FIREFOX, IPHONE, "nonsense"),
    "os.name": ("Plan 9", "iOS"),
    "unread": ("x",),
}
KINDS = {"plan": Kind.TEXT, "age": Kind.NUMBER, "tags": Kind.TAGS, "vip": Kind.FLAG, "birthday": Kind.DATE}
RULES: dict[str, Json] = {
    "pro": {"attribute": {"plan": {"equals": "pro"}}},
    "no_plan": {"attribute": {"plan": {"missing": True}}},
    "adult": {"attribute": {"age": {"at_least": 18}}},
    "tagged": {"attribute": {"tags": {"any_of": ["b"]}}},
    "vip": {"attribute": {"vip": {"equals": True}}},
    "linux": {"attribute": {"os.name": {"equals": "Linux"}}},
    "named_os": {"attribute": {"os.name": {"exists": True}}},
    "browser": {"attribute": {"browser.name": {"exists": True}}},
    "grown": {"demographic": {"age": {"at_least": 18}}},
    "buyer": {"behavioral": {"event": "Buy", "within": "7d"}},
    "beta": BETA,
    "mixed": {"all": [{"segment": "pro"}, {"any": [{"segment": "buyer"}, {"segment": "beta"}]}]},
}
ATTRIBUTES = st.fixed_dictionaries({}, optional={name: st.sampled_from(each) for name, each in VALUES.items()})
CONTEXTS = st.fixed_dictionaries({}, optional={name: st.sampled_from((*each, None)) for name, each in VALUES.items()})


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """All kinds are declared; ada, who is in a list and bought something, has a twin."""
    found = opened()

    async def begin() -> None:
        await found.profiles.declare(list(KINDS.items()), retype=False)
        await upload(found, "beta", ["ada", "twin"])
        for name, rule in RULES.items():
            await define(found, name, rule)
        await found.profiles.ingest([EventWrite(user, "Buy", time=Micros(START - DAY)) for user in ("ada", "twin")])

    asyncio.run(begin())
    yield found
    found.close()


async def write(service: Service, attributes: dict[str, Json], context: dict[str, Json]) -> None:
    """Ada gets the attributes alone, her twin the context over them."""
    nothing: dict[str, Json] = dict.fromkeys(VALUES)
    for user in ("ada", "twin"):
        await service.profiles.upsert([ProfileWrite(user, {**nothing, **attributes})])
    await service.profiles.upsert([ProfileWrite("twin", context)])


def answers(found: Evaluated) -> list[tuple[bool, int]]:
    [only] = found.evaluations
    assert only.user_known
    assert not any(each.error for each in only.segments)
    return [(each.member, each.holds_until) for each in only.segments]


@given(ATTRIBUTES, CONTEXTS)
def test_it_is_judged_as_a_twin_who_has_all_of_it_stored(
    service: Service, attributes: dict[str, Json], context: dict[str, Json]
) -> None:
    async def scenario() -> None:
        await write(service, attributes, context)
        names, rule = list(RULES), RULES["mixed"]
        for _ in range(2):  # the second time what is compiled is there
            asked = await service.evaluations.stored("ada", context, names, None)
            twin = await service.evaluations.stored("twin", {}, names, None)
            assert answers(asked) == answers(twin)
        assert members(await service.evaluations.stored("ada", context, [], rule)) == members(
            await service.evaluations.stored("twin", {}, [], rule)
        )

    asyncio.run(scenario())


def test_nothing_is_read_again_where_nothing_is_derived_from_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        await write(service, {"plan": "free", "age": 20}, {})
        before = await service.evaluations.stored("ada", {}, ["pro", "adult"], None)
        assert [each.member for each in before.evaluations[0].segments] == [False, True]
        monkeypatch.setattr(evaluation.Evaluations, "_draft", never)
        monkeypatch.setattr(evaluation.Evaluations, "_on_engine", never)
        found = await service.evaluations.stored("ada", {"plan": "pro"}, ["pro", "adult"], None)
        assert [each.member for each in found.evaluations[0].segments] == [True, True]
        with pytest.raises(InvalidInput):
            await service.evaluations.stored("ada", {"age": "old"}, ["pro", "adult"], None)

    asyncio.run(scenario())


def never(*_: object) -> None:
    raise AssertionError("it is not asked for")
