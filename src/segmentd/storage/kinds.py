"""The kinds of attributes and event properties."""

from __future__ import annotations

from collections.abc import Sequence

from segmentd.records import KindRecord
from segmentd.storage.part import Part

_WRITE = """
INSERT INTO kinds (scope, name, kind, declared) VALUES (?, ?, ?, ?)
ON CONFLICT (scope, name) DO UPDATE SET kind = excluded.kind, declared = excluded.declared
"""


class Kinds(Part):
    """Table `kinds`."""

    def kinds(self) -> list[KindRecord]:
        """Every known kind, by scope and name."""
        rows = self._session.rows("SELECT scope, name, kind, declared FROM kinds ORDER BY scope, name")
        return [KindRecord(scope, name, kind, bool(declared)) for scope, name, kind, declared in rows]

    def write_kinds(self, kinds: Sequence[KindRecord]) -> None:
        """Insert kinds, or replace those of the same scope and name."""
        self._session.write_many(_WRITE, [(k.scope, k.name, k.kind, int(k.declared)) for k in kinds])
