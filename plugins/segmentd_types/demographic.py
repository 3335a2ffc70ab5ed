"""`demographic`: who a user is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.api import (
    FOREVER,
    AttributeParameter,
    Catalogue,
    Condition,
    Fault,
    Instants,
    JudgeOne,
    Kind,
    Kinds,
    LocalTime,
    Mask,
    OneUser,
    OneVerdict,
    Parameter,
    Population,
    Readers,
    Reads,
    Reason,
    SegmentType,
    Source,
    Values,
    Verdict,
    YearlyDay,
    Zone,
    accepts_numbers,
    check_condition,
    explain_condition,
    hookimpl,
    judge_condition,
    one_condition,
    one_zone,
    operators_of,
    select,
    show_operand,
    user_zones,
    year_of,
)

_AGES: Final = 10_000
"""One more than the greatest age that a date can give."""
_NUMBERS = (Kind.NUMBER,)
_AMOUNTS = (Kind.NUMBER, Kind.MONEY)
_NEVER: Final = np.int64(FOREVER)
Days = NDArray[np.int64]


@lru_cache(maxsize=1024)
def _ages(condition: str) -> tuple[Mask, NDArray[np.int64]]:
    """For each age: whether the condition holds, and the first greater age at which that changes, or -1."""
    holds = accepts_numbers(Condition.model_validate_json(condition), np.arange(_AGES, dtype=np.float64))
    changes = np.flatnonzero(holds[1:] != holds[:-1]) + 1
    following = np.append(changes, -1)[np.searchsorted(changes, np.arange(_AGES), side="right")]
    return holds, following


def _age_on(today: Days, birthdays: YearlyDay) -> NDArray[np.int64]:
    """Whole years on a local day, negative before birth; who was born on 29 February turns a year older on
    1 March in years that lack it.
    """
    years = year_of(today)
    return years - birthdays.year - (today < birthdays.in_year(years))


def _exact(condition: Condition, birthday: Values[np.int64], zones: LocalTime, at: Instants) -> tuple[Verdict, Mask]:
    """The verdict by birthday, and who has one that is not ahead. It holds until the local midnight of the
    birthday that changes the answer; a birthday ahead counts from its own local midnight.
    """
    days = YearlyDay.of(birthday.values)
    ages = _age_on(zones.local_day(at), days)
    born = birthday.present & (ages >= 0)
    holds, following = _ages(condition.model_dump_json(by_alias=True, exclude_unset=True))
    safe = np.where(born, ages, 0)
    next_age = np.where(born, following[safe], np.where(birthday.present, 0, -1))
    day = days.in_year(days.year + np.maximum(next_age, 0))
    holds_until = np.where(next_age < 0, _NEVER, zones.day_start(day))
    return Verdict(born & holds[safe], holds_until), np.asarray(born)


@lru_cache(maxsize=16_384)
def _local_day(zone: Zone, at: int) -> int:
    return int(zone.local_day(np.array([at]))[0])


@lru_cache(maxsize=16_384)
def _exact_of(condition: str, birthday: int, zone: Zone, day: int) -> tuple[OneVerdict, bool]:
    """The same of one user on a local day: nothing but the day decides."""
    known = Values(np.array([birthday]), np.ones(1, dtype=np.bool_))
    parsed = Condition.model_validate_json(condition)
    verdict, born = _exact(parsed, known, zone, zone.day_start(np.array([day])))
    return (bool(verdict.member[0]), int(verdict.holds_until[0])), bool(born[0])


class Age(Parameter):
    """Whole years: exact from the birthday, in the user's time zone, else the number that was given."""

    def __init__(self) -> None:
        super().__init__(
            "age",
            "Whole years. Exact from the birthday, in the user's time zone (else UTC), and the birthday wins over "
            "a given age; 29 February counts on 1 March in other years.",
            ("birthday", "age"),
        )

    @property
    def operators(self) -> tuple[str, ...]:
        return operators_of(Kind.NUMBER)

    def reads(self, value: Condition) -> Reads:
        return Reads(frozenset(("birthday", "age", "timezone")), clock=True)

    def check(self, value: Condition, kinds: Kinds) -> Iterable[Fault]:
        if kinds.attribute("birthday") not in (None, Kind.DATE):
            return (Fault((), f"birthday is {kinds.attribute('birthday')}; an age follows from a date only"),)
        faults = check_condition(Kind.NUMBER, value)
        return faults or check_condition(kinds.attribute("age"), value)

    def judge(self, value: Condition, users: Population, at: Instants) -> Verdict:
        given = judge_condition(users, "age", value, at)
        if users.kind("birthday") is None:
            return given
        birthday = users.date("birthday")
        exact, born = _exact(value, birthday, user_zones(users), at)
        return select(born, exact, given.until(exact.holds_until))

    def for_one(self, value: Condition, readers: Readers) -> JudgeOne | None:
        given = one_condition(readers, "age", value)
        kind = readers.kind("birthday")
        if given is None or kind not in (None, Kind.DATE):
            return None
        if kind is None:
            return given
        birthday, zone_of = readers.attribute("birthday"), one_zone(readers)
        condition = value.model_dump_json(by_alias=True, exclude_unset=True)

        def judge(user: OneUser) -> OneVerdict:
            known = birthday(user)
            if known is None:
                return given(user)
            zone = zone_of(user)
            exact, born = _exact_of(condition, known, zone, _local_day(zone, user.at))
            if born:
                return exact
            member, until = given(user)
            return member, min(until, exact[1])

        return judge

    def explain(self, value: Condition, users: Population, at: Instants) -> tuple[Reason, ...]:
        birthday = users.date("birthday")
        age = _age_on(user_zones(users).local_day(at), YearlyDay.of(birthday.values))
        if not birthday.present[0] or age[0] < 0:
            return explain_condition(users, "age", value, at)
        day = np.datetime_as_string(birthday.values.astype("datetime64[D]"))[0]
        return tuple(
            Reason(
                "age",
                operator,
                f"{age[0]} (born {day})",
                show_operand(value, operator),
                self._alone(value, operator, age),
            )
            for operator in value.given
        )

    def _alone(self, value: Condition, operator: str, age: NDArray[np.int64]) -> bool:
        """What one of the operators says of an age."""
        only = Condition.model_validate_json(value.model_dump_json(by_alias=True, include=_fields(value, operator)))
        return bool(accepts_numbers(only, age.astype(np.float64))[0])


