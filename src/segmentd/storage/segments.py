"""Segments: the served version of each, and every version there was."""

from __future__ import annotations

from segmentd.errors import StorageFailed
from segmentd.records import SegmentRecord
from segmentd.storage.part import Part
from segmentd.storage.session import Row

_COLUMNS = """
SELECT s.segment_key, s.segment_id, v.version, v.definition, v.state, v.state_reason, v.author, v.note,
       v.create_time, CAST(v.type_versions AS BLOB), CAST(v.models AS BLOB)
FROM segments s JOIN segment_versions v ON v.segment_key = s.segment_key
WHERE s.deleted = 0
"""
_INSERT_VERSION = """
INSERT INTO segment_versions (segment_key, version, definition, state, state_reason, author, note, create_time,
                              type_versions, models)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))
"""
_INSERT_SEGMENT = """
INSERT INTO segments (segment_key, segment_id, served_version, deleted) VALUES (?, ?, ?, 0)
ON CONFLICT (segment_key) DO NOTHING
"""


class Segments(Part):
    """Tables `segments` and `segment_versions`. A version can wait beside the served one until it is judged."""

    def next_segment_key(self) -> int:
        """One more than the highest key ever used; the first is 1. A deleted segment's key is never used again."""
        return self._next_key("segment")

    def segments(self) -> list[SegmentRecord]:
        """The served version of every segment that is not deleted, by key."""
        return self._segment_records("AND v.version = s.served_version ORDER BY s.segment_key")

    def waiting_versions(self) -> list[SegmentRecord]:
        """Versions later than the served one: edits that were not switched to yet; by key and version."""
        return self._segment_records("AND v.version > s.served_version ORDER BY s.segment_key, v.version")

    def segment_versions(self, segment_id: str) -> list[SegmentRecord]:
        """Every version of one segment, oldest first; empty when it is unknown or deleted."""
        return self._segment_records("AND s.segment_id = ? ORDER BY v.version", (segment_id,))

    def put_segment_version(self, record: SegmentRecord, *, serve: bool = True) -> None:
        """Add a version, and serve it at once or let it wait; the first one is always served.

        Raises StorageFailed when the version exists, or the id belongs to another segment.
        """
        r = record
        self._session.write(_INSERT_SEGMENT, (r.segment_key, r.segment_id, r.version))
        self._count_key("segment", r.segment_key)
        texts = (r.definition, r.state, r.state_reason, r.author, r.note)
        self._session.write(
            _INSERT_VERSION, (r.segment_key, r.version, *texts, r.create_time, r.type_versions, r.models)
        )
        if serve:
            self.serve_segment_version(r.segment_key, r.version)

    def serve_segment_version(self, segment_key: int, version: int) -> None:
        """Make a stored version the served one."""
        self._change(
            "UPDATE segments SET served_version = ?2 WHERE segment_key = ?1 AND deleted = 0 AND EXISTS"
            " (SELECT 1 FROM segment_versions WHERE segment_key = ?1 AND version = ?2) RETURNING segment_key",
            (segment_key, version),
        )

    def set_segment_state(self, segment_key: int, version: int, state: str, reason: str) -> None:
        """Change the state of one version. Raises StorageFailed when there is no such version."""
        self._change(
            "UPDATE segment_versions SET state = ?3, state_reason = ?4"
            " WHERE segment_key = ?1 AND version = ?2 RETURNING version",
            (segment_key, version, state, reason),
        )

    def set_segment_basis(self, segment_key: int, version: int, type_versions: bytes, models: bytes) -> None:
        """Record what a version is judged with from now on: JSON of segment type versions and model versions."""
        self._change(
            "UPDATE segment_versions SET type_versions = CAST(?3 AS TEXT), models = CAST(?4 AS TEXT)"
            " WHERE segment_key = ?1 AND version = ?2 RETURNING version",
            (segment_key, version, type_versions, models),
        )

    def delete_segment(self, segment_id: str) -> None:
        """Take a segment out of all listings and free its id; its versions and log rows stay under its key."""
        self._change(
            "UPDATE segments SET deleted = 1 WHERE segment_id = ? AND deleted = 0 RETURNING segment_key",
            (segment_id,),
        )

    def _segment_records(self, rest: str, parameters: Row = ()) -> list[SegmentRecord]:
        return [SegmentRecord(*row) for row in self._session.rows(f"{_COLUMNS} {rest}", parameters)]

    def _change(self, sql: str, parameters: Row) -> None:
        if not self._session.write(sql, parameters):
            raise StorageFailed(f"there is no segment or segment version {parameters[:2]} to change")
