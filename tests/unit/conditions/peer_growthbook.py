"""GrowthBook's conditions, as far as our operators say the same, as trees of `all`, `any`, `not` and conditions."""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]
PLAIN = {"$gt": "above", "$gte": "at_least", "$lt": "below", "$lte": "at_most"}
VERSIONS = {"$vgt": "above", "$vgte": "at_least", "$vlt": "below", "$vlte": "at_most", "$veq": "version_equals"}
LISTS = {"$in": ("in", "any_of", False), "$ini": ("in", "any_of", True)}
NOT_LISTS = {"$nin": "$in", "$nini": "$ini"}


class Untranslated(Exception):
    """Why a case is left out."""


def tree(definition: Tree, user: Tree) -> Tree:
    """The rule; `user` only says whether a name holds a list, which decides on operators for tags."""
    return {"all": [part(key, value, user) for key, value in definition.items()]}


def part(key: str, value: Any, user: Tree) -> Tree:
    match key:
        case "$and":
            return {"all": [tree(each, user) for each in filled(value)]}
        case "$or":
            return {"any": [tree(each, user) for each in filled(value)]}
        case "$nor":
            return {"not": {"any": [tree(each, user) for each in filled(value)]}}
        case "$not":
            return {"not": tree(value, user)}
    return attribute(key, value, user)


def filled(parts: list[Any]) -> list[Any]:
    if not parts:
        raise Untranslated("an empty list of conditions")
    return parts


def attribute(name: str, value: Any, user: Tree) -> Tree:
    if value is None:
        return leaf(name, {"missing": True})
    if isinstance(value, list) or (isinstance(value, dict) and not any(key.startswith("$") for key in value)):
        raise Untranslated("equality of lists and objects")
    if not isinstance(value, dict):
        return leaf(name, {"equals": value})
    return {"all": [operator(name, key, operand, user) for key, operand in value.items()]}


def operator(name: str, key: str, operand: Any, user: Tree) -> Tree:  # noqa: PLR0911  (one for each operator)
    if key in VERSIONS:
        return leaf(name, {VERSIONS[key]: operand})
    if key in PLAIN:
        return ordered(name, key, operand, user)
    if key in LISTS or key in NOT_LISTS:
        return listed(name, key, operand, user)
    match key:
        case "$eq":
            return leaf(name, {"equals": operand})
        case "$ne":
            return {"not": leaf(name, {"equals": operand})}
        case "$vne":
            return {"not": leaf(name, {"version_equals": operand})}
        case "$not":
            return {"not": attribute(name, operand, user)}
        case "$exists":
            return leaf(name, {"exists" if operand else "missing": True})
    return textual(name, key, operand, user)


def textual(name: str, key: str, operand: Any, user: Tree) -> Tree:
    found = user.get(name)
    if isinstance(found, list) and not all(isinstance(each, str) for each in found):
        raise Untranslated("lists of numbers and objects")
    match key:
        case "$regex" | "$regexi":
            return leaf(name, {"matches": operand, "ignore_case": key == "$regexi"})
        case "$all" | "$alli":
            return leaf(name, {"all_of": operand, "ignore_case": key == "$alli"})
        case "$size":
            size = {PLAIN[each]: number for each, number in operand.items()} if isinstance(operand, dict) else operand
            return leaf(name, {"size": size})
        case "$elemMatch":
            return element(name, operand)
    raise Untranslated(f"the operator {key}")


def element(name: str, operand: Any) -> Tree:
    if set(operand) == {"$eq"}:
        return leaf(name, {"any_of": [operand["$eq"]]})
    if set(operand) == {"$in"}:
        return leaf(name, {"any_of": operand["$in"]})
    raise Untranslated("$elemMatch with comparisons and patterns")


def ordered(name: str, key: str, operand: Any, user: Tree) -> Tree:
    if name not in user:
        raise Untranslated("comparisons with a missing attribute, which is 0 there")
    if isinstance(operand, str) or isinstance(user[name], str):
        raise Untranslated("comparisons of text, which are coerced or alphabetic there")
    return leaf(name, {PLAIN[key]: operand})


def listed(name: str, key: str, operand: Any, user: Tree) -> Tree:
    if not isinstance(operand, list):
        raise Untranslated("a list operator without a list")
    if key in NOT_LISTS:
        return {"not": listed(name, NOT_LISTS[key], operand, user)}
    single, tags, ignore_case = LISTS[key]
    fold = {"ignore_case": True} if ignore_case else {}
    return leaf(name, {tags if isinstance(user.get(name), list) else single: operand} | fold)


def leaf(name: str, condition: Tree) -> Tree:
    return {"attribute": {name: condition}}
