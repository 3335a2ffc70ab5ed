"""YAML 1.2 as plain values. ruamel.yaml parses; what nodes stand for is decided here, by the core schema alone."""

from __future__ import annotations

from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from segmentd.cli.definitions.located import Located, Plain, Unreadable, below
from segmentd.cli.definitions.scalars import plain_scalar
from segmentd.cli.faults import Fault

_TEXT: Final = "tag:yaml.org,2002:str"
_CORE: Final = "tag:yaml.org,2002:"
_COLLECTIONS: Final = (f"{_CORE}map", f"{_CORE}seq")
_MAX_VALUES: Final = 1_000_000
"""Aliases of aliases can stand for more values than any memory holds."""


def read_yaml(text: str) -> Located:
    """The one document of `text`. Raises Unreadable with every fault that was found."""
    reader = _Reader()
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        value = None if node is None else reader.value(node, "")
    except MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable([Fault(error.problem or "it is no YAML", line=mark.line + 1 if mark else 0)]) from None
    except YAMLError as error:
        raise Unreadable([Fault(f"it is no YAML: {str(error).splitlines()[0]}")]) from None
    except RecursionError:
        raise Unreadable([Fault("it is nested too deeply")]) from None
    if reader.faults:
        raise Unreadable(reader.faults)
    return Located(value, reader.lines)


class _Reader:
    """Turns nodes into values, and notes faults and lines on the way."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.lines: dict[str, int] = {}
        self._above: set[int] = set()
        self._count = 0

    def value(self, node: Node, path: str) -> Plain:
        """What a node stands for; None in the place of a fault."""
        self._count += 1
        if self._count > _MAX_VALUES:
            raise Unreadable([Fault(f"it stands for more than {_MAX_VALUES:,} values")])
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._above:
            return self._fault(node, path, "it contains itself")
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if str(node.tag) not in _COLLECTIONS:
            return self._fault(node, path, f"the tag {node.tag} is not known; write the value without it")
        self._above.add(id(node))
        try:
            return self._mapping(node, path) if isinstance(node, MappingNode) else self._sequence(node, path)
        finally:
            self._above.discard(id(node))

    def _mapping(self, node: MappingNode, path: str) -> Plain:
        values: dict[str, Plain] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in values:
                self._fault(key_node, below(path, key), "the key is there twice")
            values[key] = self.value(value_node, below(path, key))
        return values

    def _sequence(self, node: Node, path: str) -> Plain:
        if not isinstance(node, SequenceNode):
            return self._fault(node, path, "it is no value")
        return [self.value(item, below(path, index)) for index, item in enumerate(node.value)]

    def _key(self, node: Node, path: str) -> str | None:
        if not isinstance(node, ScalarNode):
            self._fault(node, path, "a key is text")
            return None
        key = self._scalar(node, path)
        if isinstance(key, str):
            return key
        # A key that looks like a number, a flag or nothing would come out in another spelling.
        self._fault(node, path, f'the key {node.value} is no text; quote it ("{node.value}")')
        return None

    def _scalar(self, node: ScalarNode, path: str) -> Plain:
        tag = str(node.tag)
        # The parser's own guess has no handle; `!!str` and the like have one.
        stated = node.ctag.handle is not None or not tag.startswith(_CORE)
        if stated and tag != _TEXT:
            return self._fault(node, path, f"the tag {tag} is not known; write the value without it")
        if stated or node.style is not None:
            return str(node.value)
        try:
            return plain_scalar(str(node.value))
        except ValueError as error:
            return self._fault(node, path, str(error))

    def _fault(self, node: Node, path: str, message: str) -> Plain:
        """Note a fault; None stands for the value."""
        self.faults.append(Fault(message, path, line=node.start_mark.line + 1))
        return None
