"""Exclusive groups as they are defined; what they make are segments."""

from __future__ import annotations

from segmentd.records import GroupRecord
from segmentd.storage.part import Part

_PUT = """
INSERT INTO exclusive_groups (group_id, version, definition, create_time, update_time) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (group_id) DO UPDATE
SET version = excluded.version, definition = excluded.definition, update_time = excluded.update_time
"""


class ExclusiveGroups(Part):
    """Table `exclusive_groups`."""

    def exclusive_groups(self) -> list[GroupRecord]:
        """All groups, by id."""
        columns = "group_id, version, definition, create_time, update_time"
        rows = self._session.rows(f"SELECT {columns} FROM exclusive_groups ORDER BY group_id")  # noqa: S608  (a constant)
        return [GroupRecord(*row) for row in rows]

    def put_exclusive_group(self, record: GroupRecord) -> None:
        """Add a group, or put it in place of the one with its id."""
        r = record
        self._session.write(_PUT, (r.group_id, r.version, r.definition, r.create_time, r.update_time))

    def delete_exclusive_group(self, group_id: str) -> None:
        """Delete a group; its segments are deleted apart."""
        self._session.write("DELETE FROM exclusive_groups WHERE group_id = ?", (group_id,))
