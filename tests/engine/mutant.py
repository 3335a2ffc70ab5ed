"""A fault that is planted in the program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """`file` below src/segmentd; `original` occurs in it exactly once, `planted` stands in its place."""

    file: str
    original: str
    planted: str
    why: str
