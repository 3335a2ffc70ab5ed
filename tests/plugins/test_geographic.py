"""`geographic`: places by name and by distance."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from haversine import Unit
from pydantic import ValidationError

from segmentd.api import Kind
from segmentd.population.schema import Schema
from segmentd.testing import check_segment_type, judge, population, user
from segmentd_types.continents import CONTINENT_OF
from segmentd_types.geographic import Geographic, Near, NearParameter

REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "haversine_reference.json"
EXAMPLES: list[dict[str, Any]] = [
    {"country": {"in": ["DE", "AT", "CH"]}},
    {"region": {"starts_with": "B"}, "city": {"equals": "bonn", "ignore_case": True}},
    {"continent": {"equals": "EU"}},
    {"postal_code": {"matches": "^53"}, "time_zone": {"exists": True}, "locale": {"missing": True}},
    {"near": {"latitude": 48.1, "longitude": 11.5, "radius": "25km"}},
]


def near(latitude: float, longitude: float, radius: str) -> dict[str, Any]:
    return {"near": {"latitude": latitude, "longitude": longitude, "radius": radius}}


def at(latitude: float, longitude: float) -> dict[str, Any]:
    return {"location": {"latitude": latitude, "longitude": longitude}}


def within(latitude: float, longitude: float, radius: str, places: list[tuple[float, float]]) -> list[bool]:
    users = population([user(str(row), at(*place)) for row, place in enumerate(places)], 0)
    members: list[bool] = judge(Geographic(), near(latitude, longitude, radius), users).member.tolist()
    return members


def test_keeps_the_contract() -> None:
    values: dict[str, list[Any]] = {
        "location.latitude": [48, 48.3, 90, -90, 0, 91],
        "location.longitude": [11.5, 11.9, 180, -180, 0, 181],
        "address.country": ["DE", "de", "FR", "Germany"],
        "location.country": ["DE", "US"],
    }
    check_segment_type(Geographic(), EXAMPLES, values=values)


def test_distances_are_those_of_the_reference() -> None:
    if not REFERENCE.exists():
        pytest.skip("../shared/data is not here")
    for case in json.loads(REFERENCE.read_text())["cases"]:
        a, b = case["a"], case["b"]
        for unit, length in (("km", 6371.0088), ("mi", 6371.0088 / 1.609344)):
            exact = case.get(unit) or case["radians"] * length
            place = [(float(b["lat"]), float(b["lon"]))]
            inside, outside = f"{exact * (1 + 1e-9):.7f}{unit}", f"{exact * (1 - 1e-7):.7f}{unit}"
            assert within(a["lat"], a["lon"], inside, place) == [True]
            assert within(a["lat"], a["lon"], outside, place) == [False]


def test_the_edge_belongs_to_the_circle() -> None:
    circle = Near(latitude=52.52, longitude=13.405, radius="1km")
    distance = float(circle.distances(np.array([48.137]), np.array([11.575]))[0])
    users = population([user("u", at(48.137, 11.575))], 0)
    for radius, inside in ((distance, True), (math.nextafter(distance, 0), False)):
        edge = EdgeOf.model_construct(latitude=52.52, longitude=13.405, radius=str(radius))
        assert bool(NearParameter().judge(edge, users, users.at).member[0]) is inside
    assert within(0, 0, "1m", [(0, 0), (1, 0)]) == [True, False]


class EdgeOf(Near):
    """A radius with every digit of a float, which a rule cannot write."""

    def limit(self) -> tuple[float, Unit]:
        return float(self.radius), Unit.KILOMETERS


def test_across_the_antimeridian_and_at_the_poles() -> None:
    assert within(0, 179.9, "25km", [(0, -179.9), (0, 179.7), (0, 0)]) == [True, True, False]
    assert within(90, 0, "12km", [(89.9, 0), (89.9, 180), (89.9, -90), (89.8, 0)]) == [True, True, True, False]
    assert within(-90, 77, "1m", [(-90, 0), (-90, -180)]) == [True, True]


def test_random_distances_agree_with_the_law_of_cosines() -> None:
    drawn = random.Random(7)
    places = [(math.degrees(math.asin(drawn.uniform(-1, 1))), drawn.uniform(-180, 180)) for _ in range(300)]
    centre = (52.52, 13.405)

    def slow(place: tuple[float, float]) -> float:
        (a, b), (c, d) = (map(math.radians, each) for each in (centre, place))
        cosine = math.sin(a) * math.sin(c) + math.cos(a) * math.cos(c) * math.cos(b - d)
        return 6371.0088 * math.acos(max(-1.0, min(1.0, cosine)))

    clear = [place for place in places if abs(slow(place) - 6000) > 0.001]
    assert within(*centre, "6000km", clear) == [slow(place) <= 6000 for place in clear]


def test_coordinates_that_are_not_on_the_globe_are_no_place() -> None:
    assert within(90, 0, "20016km", [(90.1, 0), (0, 180.1), (90, 180)]) == [False, False, True]
    users = population([user("half", {"location": {"latitude": 1.0}})], 0)
    assert judge(Geographic(), near(1, 0, "20016km"), users).member.tolist() == [False]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ({"latitude": 90.1, "longitude": 0, "radius": "1km"}, ("near", "latitude")),
        ({"latitude": 0, "longitude": -180.1, "radius": "1km"}, ("near", "longitude")),
        ({"latitude": float("nan"), "longitude": 0, "radius": "1km"}, ("near", "latitude")),
        ({"latitude": "0", "longitude": 0, "radius": "1km"}, ("near", "latitude")),
        ({"latitude": 0, "longitude": 0, "radius": "0km"}, ("near", "radius")),
        ({"latitude": 0, "longitude": 0, "radius": "1"}, ("near", "radius")),
        ({"latitude": 0, "longitude": 0, "radius": "-1km"}, ("near", "radius")),
        ({"latitude": 0, "longitude": 0}, ("near", "radius")),
    ],
)
def test_a_circle_that_cannot_be_is_refused_at_its_path(place: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        Geographic().Params.model_validate({"near": place})
    assert [error["loc"] for error in refused.value.errors()] == [path]


def test_the_address_wins_over_the_location_row_by_row() -> None:
    given_users = [
        user("both", {"address": {"country": "DE"}, "location": {"country": "FR"}}),
        user("location", {"location": {"country": "DE"}}),
        user("neither"),
    ]
    users = population(given_users, 0)
    assert judge(Geographic(), {"country": {"equals": "DE"}}, users).member.tolist() == [True, True, False]
    assert judge(Geographic(), {"country": {"missing": True}}, users).member.tolist() == [False, False, True]
    assert judge(Geographic(), {"country": {"not_equals": "FR"}}, users).member.tolist() == [True, True, False]


def test_attributes_of_different_kinds_are_each_judged_as_their_own() -> None:
    given_users = [user("text", {"address": {"country": "DE"}}), user("tags", {"location": {"country": ["DE"]}})]
    users = population(given_users, 0, {"location.country": Kind.TAGS})
    assert judge(Geographic(), {"country": {"exists": True}}, users).member.tolist() == [True, True]
    schema = Schema()
    schema.set_attribute("location.country", Kind.TAGS)
    params = Geographic().Params.model_validate({"country": {"equals": "DE"}})
    (fault,) = Geographic().check(params, schema)
    assert fault.path == ("country", "equals")
    assert "location.country" in fault.message


def test_continents_follow_from_countries() -> None:
    assert len(CONTINENT_OF) == 250
    assert {CONTINENT_OF[code] for code in ("DE", "US", "BR", "JP", "KE", "NZ", "AQ")} == {
        "EU",
        "NA",
        "SA",
        "AS",
        "AF",
        "OC",
        "AN",
    }
    names = ["DE", "de", "Germany", "JP"]
    users = population([user(name, {"address": {"country": name}}) for name in names], 0)
    assert judge(Geographic(), {"continent": {"equals": "EU"}}, users).member.tolist() == [True, False, False, False]
    assert judge(Geographic(), {"continent": {"missing": True}}, users).member.tolist() == [False, True, True, False]


def test_explains_by_the_attribute_that_decided() -> None:
    users = population([user("u", {"location": {"country": "DE", "latitude": 50.7, "longitude": 7.1}})], 0)
    params = Geographic().Params.model_validate({"continent": {"equals": "EU"}} | near(50.7, 7.1, "1km"))
    reasons = Geographic().explain(params, None, users, users.at)
    assert [(each.subject, each.observed, each.member) for each in reasons] == [
        ("location.country", "EU (from DE)", True),
        ("location", "0.000km away", True),
    ]
