"""Unleash's constraints, as far as our operators say the same, as trees of `all`, `not` and conditions.

Its context holds text only, so numbers and dates are read from it before they are compared.
"""

from __future__ import annotations

from typing import Any

from segmentd.api import Kind

Tree = dict[str, Any]
NUMBERS = {"NUM_EQ": "equals", "NUM_GT": "above", "NUM_GTE": "at_least", "NUM_LT": "below", "NUM_LTE": "at_most"}
VERSIONS = {
    "SEMVER_EQ": "version_equals",
    "SEMVER_GT": "above",
    "SEMVER_GTE": "at_least",
    "SEMVER_LT": "below",
    "SEMVER_LTE": "at_most",
}
DATES = {"DATE_AFTER": "after", "DATE_BEFORE": "before"}
TEXTS = {"STR_CONTAINS": "contains", "STR_STARTS_WITH": "starts_with", "STR_ENDS_WITH": "ends_with"}
LISTS = ("IN", "NOT_IN")


class Untranslated(Exception):
    """Why a case is left out."""


def constraints(case: Tree) -> list[Tree]:
    """The constraints that decide a case, if nothing else does."""
    feature = case["definition"]["feature"]
    if not feature or not feature["enabled"] or len(feature["strategies"]) != 1 or feature.get("dependencies"):
        raise Untranslated("not one strategy of an enabled feature")
    (strategy,) = feature["strategies"]
    if strategy["name"] != "default" or strategy.get("segments"):
        raise Untranslated("another strategy than default, or segments of Unleash's own")
    if not strategy.get("constraints"):
        raise Untranslated("no constraint")
    return list(strategy["constraints"])


def kind_of(constraint: Tree) -> Kind:
    if constraint["operator"] in NUMBERS:
        return Kind.NUMBER
    return Kind.INSTANT if constraint["operator"] in DATES else Kind.TEXT


def rule(constraint: Tree) -> Tree:
    condition = {"attribute": {constraint["contextName"]: operators(constraint)}}
    negated = (constraint["operator"] == "NOT_IN") != bool(constraint.get("inverted"))
    return {"not": condition} if negated else condition


def operators(constraint: Tree) -> Tree:
    operator, value, values = constraint["operator"], constraint.get("value"), constraint.get("values") or []
    fold = {"ignore_case": True} if constraint.get("caseInsensitive") else {}
    if operator in NUMBERS:
        return {NUMBERS[operator]: number(value)}
    if operator in VERSIONS:
        return {VERSIONS[operator]: value}
    if operator in DATES:
        return {DATES[operator]: value}
    if (operator in TEXTS or operator in LISTS) and not values:
        raise Untranslated("an empty list of values")
    if operator in TEXTS:
        return {TEXTS[operator]: values} | fold
    if operator in LISTS:
        return {"in": values} | fold
    if operator == "REGEX":
        return {"matches": value} | fold
    raise Untranslated(f"the operator {operator}")


def context(case: Tree, name: str, kind: Kind) -> Any:
    """The user's value as the constraint reads it; None where it is absent or unreadable."""
    user = case["user"]
    found = user.get(name, (user.get("properties") or {}).get(name))
    if kind is not Kind.NUMBER or found is None:
        return found
    try:
        return number(found)
    except ValueError:
        return None


def number(text: Any) -> float:
    return float(text)
