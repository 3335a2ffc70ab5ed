"""An exclusive group as people define and see it, its form in the database, and the segments that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from segmentd.errors import FieldViolation, InvalidInput
from segmentd.limits import MAX_LABELS, id_fault
from segmentd.population.kinds import MAX_TEXT, Json
from segmentd.records import GroupRecord
from segmentd.service.segment_info import SegmentSpec
from segmentd.times import Micros

MAX_GROUP_SEGMENTS: Final = 50
"""Each segment of a group refers to all before it, so that a write about a user costs the square of this."""


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """What a definition says; a user is claimed by the first of the segments that matches."""

    group_id: str
    segment_ids: tuple[str, ...] = ()
    name: str = ""
    description: str = ""
    owner: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raises InvalidInput with every fault of form; whether the segments exist is checked apart."""
        faults = list(self._faults())
        if faults:
            raise InvalidInput(faults)

    def managed(self, segment_id: str) -> str:
        """The id of the segment that the group makes of one of its segments."""
        return f"{self.group_id}/{segment_id}"

    def segments(self) -> dict[str, SegmentSpec]:
        """The segments that the group makes, by id, in order."""
        made = {}
        for place, segment_id in enumerate(self.segment_ids):
            name = f"{self.name or self.group_id}: {segment_id}"
            words = f"Of exclusive group {self.group_id}: in {segment_id}"
            if place:
                words += f", and in none of {', '.join(self.segment_ids[:place])}"
            managed = self.managed(segment_id)
            rule = _rule(self.segment_ids[:place], segment_id)
            made[managed] = SegmentSpec(managed, name, words, self.owner, self.labels, rule, managed_by=self.group_id)
        return made

    def dump(self) -> bytes:
        """Its form in the database; equal for specs that say the same."""
        values = {name: getattr(self, name) for name in ("segment_ids", "name", "description", "owner")}
        return orjson.dumps(values | {"labels": dict(self.labels)}, option=orjson.OPT_SORT_KEYS)

    def _faults(self) -> Iterator[FieldViolation]:
        if (fault := id_fault(self.group_id)) is not None:
            yield FieldViolation("id", fault)
        for name in ("name", "description", "owner"):
            if len(getattr(self, name)) > MAX_TEXT:
                yield FieldViolation(name, f"has more than {MAX_TEXT:,} characters")
        if len(self.labels) > MAX_LABELS:
            yield FieldViolation("labels", f"are {len(self.labels)}; at most {MAX_LABELS} are allowed")
        if not 1 <= len(self.segment_ids) <= MAX_GROUP_SEGMENTS:
            yield FieldViolation("segment_ids", f"are {len(self.segment_ids)}; 1 to {MAX_GROUP_SEGMENTS} are allowed")
        for place, segment_id in enumerate(self.segment_ids[:MAX_GROUP_SEGMENTS]):
            fault = id_fault(segment_id) or id_fault(self.managed(segment_id))
            if fault is None and segment_id in self.segment_ids[:place]:
                fault = f"{segment_id!r} is there twice"
            if fault is not None:
                yield FieldViolation(f"segment_ids[{place}]", fault)


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """One version of a group, with who made it, when and why."""

    spec: GroupSpec
    version: int
    author: str
    note: str
    create_time: Micros = Micros(0)
    update_time: Micros = Micros(0)

    @property
    def etag(self) -> str:
        """Changes with each version, also where a group is deleted and made again."""
        return f"{self.create_time:x}-{self.version}"

    def record(self) -> GroupRecord:
        """Its form in the database."""
        said = {"spec": orjson.loads(self.spec.dump()), "author": self.author, "note": self.note}
        definition = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
        return GroupRecord(self.spec.group_id, self.version, definition, self.create_time, self.update_time)

    @classmethod
    def of(cls, record: GroupRecord) -> GroupInfo:
        """The inverse of `record`."""
        said = orjson.loads(record.definition)
        values = said["spec"]
        values["segment_ids"] = tuple(values["segment_ids"])
        spec = GroupSpec(record.group_id, **values)
        return cls(spec, record.version, said["author"], said["note"], record.create_time, record.update_time)


def _rule(earlier: tuple[str, ...], segment_id: str) -> Json:
    """The segment, and none of those before it."""
    own: Json = {"segment": segment_id}
    if not earlier:
        return own
    others: Json = {"any": [{"segment": each} for each in earlier]}
    return {"all": [own, {"not": others}]}