def _fields(condition: Condition, operator: str) -> set[str]:
    fields = type(condition).model_fields
    return {name for name in condition.model_fields_set if (fields[name].alias or name) == operator}


def language_of(locale: str) -> str | None:
    """The language of a locale: `de` of `de-AT`, `de_AT.UTF-8` or `DE`; None where it names none."""
    language = locale.replace("_", "-").split("-")[0].split(".")[0].lower()
    return language if language.isascii() and language.isalpha() and 2 <= len(language) <= 3 else None


class Demographic(Catalogue):
    """Age, gender, income, education and the like. Text compares exactly, case included; `ignore_case` folds."""

    name = "demographic"
    parameters = (
        Age(),
        AttributeParameter(
            "birthday",
            "Date of birth; `anniversary: {within_next: 7d}` is a birthday in the next 7 days.",
            "birthday",
            kinds=(Kind.DATE,),
        ),
        AttributeParameter("gender", "Gender, as it was given.", "gender"),
        AttributeParameter("income", "Income, as it was given.", "income", kinds=_AMOUNTS),
        AttributeParameter("education", "Education, as it was given.", "education"),
        AttributeParameter("occupation", "Occupation, else job title.", "occupation", "title"),
        AttributeParameter("marital_status", "Marital status, as it was given.", "marital_status", "maritalStatus"),
        AttributeParameter(
            "household_size", "People in the household.", "household_size", "householdSize", kinds=_NUMBERS
        ),
        AttributeParameter(
            "language",
            "Language as it was given, else that of the locale in lower case (`de` of de-AT).",
            "language",
            Source("locale", language_of),
        ),
    )


@hookimpl
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """The catalogue of people."""
    return [Demographic()]
