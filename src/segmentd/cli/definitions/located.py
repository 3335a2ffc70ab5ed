"""Values of a file with the line that each stands on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from segmentd.cli.faults import Fault

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"


@dataclass(frozen=True, slots=True)
class Located:
    """A value as plain Python, and the lines (from 1; 0: unknown) of it and of what is below, by path."""

    value: Plain
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, path: str) -> int:
        """The line of the value at a path, or of the closest one above it."""
        while path and path not in self.lines:
            cut = max(path.rfind("."), path.rfind("["))
            path = path[:cut] if cut > 0 else ""
        return self.lines.get(path, 0)


class Unreadable(Exception):
    """The text of a file does not stand for a value; every reason with its line."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


def below(path: str, key: str | int) -> str:
    """The path of a key or an index below a path."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def depth_first(value: Plain, path: str = "") -> Iterator[tuple[str, Plain]]:
    """Every value below, with its path."""
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from depth_first(child, below(path, key))
