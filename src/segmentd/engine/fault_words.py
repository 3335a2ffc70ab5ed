"""What pydantic finds wrong with parameters, in the words of rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_NO_OBJECT: Final = frozenset({"model_type", "model_attributes_type", "dict_type", "mapping_type"})
_SIZES: Final = re.compile(r"\w+ should have (at least|at most) (\d+) \w+ after validation, not (\d+)")
_SHOWN_NAMES: Final = 30


def in_words(fault: ErrorDetails, params: type[BaseModel]) -> str:
    """One fault of the parameters of a condition, for people."""
    kind, place = fault["type"], fault["loc"]
    if kind == "extra_forbidden":
        return f"is not a name that can stand here; {_choice(_known_names(params, place[:-1]))}"
    if kind in _NO_OBJECT:
        names = _known_names(params, place)
        example = names[0] if names else "name"
        return f"write names and values, such as {{{example}: …}}; {_choice(names)}"
    if kind == "string_type":
        return "write text"
    if kind == "missing":
        return "is required"
    message = _SIZES.sub(r"must have \1 \2, not \3", fault["msg"])
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def _choice(names: list[str]) -> str:
    more = ", …" if len(names) > _SHOWN_NAMES else ""
    return f"there are {', '.join(names[:_SHOWN_NAMES]) or 'none'}{more}"


def _known_names(params: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    """The names that can stand at a place; none where any can, or where the schema does not say."""
    try:
        return list(_names(params.model_json_schema(by_alias=True), place))
    except (KeyError, TypeError):
        return []


def _names(schema: Mapping[str, Any], place: tuple[str | int, ...]) -> Mapping[str, Any]:
    node: Mapping[str, Any] = schema
    for step in place:
        node = _resolved(schema, node)
        if isinstance(step, int):
            node = node["items"]
        else:
            node = node["properties"][step] if "properties" in node else node["additionalProperties"]
    found: Mapping[str, Any] = _resolved(schema, node).get("properties", {})
    return found


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node itself, not a reference to it, nor a choice of which it is one."""
    for choice in node.get("anyOf", ()):
        resolved = _resolved(schema, choice)
        if "properties" in resolved or "additionalProperties" in resolved:
            return resolved
    if "$ref" in node:
        found: Mapping[str, Any] = schema["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    return node
