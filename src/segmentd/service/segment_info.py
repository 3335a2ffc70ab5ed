"""A segment as people define and see it, and its form in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from segmentd.engine.compile import Definition
from segmentd.engine.rule import AnyOf, Node, parse_rule
from segmentd.errors import FieldViolation, InvalidInput
from segmentd.limits import MAX_LABELS, id_fault
from segmentd.plugins.segment_type import SegmentType
from segmentd.population.kinds import MAX_TEXT, Json
from segmentd.records import SegmentRecord
from segmentd.times import Micros

MAX_NAMED_USERS: Final = 10_000
NOBODY: Final = AnyOf(())
"""The rule of a segment without one."""
UNREADABLE: Final = AnyOf(())
"""Stands for a rule that cannot be read any more; its segment stays failed."""


@dataclass(frozen=True, slots=True)
class SegmentSpec:
    """What a definition says. `rule` None: nobody but the included users is a member.

    `managed_by` is the exclusive group that makes and changes the segment; empty where people do.
    """

    segment_id: str
    name: str = ""
    description: str = ""
    owner: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    rule: Json = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    managed_by: str = ""

    def check(self) -> None:
        """Raises InvalidInput with every fault of form; the rule is checked apart."""
        faults: list[FieldViolation] = []
        _check_ids(faults, [("id", self.segment_id)])
        faults += [
            FieldViolation(name, f"has more than {MAX_TEXT:,} characters")
            for name in ("name", "description", "owner")
            if len(getattr(self, name)) > MAX_TEXT
        ]
        if len(self.labels) > MAX_LABELS:
            faults.append(FieldViolation("labels", f"are {len(self.labels)}; at most {MAX_LABELS} are allowed"))
        _check_ids(faults, [(f"labels[{key[:80]!r}]", key) for key in self.labels])
        for name, users in (("include_user_ids", self.include), ("exclude_user_ids", self.exclude)):
            if len(users) > MAX_NAMED_USERS:
                faults.append(FieldViolation(name, f"are {len(users):,}; at most {MAX_NAMED_USERS:,} are allowed"))
            _check_ids(faults, [(f"{name}[{i}]", user) for i, user in enumerate(users[:MAX_NAMED_USERS])])
        if faults:
            raise InvalidInput(faults)

    def parse(self, types: Mapping[str, SegmentType[Any]]) -> Node:
        """The tree of the rule. Raises InvalidInput with every fault at its path."""
        return NOBODY if self.rule is None else parse_rule(self.rule, types)

    def dump(self) -> str:
        """The form in the database."""
        values = {
            "name": self.name,
            "description": self.description,
            "owner": self.owner,
            "labels": dict(self.labels),
            "rule": self.rule,
            "include": self.include,
            "exclude": self.exclude,
        }
        if self.managed_by:
            values["managed_by"] = self.managed_by
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()

    def says_the_same(self, other: SegmentSpec) -> bool:
        """Whether both define the same; as values of Python, 1 and true would be equal."""
        return self.segment_id == other.segment_id and self.dump() == other.dump()

    @classmethod
    def load(cls, segment_id: str, text: str) -> SegmentSpec:
        """The inverse of `dump`."""
        values = orjson.loads(text)
        values["include"], values["exclude"] = tuple(values["include"]), tuple(values["exclude"])
        return cls(segment_id, **values)


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """One version of a segment, with who made it, when and why."""

    spec: SegmentSpec
    segment_key: int
    version: int
    author: str
    note: str
    create_time: Micros
    update_time: Micros

    @property
    def etag(self) -> str:
        """Changes with each version."""
        return f"{self.segment_key}-{self.version}"

    def definition(self, rule: Node) -> Definition:
        """What the engine needs of it."""
        spec = self.spec
        return Definition(
            spec.segment_id, self.segment_key, self.version, rule, frozenset(spec.include), frozenset(spec.exclude)
        )

    @classmethod
    def of(cls, record: SegmentRecord, create_time: Micros) -> SegmentInfo:
        """The info of a stored version."""
        spec = SegmentSpec.load(record.segment_id, record.definition)
        return cls(
            spec, record.segment_key, record.version, record.author, record.note, create_time, record.create_time
        )


def _check_ids(faults: list[FieldViolation], ids: list[tuple[str, str]]) -> None:
    faults += [FieldViolation(path, fault) for path, text in ids if (fault := id_fault(text)) is not None]
