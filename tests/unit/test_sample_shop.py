"""The sample shop: the same for the same seed, and with the seasons and customers that a demo needs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import ua_parser

from segmentd.sample import Shop, draw_shop
from segmentd.sample.__main__ import main
from segmentd.sample.behaviours import BARGAIN_HUNTER, BEHAVIOURS
from segmentd.sample.cities import CITIES
from segmentd.sample.devices import DEVICES, Device
from segmentd.sample.seasons import black_friday
from segmentd.times import DAY, parse_instant

UNTIL = parse_instant("2026-11-21T12:00:00Z")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def shop() -> Shop:
    return draw_shop(UNTIL, users=1_000)


@pytest.fixture(scope="module")
def events(shop: Shop) -> Rows:
    return list(shop.events())


@pytest.fixture(scope="module")
def profiles(shop: Shop) -> Rows:
    return list(shop.profiles())


def called(events: Rows, name: str) -> Rows:
    return [event for event in events if event["event"] == name]


def test_the_same_seed_draws_the_same_shop(events: Rows, profiles: Rows) -> None:
    again = draw_shop(UNTIL, users=1_000)
    assert orjson.dumps(list(again.events())) == orjson.dumps(events)
    assert orjson.dumps(list(again.profiles())) == orjson.dumps(profiles)


def test_another_seed_draws_another_shop_with_other_message_ids(events: Rows) -> None:
    other = list(draw_shop(UNTIL, users=1_000, seed=2).events())
    assert not {event["messageId"] for event in other} & {event["messageId"] for event in events}
    assert [event["timestamp"] for event in other] != [event["timestamp"] for event in events]


def test_events_are_unique_in_order_and_of_the_year_before_the_end(events: Rows) -> None:
    instants = [parse_instant(event["timestamp"]) for event in events]
    assert instants == sorted(instants)
    assert UNTIL - 366 * DAY <= instants[0] <= instants[-1] < UNTIL
    assert len({event["messageId"] for event in events}) == len(events)


def test_nobody_does_anything_before_joining(events: Rows, profiles: Rows) -> None:
    joined = {profile["userId"]: profile["traits"]["createdAt"] for profile in profiles}
    assert len(joined) == 1_000
    assert not [event for event in events if event["timestamp"] < joined[event["userId"]]]


def test_every_event_and_trait_of_the_shop_occurs(events: Rows, profiles: Rows) -> None:
    assert {event["event"] for event in events} == {
        "Application Installed",
        "Application Opened",
        "Product Viewed",
        "Product Added",
        "Order Completed",
        "Order Refunded",
        "Push Notification Received",
        "Push Notification Tapped",
        "Email Delivered",
        "Email Opened",
    }
    assert " ".join(sorted(set().union(*(profile["traits"] for profile in profiles)))) == (
        "address birthday createdAt email emailSubscribed firstName gender interests lastName locale location "
        "loyaltyPoints plan timezone"
    )
    assert {event["context"]["device"]["type"] for event in events} == {"ios", "android", "web"}


def test_some_profiles_lack_a_birthday_or_a_gender(profiles: Rows) -> None:
    for trait in ("birthday", "gender"):
        assert 0 < sum(trait not in profile["traits"] for profile in profiles) < 200


def test_an_order_adds_up(events: Rows) -> None:
    orders = called(events, "Order Completed")
    for order in (event["properties"] for event in orders):
        goods = sum(round(product["price"] * 100) * product["quantity"] for product in order["products"])
        assert round(order["revenue"] * 100) == goods - round(order.get("discount", 0) * 100)
        assert round(order["total"] * 100) == round(order["revenue"] * 100) + round(order["shipping"] * 100)
        assert len({product["sku"] for product in order["products"]}) == len(order["products"]) > 0
    assert len({event["properties"]["order_id"] for event in orders}) == len(orders)


def test_a_refund_follows_its_order_with_the_same_amount(events: Rows) -> None:
    orders = {event["properties"]["order_id"]: event for event in called(events, "Order Completed")}
    refunds = called(events, "Order Refunded")
    pairs = [(orders[refund["properties"]["order_id"]], refund) for refund in refunds]
    assert pairs
    for order, refund in pairs:
        assert refund["timestamp"] > order["timestamp"]
        assert refund["userId"] == order["userId"]
        assert refund["properties"]["revenue"] == order["properties"]["revenue"]


@pytest.mark.parametrize(("year", "day"), [(2023, 24), (2024, 29), (2025, 28), (2026, 27)])
def test_black_friday_is_the_day_after_the_fourth_thursday(year: int, day: int) -> None:
    assert black_friday(year) == date(year, 11, day)


def test_black_friday_week_sells_far_more_than_an_average_week(events: Rows) -> None:
    days = Counter(datetime.fromisoformat(e["timestamp"]).date() for e in called(events, "Order Completed"))
    week = sum(days[black_friday(2025) + timedelta(days=shift)] for shift in range(-4, 4))
    assert week / 8 > 1.8 * days.total() / 366


def test_weekends_are_busier_than_tuesdays(events: Rows) -> None:
    days = Counter(datetime.fromisoformat(e["timestamp"]).weekday() for e in called(events, "Application Opened"))
    assert days[6] > 1.15 * days[1]


@pytest.mark.parametrize("users", [40, 1_000])
def test_every_group_of_customers_is_there(users: int) -> None:
    group = draw_shop(UNTIL, users=users).people.group
    assert set(group.tolist()) == set(range(len(BEHAVIOURS)))


def test_groups_behave_as_they_are_called(shop: Shop) -> None:
    orders = np.bincount(shop.visits.user[shop.visits.bought > 0], minlength=1_000)
    each = {one.name: orders[shop.people.group == number].mean() for number, one in enumerate(BEHAVIOURS)}
    assert each["loyal"] > 2 * each["regular"] > each["window_shopper"] == 0
    last = np.zeros(1_000, dtype=np.int64)
    np.maximum.at(last, shop.visits.user, shop.visits.at)
    named = {one.name: last[shop.people.group == number] for number, one in enumerate(BEHAVIOURS)}
    assert (named["dormant"] <= UNTIL - 100 * DAY).all()
    assert (named["at_risk"] <= UNTIL - 25 * DAY).all()
    assert (UNTIL - shop.people.joined[shop.people.group == len(BEHAVIOURS) - 1] <= 31 * DAY).all()


def test_bargain_hunters_buy_mostly_in_sales_and_others_do_not(shop: Shop) -> None:
    hunter = shop.people.group[shop.visits.user] == BARGAIN_HUNTER
    in_sale, bought = shop.visits.sale >= 0, shop.visits.bought > 0
    assert in_sale[hunter & bought].mean() > 0.5
    assert in_sale[~hunter & bought].mean() < 0.3


def test_new_versions_of_the_app_roll_out_over_the_year(events: Rows) -> None:
    versions = [event["context"]["app"]["version"] for event in events]
    third = len(versions) // 3
    assert "3.0.0" in versions[:third]
    assert "3.0.0" not in versions[-third:]
    assert len(set(versions[-third:])) > 3


@pytest.mark.parametrize("device", DEVICES)
def test_a_user_agent_tells_the_device_that_it_comes_from(device: Device) -> None:
    parsed = ua_parser.parse(device.agent.format(app="3.1.2"))
    assert parsed.os is not None
    assert parsed.os.family == device.os.replace("iPadOS", "iOS")
    assert (parsed.os.major or "") == device.os_version.split(".")[0]


def test_activity_scales_the_number_of_visits(shop: Shop) -> None:
    quarter = draw_shop(UNTIL, users=1_000, activity=0.25)
    assert 0.2 < len(quarter.visits.user) / len(shop.visits.user) < 0.3


def test_local_noon_of_a_city_is_where_its_longitude_says(shop: Shop) -> None:
    """Most visits are in the evening, local time: the circular mean of their UTC hours moves with longitude."""
    hours = (shop.visits.at % DAY) / DAY * 2 * np.pi
    city = shop.people.city[shop.visits.user]
    tokyo, new_york = (next(i for i, c in enumerate(CITIES) if c.name == name) for name in ("Tokyo", "New York"))
    means = [np.angle(np.exp(1j * hours[city == one]).mean()) for one in (tokyo, new_york)]
    assert np.angle(np.exp(1j * (means[1] - means[0]))) / (2 * np.pi) * 24 == pytest.approx(14 - 24, abs=1.5)


def test_the_command_writes_json_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--users", "20", "--until", "2026-11-21T12:00:00Z", "--out", str(tmp_path / "shop")]) == 0
    profiles = [orjson.loads(line) for line in (tmp_path / "shop/profiles.jsonl").read_bytes().splitlines()]
    events = [orjson.loads(line) for line in (tmp_path / "shop/events.jsonl").read_bytes().splitlines()]
    assert len(profiles) == 20
    assert f"20 profiles and {len(events)} events" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong", [["--users", "0"], ["--activity", "-1"], ["--until", "2026-11-21"], ["--until", "0001-01-01T00:00:00Z"]]
)
def test_the_command_refuses_what_makes_no_shop(
    wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--until", "2026-11-21T12:00:00Z", "--out", str(tmp_path), *wrong])
    assert "error:" in capsys.readouterr().err


def test_the_year_is_the_one_before_the_end() -> None:
    newest = datetime.fromtimestamp(max(draw_shop(UNTIL, users=50).timeline.at) / 1e6, UTC)
    assert newest.date() >= date(2026, 11, 1)
