"""Rules for 1, 100 or 1,000 segments of the sample shop: of a hundred, 20 count events and 20 others depend on time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, islice
from typing import Any, Final

Rule = dict[str, Any]
Maker = Callable[[int], Rule]

EVENTS: Final = ("Application Opened", "Product Viewed", "Product Added", "Order Completed")
_CATEGORIES: Final = ("running", "yoga", "cycling", "outdoor", "swimming", "winter", "gifts")
_COUNTRIES: Final = ("DE", "AT", "CH", "FR", "NL", "BE", "GB", "IE", "US", "JP")
_SYSTEMS: Final = ("iOS", "Android", "Windows", "Mac OS X")
_INTERESTS: Final = ("running", "yoga", "cycling", "outdoor", "swimming", "winter", "sustainability", "nutrition")


def rules(size: int) -> dict[str, Rule]:
    """By segment id. Every fifth counts events, every fifth other one depends on time, the rest on attributes alone."""
    makers = (_behavioral, _timed, _attributes, _attributes, _attributes)
    return {f"s{number:04d}": makers[number % 5](number) for number in range(size)}


def behavioral_rules(size: int) -> dict[str, Rule]:
    """Those alone that count events."""
    return {f"b{number:04d}": _behavioral(5 * number) for number in islice(count(), size)}


def _behavioral(number: int) -> Rule:
    event, step = EVENTS[number // 5 % 4], number // 20
    days = (1, 3, 7, 14, 30)[step % 5] + step // 5
    rule: Rule = {"event": event, "within": f"{days}d", "count": {"at_least": 1 + step % 4}}
    if event in {"Product Viewed", "Product Added"} and step % 2:
        rule["where"] = {"category": {"equals": _CATEGORIES[step // 2 % 7]}}
    if event == "Order Completed" and step % 2:
        rule |= {"sum": {"property": "revenue", "at_least": 20 + step}}
        del rule["count"]
    return {"behavioral": rule}


def _timed(number: int) -> Rule:
    step = number // 5
    match step % 4:
        case 0:
            return {"demographic": {"age": {"between": [18 + step // 4 % 40, 27 + step // 4 % 40]}}}
        case 1:
            return {"attribute": {"createdAt": {"within_last": f"{5 + 7 * (step // 4)}d"}}}
        case 2:
            return {"demographic": {"birthday": {"anniversary": {"within_next": f"{1 + step // 4 % 60}d"}}}}
        case _:
            return {
                "all": [
                    {"attribute": {"createdAt": {"more_than_ago": f"{30 + step}d"}}},
                    {"attribute": {"plan": {"equals": ("free", "plus", "pro")[step % 3]}}},
                ]
            }


def _attributes(number: int) -> Rule:
    points, country = {"loyaltyPoints": {"at_least": number}}, _COUNTRIES[number % 10]
    match number % 6:
        case 0:
            return {"attribute": {**points, "emailSubscribed": {"equals": True}}}
        case 1:
            return {"attribute": {**points, "address.country": {"equals": country}, "plan": {"in": ["plus", "pro"]}}}
        case 2:
            liked = [_INTERESTS[number % 8], _INTERESTS[number // 8 % 8]]
            return {"attribute": {**points, "interests": {"any_of": liked}}}
        case 3:
            os, version = _SYSTEMS[number % 4], f"3.{number // 6 % 6}.{number // 36 % 3}"
            app = {"technographic": {"os": {"equals": os}, "app_version": {"at_least": version}}}
            return {"all": [app, {"attribute": points}]}
        case 4:
            genders, language = (["female", "other"], ["male"])[number // 6 % 2], ("de", "en", "fr", "ja")[number % 4]
            return {"attribute": {**points, "gender": {"in": genders}, "locale": {"starts_with": language}}}
        case _:
            return {"list": {"percentage": {"salt": f"salt-{number}", "from": 0, "to": 100 * (1 + number % 90)}}}
