"""Fixing the kinds of attributes, also on purpose against what their first values said."""

from __future__ import annotations

from collections.abc import Mapping

from segmentd.engine.catalogue import Catalogue
from segmentd.engine.stage import Stage
from segmentd.population.kinds import Kind
from segmentd.records import KindRecord
from segmentd.service.ingest import as_keys, typed_attributes
from segmentd.service.live import Live
from segmentd.service.loading import effective
from segmentd.service.written import Written
from segmentd.storage import Store
from segmentd.times import Micros


class Declare:
    """A commit that fixes kinds. The columns of retyped attributes are built anew from the profiles."""

    def __init__(self, live: Live, kinds: Mapping[str, Kind]) -> None:
        self._live = live
        self._kinds = kinds

    def write(self, store: Store, instant: Micros) -> Written:
        """Record the kinds and rebuild columns; every user with a value in one counts as written."""
        live = self._live
        written = Written(kinds=frozenset(("", name) for name in self._kinds))
        changed = {name for name, kind in self._kinds.items() if live.schema.attribute(name) not in (None, kind)}
        for name, kind in self._kinds.items():
            live.schema.set_attribute(name, kind)
            live.declared.add(("", name))
        store.write_kinds([KindRecord("", name, kind, declared=True) for name, kind in self._kinds.items()])
        if changed:
            self._rebuild(store, changed, written)
        return written

    def judged(self, store: Store, stage: Stage, revision: int, instant: Micros) -> None:
        """Nothing follows but the transitions."""

    def published(self, catalogue: Catalogue) -> Catalogue:
        """The segments are as they were."""
        return catalogue

    def _rebuild(self, store: Store, names: set[str], written: Written) -> None:
        live = self._live
        for name in names:
            live.users.columns.pop(name, None)
        for batch in store.profiles():
            rows = live.rows_of(as_keys([record.user_key for record in batch])).tolist()
            for row, record in zip(rows, batch, strict=True):
                values = {name: value for name, value in effective(record).items() if name in names}
                if values:
                    live.users.set_attributes(row, typed_attributes(live, values))
                    written.row(row).attributes |= values.keys()
