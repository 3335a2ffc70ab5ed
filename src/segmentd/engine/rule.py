"""Rules as trees: `all`, `any`, `not`, `segment` and conditions; a node has exactly one key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson
from pydantic import BaseModel, ValidationError

from segmentd.engine.fault_words import in_words
from segmentd.errors import FieldViolation, InvalidInput, Reason
from segmentd.plugins.segment_type import SegmentType
from segmentd.population.kinds import Json

MAX_DEPTH: Final = 24
MAX_NODES: Final = 2_000
_SHOWN_ITEMS: Final = 20
"""How much of a list an explanation shows."""


@dataclass(frozen=True, slots=True)
class All:
    """Every child."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one child."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The plain complement of the child."""

    child: Node


@dataclass(frozen=True, slots=True)
class Reference:
    """Membership of another segment."""

    segment_id: str
    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A leaf. `key` is equal for conditions that mean the same."""

    segment_type: SegmentType[Any]
    params: BaseModel
    key: str
    path: str
    text: str


Node: TypeAlias = "All | AnyOf | Not | Reference | Condition"


def parse_rule(rule: Json, types: Mapping[str, SegmentType[Any]]) -> Node:
    """The tree of a rule given as JSON values. Raises InvalidInput with every fault at its path."""
    parser = _Parser(types)
    node = parser.node(rule, "rule", 1)
    if node is None or parser.faults:
        raise InvalidInput(parser.faults, Reason.INVALID_RULE)
    return node


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    if isinstance(node, All | AnyOf):
        for child in node.children:
            yield from walk(child)
    elif isinstance(node, Not):
        yield from walk(node.child)


class _Parser:
    """Collects every fault instead of stopping at the first."""

    def __init__(self, types: Mapping[str, SegmentType[Any]]) -> None:
        self.faults: list[FieldViolation] = []
        self._types = types
        self._nodes = 0

    def node(self, value: Json, path: str, depth: int) -> Node | None:  # noqa: PLR0911  (one return a kind of node)
        self._nodes += 1
        if depth > MAX_DEPTH:
            return self._fault(path, f"is nested deeper than {MAX_DEPTH} levels")
        if self._nodes > MAX_NODES:
            return self._fault(path, f"is beyond the {MAX_NODES:,} nodes that a rule may have")
        if not isinstance(value, dict) or len(value) != 1:
            return self._fault(path, f"a node has exactly one key: {self._keys()}; {_found(value)}")
        key, below = next(iter(value.items()))
        if key in ("all", "any"):
            return self._group(key, below, f"{path}.{key}", depth)
        if key == "not":
            child = self.node(below, f"{path}.not", depth + 1)
            return Not(child) if child is not None else None
        if key == "segment":
            return self._reference(below, f"{path}.segment")
        return self._condition(key, below, path)

    def _group(self, key: str, below: Json, path: str, depth: int) -> Node | None:
        if not isinstance(below, list) or not below:
            return self._fault(path, "is a list of at least one node")
        children = [self.node(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(below)]
        sound = tuple(child for child in children if child is not None)
        return All(sound) if key == "all" else AnyOf(sound)

    def _reference(self, below: Json, path: str) -> Node | None:
        if not isinstance(below, str) or not below:
            return self._fault(path, "is the id of a segment")
        return Reference(below, path)

    def _condition(self, name: str, below: Json, path: str) -> Node | None:
        segment_type = self._types.get(name)
        if segment_type is None:
            return self._fault(path, f"{name!r} is no segment type; there are {self._keys()}")
        try:
            params = segment_type.Params.model_validate(below)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                self._fault(f"{path}.{name}{dotted(fault['loc'])}", in_words(fault, segment_type.Params))
            return None
        text = f"{name}: {_in_words(below)}"
        key = orjson.dumps([name, params.model_dump(mode="json", by_alias=True)], option=orjson.OPT_SORT_KEYS).decode()
        return Condition(segment_type, params, key, f"{path}.{name}", text)

    def _fault(self, path: str, message: str) -> Node | None:
        """Note a fault; the node that it stands for is absent."""
        self.faults.append(FieldViolation(path, message))
        return None

    def _keys(self) -> str:
        return ", ".join(["all", "any", "not", "segment", *sorted(self._types)])


def dotted(location: tuple[str | int, ...]) -> str:
    """`("where", 0, "age")` as `.where[0].age`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def _found(value: Json) -> str:
    if isinstance(value, dict):
        return f"found {', '.join(map(repr, list(value)[:8])) or 'none'}"
    return f"found {type(value).__name__}"


def _in_words(value: Json) -> str:
    """Parameters in one line, as YAML's flow style without its outer braces."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_nested(item)}" for key, item in sorted(value.items()))
    return _nested(value)


def _nested(value: Json) -> str:
    if isinstance(value, dict):
        return f"{{{_in_words(value)}}}"
    if isinstance(value, list):
        shown = ", ".join(_nested(item) for item in value[:_SHOWN_ITEMS])
        return f"[{shown}{', …' if len(value) > _SHOWN_ITEMS else ''}]"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
