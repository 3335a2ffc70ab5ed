"""What conditions mean, slowly: plain Python on one plain value, sharing no code with the operators."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def holds(kind: str, value: Any, condition: dict[str, Any], at: datetime, zone: str = "UTC") -> bool:
    """Whether a user with this value (None: missing) satisfies the condition at this instant."""
    fold = condition.get("ignore_case", False)
    return all(
        one(kind, value, operator, operand, fold, at, ZoneInfo(zone))
        for operator, operand in condition.items()
        if operator != "ignore_case"
    )


def one(kind: str, value: Any, operator: str, operand: Any, fold: bool, at: datetime, zone: ZoneInfo) -> bool:
    if operator in ("exists", "missing"):
        return (value is None) == (operator == "missing")
    if value is None:
        return False
    if operator in ("within_last", "more_than_ago", "within_next", "anniversary"):
        return relative(value if kind == "instant" else date.fromisoformat(value), operator, operand, at, zone)
    if kind == "tags":
        return tagged(value, operator, operand, fold)
    if kind == "text":
        return textual(value, operator, operand, fold)
    return compared(read(kind, value), operator, operand, lambda each: read(kind, each))


def read(kind: str, value: Any) -> Any:
    if kind == "money":
        return Decimal(str(value)).quantize(Decimal("0.000001"))
    if kind == "date":
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if kind == "instant" and isinstance(value, str) else value


def compared(value: Any, operator: str, operand: Any, to: Any) -> bool:  # noqa: PLR0911  (one for each operator)
    match operator:
        case "equals":
            return bool(value == to(operand))
        case "not_equals":
            return bool(value != to(operand))
        case "in":
            return any(value == to(each) for each in operand)
        case "not_in":
            return all(value != to(each) for each in operand)
        case "above" | "after":
            return bool(value > to(operand))
        case "at_least":
            return bool(value >= to(operand))
        case "below" | "before":
            return bool(value < to(operand))
        case "at_most":
            return bool(value <= to(operand))
        case "between":
            return bool(to(operand[0]) <= value <= to(operand[1]))
    raise AssertionError(operator)


def textual(value: str, operator: str, operand: Any, fold: bool) -> bool:  # noqa: PLR0911  (one for each operator)
    if operator == "version_equals":
        return version(value) is not None and version(value) == version(operand)
    if operator in ("above", "at_least", "below", "at_most", "between"):
        return version(value) is not None and compared(version(value), operator, operand, version)
    if operator == "matches":
        return re.search(operand, value, re.IGNORECASE if fold else 0) is not None

    def same(text: str) -> str:
        return text.casefold() if fold else text

    parts = operand if isinstance(operand, list) else [operand]
    match operator:
        case "contains":
            return any(same(part) in same(value) for part in parts)
        case "starts_with":
            return any(same(value)[: len(same(part))] == same(part) for part in parts)
        case "ends_with":
            return any(same(value)[len(same(value)) - len(same(part)) :] == same(part) for part in parts)
    return compared(same(value), operator, operand, same)


def version(text: str) -> Any:
    """A key that sorts as semver.org says, for versions that are not deeper than 20 numbers."""
    found = re.fullmatch(r"[vV]?([0-9.]+?)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?", text)
    if not found or not all(found[1].split(".")):
        return None
    numbers = [int(part) for part in found[1].split(".")]
    if found[2] is None:
        return (*numbers, *[0] * (20 - len(numbers))), 1, ()
    parts = found[2][1:].split(".")
    if not all(parts):
        return None
    keys = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
    return (*numbers, *[0] * (20 - len(numbers))), 0, keys


def tagged(value: list[str], operator: str, operand: Any, fold: bool) -> bool:
    def same(text: str) -> str:
        return text.casefold() if fold else text

    have = {same(tag) for tag in value}
    match operator:
        case "any_of":
            return any(same(tag) in have for tag in operand)
        case "all_of":
            return all(same(tag) in have for tag in operand)
        case "none_of":
            return not any(same(tag) in have for tag in operand)
    sizes = operand if isinstance(operand, dict) else {"equals": operand}
    return all(compared(len(set(value)), name, each, lambda number: number) for name, each in sizes.items())


def relative(value: Any, operator: str, operand: Any, at: datetime, zone: ZoneInfo) -> bool:
    if operator == "anniversary":
        return anniversary(value, operand, at, zone)
    here = midnight(value, zone) if isinstance(value, date) else datetime.fromisoformat(value)
    count, unit = int(operand.rstrip("smhdwoy")), operand.lstrip("0123456789")
    if unit in SECONDS:
        span = timedelta(seconds=count * SECONDS[unit])
        ahead, behind = here + span, here - span
    else:
        count = count * (12 if unit == "y" else 1)
        ahead, behind = moved(value, here, count, zone), moved(value, here, -count, zone)
    if operator == "within_last":
        return here <= at < ahead
    return at >= ahead if operator == "more_than_ago" else behind <= at < here


def moved(value: Any, here: datetime, months: int, zone: ZoneInfo) -> datetime:
    """Months on, by local time; the instants of the tests lie in no gap and in no repeated hour."""
    local = here.astimezone(zone).replace(tzinfo=None)
    day = in_month(value if isinstance(value, date) else local.date(), months)
    if isinstance(value, date):
        return midnight(day, zone)
    return datetime.combine(day, local.time(), tzinfo=zone).astimezone(UTC)


def in_month(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 + months
    for last in (day.day, 30, 29, 28):
        try:
            return date(month // 12, month % 12 + 1, min(last, day.day))
        except ValueError:
            continue
    raise AssertionError(day)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant, in quarters of an hour, at which a local clock shows the day or a later one."""
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=26)
    while instant.astimezone(zone).date() < day:
        instant += timedelta(minutes=15)
    return instant


def anniversary(value: Any, operand: dict[str, Any], at: datetime, zone: ZoneInfo) -> bool:
    day = value if isinstance(value, date) else datetime.fromisoformat(value).astimezone(zone).date()
    return any(round_again(day, year, operand, at, zone) for year in range(at.year - 2, at.year + 3))


def round_again(day: date, year: int, operand: dict[str, Any], at: datetime, zone: ZoneInfo) -> bool:
    try:
        again = day.replace(year=year)
    except ValueError:
        again = date(year, 3, 1)
    start, end = midnight(again, zone), midnight(again + timedelta(days=1), zone)
    ((form, given),) = operand.items()
    if form == "today":
        return start <= at < end
    span = timedelta(seconds=int(given[:-1]) * SECONDS[given[-1]])
    return start - span <= at < end if form == "within_next" else start <= at < start + span


def age(birthday: date, at: datetime, zone: ZoneInfo) -> int:
    """Birthdays counted one by one."""
    years = -1
    for year in range(birthday.year, at.year + 2):
        try:
            again = birthday.replace(year=year)
        except ValueError:
            again = date(year, 3, 1)
        if at >= midnight(again, zone):
            years += 1
    return years
