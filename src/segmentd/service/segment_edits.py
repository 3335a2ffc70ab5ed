"""Making edits of definitions, after all checks that need no judging; on the engine's thread, when their turn comes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from segmentd.engine.catalogue import Entry, State, check_references
from segmentd.engine.compile import Definition, check_kinds, references
from segmentd.errors import AlreadyExists, Conflict, FailedPrecondition, InvalidInput, NotFound, Reason
from segmentd.service.assuming import NOTHING, Assumptions
from segmentd.service.engine import Engine
from segmentd.service.reach import check_reach
from segmentd.service.scrubbing import named_ids
from segmentd.service.seen import unknown_segment
from segmentd.service.segment_info import NOBODY, SegmentInfo, SegmentSpec
from segmentd.service.switch import Edit
from segmentd.service.written import Cause
from segmentd.times import Micros


class SegmentEdits:
    """What becomes of a request to change a segment. Those that an exclusive group makes are refused."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live

    def creation(self, spec: SegmentSpec, author: str, note: str, assumed: Assumptions = NOTHING) -> Edit:
        """A new segment, or a new version of an archived one. Raises AlreadyExists, InvalidInput."""
        old = self._live.segments.get(spec.segment_id)
        if old is not None:
            self.check_manager(old)
            if not self.is_archived(spec.segment_id):
                raise AlreadyExists(
                    Reason.SEGMENT_EXISTS, f"there is a segment {spec.segment_id!r}", {"segment_id": spec.segment_id}
                )
            return self._definition(_next_version(old, spec, author, note), assumed)
        key = self._engine.store.next_segment_key()
        return self._definition(SegmentInfo(spec, key, 1, author, note, Micros(0), Micros(0)), assumed)

    def update(
        self,
        spec: SegmentSpec,
        fields: Collection[str],
        etag: str,
        author: str,
        note: str,
        assumed: Assumptions = NOTHING,
    ) -> Edit:
        """The named fields changed to those of `spec`. Raises NotFound, Conflict, FailedPrecondition, InvalidInput."""
        old = self.changeable(spec.segment_id, etag)
        changed = replace(old.spec, **{name: getattr(spec, name) for name in fields})
        changed.check()
        return self._definition(_next_version(old, changed, author, note), assumed)

    def restoration(self, segment_id: str, version: int, etag: str, author: str, note: str) -> Edit:
        """The content of an old version as the next one, also of an archived segment. Raises NotFound, Conflict."""
        old = self.existing(segment_id, etag)
        records = self._engine.store.segment_versions(segment_id)
        found = next((each for each in records if each.version == version), None)
        if found is None:
            raise NotFound(
                Reason.VERSION_NOT_FOUND,
                f"segment {segment_id} has the versions 1 to {old.version}, not {version}",
                {"segment_id": segment_id, "version": str(version)},
            )
        return self._definition(_next_version(old, SegmentSpec.load(segment_id, found.definition), author, note))

    def archival(self, segment_id: str, etag: str, author: str, note: str) -> Edit:
        """A last version without members. Raises FailedPrecondition where something refers to the segment."""
        old = self.changeable(segment_id, etag)
        self.check_unused([segment_id])
        info = _next_version(old, old.spec, author, note)
        return Edit(Cause.DEFINITION, {segment_id: Entry(info.definition(NOBODY), State.ARCHIVED)}, {segment_id: info})

    def deletion(self, segment_id: str, etag: str) -> Edit:
        """The segment goes for good, archived or not. Raises FailedPrecondition where something refers to it."""
        self.existing(segment_id, etag)
        return self.deletions([segment_id])

    def deletions(self, segment_ids: Iterable[str]) -> Edit:
        """Several segments go at once; they may refer to each other."""
        names = frozenset(segment_ids)
        self.check_unused(names)
        return Edit(Cause.DEFINITION, deleted=names)

    def existing(self, segment_id: str, etag: str) -> SegmentInfo:
        """A segment, archived or not. Raises NotFound, Conflict, and FailedPrecondition where a group makes it."""
        info = self._live.segments.get(segment_id)
        if info is None:
            raise unknown_segment(segment_id)
        self.check_manager(info)
        check_etag(info, etag)
        return info

    def changeable(self, segment_id: str, etag: str) -> SegmentInfo:
        """The same, refused where it is archived."""
        info = self._live.segments.get(segment_id)
        if info is not None:
            self.check_manager(info)
            if self.is_archived(segment_id):
                raise archived(segment_id)
        return self.existing(segment_id, etag)

    def check_manager(self, info: SegmentInfo) -> None:
        """Raises FailedPrecondition where an exclusive group makes the segment."""
        spec = info.spec
        if spec.managed_by:
            raise FailedPrecondition(
                Reason.SEGMENT_MANAGED,
                f"segment {spec.segment_id} is made by the exclusive group {spec.managed_by}: change the group",
                {"segment_id": spec.segment_id, "group_id": spec.managed_by},
            )

    def is_archived(self, segment_id: str) -> bool:
        """Whether a segment that exists is archived."""
        return self._live.catalogue.entries[segment_id].state is State.ARCHIVED

    def _definition(self, info: SegmentInfo, assumed: Assumptions = NOTHING) -> Edit:
        """The edit to a definition, after all checks that need no judging."""
        name = info.spec.segment_id
        try:
            definition = self._checked(info, assumed)
        except InvalidInput as error:
            # One reason for all that is wrong with a rule, whatever found it.
            raise InvalidInput(error.violations, Reason.INVALID_RULE, {"segment_id": name}) from None
        return Edit(Cause.DEFINITION, {name: Entry(definition, State.PENDING)}, {name: info})

    def _checked(self, info: SegmentInfo, assumed: Assumptions) -> Definition:
        rule = info.spec.parse(self._engine.plugins.segment_types)
        definition = info.definition(rule)
        entries = self._live.catalogue.entries.items()
        check_references(definition, {name: entry for name, entry in entries if entry.state is not State.ARCHIVED})
        check_kinds(rule, assumed.schema(self._live.schema))
        check_reach(rule, assumed.kept(self._live.keeps))
        self._live.tombstones.check(named_ids(info.spec), self._live.present(self._engine.clock.now()))
        return definition

    def check_unused(self, names: Collection[str]) -> None:
        """Raises FailedPrecondition where a segment that is not among these, nor archived, refers to one of them."""
        for name in sorted(names):
            users = [each for each in self._referring_to(name) if each not in names]
            if users:
                raise self._referenced(name, users)

    def _referring_to(self, segment_id: str) -> list[str]:
        return sorted(
            name
            for name, entry in self._live.catalogue.entries.items()
            if entry.state is not State.ARCHIVED
            and segment_id in {each.segment_id for each in references(entry.definition.rule)}
        )

    def _referenced(self, segment_id: str, users: list[str]) -> FailedPrecondition:
        """The refusal that names what refers to a segment: a group once, instead of each of its segments."""
        managers = {name: self._live.segments[name].spec.managed_by for name in users}
        segments = [name for name in users if not managers[name]]
        groups = sorted({manager for manager in managers.values() if manager})
        words = [", ".join(segments)] if segments else []
        words += [f"exclusive group {group}" for group in groups]
        metadata = {"segment_id": segment_id, "referenced_by": ",".join(segments), "groups": ",".join(groups)}
        return FailedPrecondition(
            Reason.SEGMENT_REFERENCED,
            f"segment {segment_id} is referred to by {' and '.join(words)}",
            {key: value for key, value in metadata.items() if value},
        )


def check_etag(info: SegmentInfo, etag: str) -> None:
    """Raises Conflict where an etag is given that is not the segment's."""
    if etag and etag != info.etag:
        raise Conflict(
            Reason.ETAG_MISMATCH,
            f"segment {info.spec.segment_id} is at etag {info.etag}, not {etag}: somebody changed it first",
            {"segment_id": info.spec.segment_id, "given": etag, "current": info.etag},
        )


def archived(segment_id: str) -> FailedPrecondition:
    """The refusal to change what is archived."""
    return FailedPrecondition(Reason.SEGMENT_ARCHIVED, f"segment {segment_id} is archived", {"segment_id": segment_id})


def _next_version(old: SegmentInfo, spec: SegmentSpec, author: str, note: str) -> SegmentInfo:
    return replace(old, spec=spec, version=old.version + 1, author=author, note=note)
