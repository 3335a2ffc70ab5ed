"""Fixing the kinds of attributes, also on purpose against what their first values said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segmentd.errors import FieldViolation, InvalidInput, Reason, SegmentdError
from segmentd.limits import id_fault
from segmentd.population.kinds import Kind
from segmentd.population.listed import reserved_fault
from segmentd.population.schema import KNOWN_ATTRIBUTES, Schema
from segmentd.records import KindRecord
from segmentd.service.change import Change
from segmentd.service.ingest import as_keys, typed_attributes
from segmentd.service.live import Live
from segmentd.service.loading import effective
from segmentd.service.value_types import MAX_KNOWN_NAMES
from segmentd.service.written import Written
from segmentd.storage import Store
from segmentd.times import Micros


class Declare(Change):
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

    def _rebuild(self, store: Store, names: set[str], written: Written) -> None:
        live = self._live
        store.drop_snapshot()
        for name in names:
            live.users.columns.pop(name, None)
        for batch in store.profiles():
            rows = live.rows_of(as_keys([record.user_key for record in batch])).tolist()
            for row, record in zip(rows, batch, strict=True):
                values = {name: value for name, value in effective(record).items() if name in names}
                if values:
                    live.users.set_attributes(row, typed_attributes(live, values))
                    written.row(row).attributes |= values.keys()


def sound_kinds(
    schema: Schema, kinds: Sequence[tuple[str, Kind]], *, retype: bool
) -> tuple[list[SegmentdError | None], dict[str, Kind]]:
    """An error for each that is refused, in order, and the kinds of those that are not."""
    results: list[SegmentdError | None] = []
    sound: dict[str, Kind] = {}
    names = schema.count("")
    for name, kind in kinds:
        new = name not in sound and schema.attribute(name) is None
        fault = _fault(schema, name, kind, retype) or _conflict(name, kind, sound)
        if fault is None and new and names >= MAX_KNOWN_NAMES:
            fault = InvalidInput.at("name", f"there are {names:,} attributes already, the most there may be")
        if fault is None:
            sound[name] = kind
            names += new
        results.append(fault)
    return results, sound


def _fault(schema: Schema, name: str, kind: Kind, retype: bool) -> SegmentdError | None:
    fault = id_fault(name) or reserved_fault(name)
    if fault is not None:
        return InvalidInput.at("name", fault)
    if KNOWN_ATTRIBUTES.get(name, kind) is not kind:
        return _wrong(name, KNOWN_ATTRIBUTES[name], kind, "by the convention, which cannot be changed")
    known = schema.attribute(name)
    if known is not None and known is not kind and not retype:
        return _wrong(name, known, kind, f"already; ask for retype to make it {kind}")
    return None


def _conflict(name: str, kind: Kind, others: Mapping[str, Kind]) -> SegmentdError | None:
    other = others.get(name, kind)
    return _wrong(name, other, kind, "earlier in the same request") if other is not kind else None


def _wrong(name: str, known: Kind, given: Kind, why: str) -> SegmentdError:
    found = [FieldViolation("kind", f"{name} is {known} {why}")]
    return InvalidInput(found, Reason.WRONG_TYPE, {"name": name, "kind": known, "given": given})
