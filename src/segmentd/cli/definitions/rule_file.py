"""A file that holds one rule: bare, below `rule`, or as the rule of one segment."""

from __future__ import annotations

from pathlib import Path

from segmentd.cli.definitions.located import Plain
from segmentd.cli.definitions.reading import read_values
from segmentd.cli.definitions.segments_file import read_segments
from segmentd.cli.faults import Fault, FileFaults
from segmentd.client import as_struct


def read_rule(path: Path) -> dict[str, Plain]:
    """The rule. Raises FileFaults, or CommandFailed where the file cannot be read."""
    value = read_values(path).value
    if not isinstance(value, dict) or not value:
        raise FileFaults(str(path), [Fault("a rule is a mapping with one key")])
    below = value.get("rule")
    if len(value) == 1 and isinstance(below, dict):
        return _sound(path, below)
    if "segments" not in value:
        return _sound(path, value)
    definitions = read_segments(path).definitions
    if len(definitions) != 1:
        raise FileFaults(str(path), [Fault(f"it defines {len(definitions)} segments; one rule can be counted")])
    rule = definitions[0].rule
    if not isinstance(rule, dict):
        raise FileFaults(str(path), [Fault("the segment has no rule", segment=definitions[0].segment.id)])
    return _sound(path, rule)


def _sound(path: Path, rule: dict[str, Plain]) -> dict[str, Plain]:
    try:
        as_struct(rule, "rule")
    except ValueError as error:
        raise FileFaults(str(path), [Fault(str(error))]) from None
    return rule
