"""What the oracle of the stream notes about commits, segments and edits."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.engine.oracle import Definition


@dataclass
class Touched:
    """What one commit wrote about one person."""

    events: dict[str, str | None] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    new: bool = False
    defined: bool = False
    merged: bool = False


@dataclass
class Version:
    """What a segment says in one version, also where it is archived or deleted by now."""

    name: str
    segment: int
    definition: Definition


@dataclass
class Seen:
    """The segment as the log knows it: key and version. Archived ones are in no world."""

    key: int
    version: int
    archived: bool = False


@dataclass
class Edit:
    """Definitions that are judged aside, with what was learned for them, and what goes with them."""

    definitions: dict[str, Definition]
    means: dict[str, tuple[int, int]]
    deleted: frozenset[str] = frozenset()
    learned_at: int = 0
