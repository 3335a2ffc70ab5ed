"""The tables of rules.md, made from the code: operators, kinds, and the parameters of each segment type."""  # noqa: INP001

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from segmentd.conditions.catalogue import Catalogue
from segmentd.conditions.condition import Condition
from segmentd.conditions.operators import OPERATORS, operators_of
from segmentd.plugins.segment_type import SegmentType, description_of
from segmentd.population.kinds import Kind
from segmentd.population.schema import KNOWN_ATTRIBUTES, KNOWN_PROPERTIES

Schema = Mapping[str, Any]
EXPLAINED_ABOVE = frozenset(["Condition", "Anniversary", "Size", "PropertyCondition", "Calendar", "Period", "Unit"])
"""Parts of schemas that rules.md describes once, for all types."""


def operators() -> Iterator[str]:
    """Every operator: the kinds that it applies to, and what it means."""
    fields = Condition.model_json_schema(by_alias=True)["properties"]
    yield from _head("operator", "applies to", "meaning")
    for name, field in fields.items():
        kinds = OPERATORS.get(name)
        yield _row(f"`{name}`", _kinds(kinds) if kinds else "beside text and tags", field["description"])


def anniversary_and_size() -> Iterator[str]:
    """The operands of the two operators that have operators of their own."""
    for name in ("anniversary", "size"):
        parts = Condition.model_json_schema(by_alias=True)["$defs"][name.capitalize()]["properties"]
        yield from _head(f"`{name}:`", "meaning")
        yield from (_row(f"`{part}`", schema["description"]) for part, schema in parts.items())
        yield ""


def kinds() -> Iterator[str]:
    """The names whose kinds the convention fixes."""
    yield from _head("kind", "attributes", "properties of events")
    for kind in Kind:
        names = [sorted(name for name, its in known.items() if its is kind) for known in _KNOWN]
        if any(names):
            yield _row(kind.value, *(", ".join(f"`{name}`" for name in group) for group in names))


_KNOWN: tuple[Mapping[str, Kind], ...] = (KNOWN_ATTRIBUTES, KNOWN_PROPERTIES)


def segment_type(each: SegmentType[Any]) -> Iterator[str]:
    """What a type says of itself, and its parameters."""
    yield from description_of(each).splitlines()
    yield ""
    schema = each.Params.model_json_schema(by_alias=True)
    published = each.attributes_table()
    if isinstance(each, Catalogue) or each.name == "attribute":
        yield from _catalogue(published, schema.get("properties", {}))
        return
    yield from _parameters(schema)
    for name, part in schema.get("$defs", {}).items():
        if name not in EXPLAINED_ABOVE and "properties" in part:
            yield ""
            yield f"*{name}*: {' '.join(part.get('description', '').split())}"
            yield ""
            yield from _parameters(part)


def _catalogue(published: Mapping[str, Any], properties: Schema) -> Iterator[str]:
    yield from _head("parameter", "reads, in this order", "operators of", "meaning")
    for name, (attributes, given) in published.items():
        meaning = properties.get(name, {}).get("description", "Any attribute by name; nested names are dotted.")
        reads = ", ".join(f"`{each}`" for each in attributes) or "that attribute"
        yield _row(f"`{name}`" if attributes else name, reads, _operators_of(given), meaning.split(" Reads ")[0])


def _operators_of(given: tuple[str, ...]) -> str:
    """The kinds that have just these operators, else the operators themselves."""
    if set(given) == set(OPERATORS):
        return "its kind"
    for size in (1, 2):
        for chosen in combinations(Kind, size):
            if set(operators_of(*chosen)) == set(given):
                return " and ".join(chosen)
    return ", ".join(f"`{name}`" for name in given)


def _parameters(schema: Schema) -> Iterator[str]:
    parts = schema["properties"]
    defaults = {name: _default(part) for name, part in parts.items()}
    some = any(defaults.values())
    yield from _head("parameter", "takes", *(["default"] if some else []), "meaning")
    required = schema.get("required", ())
    for name, part in parts.items():
        meaning = part.get("description") or _WINDOW.get(name, "")
        shown = f"`{name}`" + (" (required)" if name in required else "")
        yield _row(shown, _takes(part), *([defaults[name]] if some else []), meaning)


def _default(part: Schema) -> str:
    """What holds where the parameter is not given; "" for nothing, and for a part whose own table has its defaults."""
    value = part.get("default")
    if value is None or isinstance(value, Mapping):
        return ""
    return f"`[{', '.join(map(str, value))}]`" if isinstance(value, list) else f"`{value}`"


_WINDOW = dict.fromkeys(
    ("within", "during", "from", "until", "periods", "time_zone"), "See [windows](#windows-of-time)."
)


def _takes(part: Schema) -> str:
    """A schema in a few words."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return _WORDS.get(name, f"*{name}*")
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_takes(each) for each in part["anyOf"] if each.get("type") != "null"))
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if part.get("type") == "array":
        return f"list of {_takes(part['items'])}"
    if part.get("type") == "object" and "additionalProperties" in part:
        return f"names with {_takes(part['additionalProperties'])} each"
    words = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}
    return words[part["type"]]


_WORDS = {
    "Condition": "[operators](#operators)",
    "PropertyCondition": "`property`, and [operators](#operators)",
    "Calendar": "`unit`, `count`, `time_zone`",
    "Period": "`from`, `until`",
    "Unit": "`day`, `week`, `month`, `quarter`, `year`",
    "Stage": "a stage",
}


def _kinds(given: Iterable[Kind]) -> str:
    chosen = set(given)
    return "every kind" if chosen == set(Kind) else ", ".join(kind.value for kind in Kind if kind in chosen)


def _head(*columns: str) -> Iterator[str]:
    yield _row(*columns)
    yield _row(*("---" for _ in columns))


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
