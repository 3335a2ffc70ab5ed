"""Profiles as a commit group changes them: given, taken from event context, and derived attributes."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import orjson

from segmentd.plugins.derivation import Derivation
from segmentd.population.kinds import Json
from segmentd.records import ProfileRecord
from segmentd.service.items import CONTEXT
from segmentd.times import Micros

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Draft:
    """One profile: `given` as written, `derived` from it, and the `times` at which names last changed."""

    user_key: int
    given: dict[str, Json] = field(default_factory=dict)
    derived: dict[str, Json] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    create_time: Micros = Micros(0)
    update_time: Micros = Micros(0)
    touched: bool = False

    @classmethod
    def of(cls, record: ProfileRecord) -> Draft:
        """The draft of a stored profile."""
        given, derived, times = (orjson.loads(each) for each in (record.attributes, record.derived, record.times))
        return cls(record.user_key, given, derived, times, record.create_time, record.update_time)

    def record(self) -> ProfileRecord:
        """The draft as it is stored."""
        given, derived, times = (orjson.dumps(each) for each in (self.given, self.derived, self.times))
        return ProfileRecord(self.user_key, given, derived, times, self.create_time, self.update_time)

    def effective(self) -> dict[str, Json]:
        """What counts: what is given, else what is derived."""
        return {**self.derived, **self.given}


def merge(draft: Draft, attributes: Mapping[str, Json], now: Micros) -> set[str]:
    """Merge attributes written directly, None removing one; returns the names that changed.

    What changed is noted with its time, for merging profiles. So is what could also come from an event's context, be
    it unchanged, so that an older event does not win.
    """
    date_undated(draft)
    changed = _apply(draft, attributes)
    for name in attributes:
        in_context = name.split(".")[0] in CONTEXT
        if in_context or name in changed:
            draft.times[name] = now
        draft.touched |= in_context
    return changed


def date_undated(draft: Draft) -> None:
    """What was stored before times were noted counts as written when the profile had last changed."""
    for name in draft.given.keys() - draft.times.keys():
        draft.times[name] = draft.update_time


def merge_context(draft: Draft, context: Mapping[str, Json], time: Micros) -> set[str]:
    """Take over an event's context, but nothing older than what is known; returns the names that changed."""
    times = draft.times
    newer = {name: value for name, value in context.items() if times.get(name, time) <= time} if times else context
    if any(times.get(name) != time for name in newer):
        times.update(dict.fromkeys(newer, time))
        draft.touched = True
    return _apply(draft, newer)


def differs(old: Json, new: Json) -> bool:
    """Whether two JSON values are not the same; 1 and true are not."""
    return old != new or type(old) is not type(new)


def _apply(draft: Draft, values: Mapping[str, Json]) -> set[str]:
    old = draft.given.get
    changed = {name for name, value in values.items() if old(name) is not value and differs(old(name), value)}
    for name in changed:
        draft.touched = True
        if values[name] is None:
            draft.given.pop(name, None)
        else:
            draft.given[name] = values[name]
    return changed


def derive(draft: Draft, changed: Iterable[str], derivations: Iterable[Derivation]) -> set[str]:
    """Derive anew what depends on the attributes that changed, or on an output that was given or removed.

    Returns all that may count differently now: what changed, and the outputs that were derived anew.
    """
    names = set(changed)
    touched = set(names)
    for derivation in derivations if names else ():
        if _depends(derivation, names):
            _derive_one(draft, derivation)
            touched.update(derivation.outputs)
    return touched


def derives_from(derivations: Iterable[Derivation], names: Set[str]) -> bool:
    """Whether some attribute may be derived otherwise where these change."""
    return any(_depends(each, names) for each in derivations)


def derive_all(draft: Draft, derivations: Iterable[Derivation]) -> None:
    """Derive everything anew; what no derivation gives any more is dropped."""
    draft.derived = {}
    for derivation in derivations:
        _derive_one(draft, derivation)


def _depends(derivation: Derivation, names: Set[str]) -> bool:
    return not (names.isdisjoint(derivation.inputs) and names.isdisjoint(derivation.outputs))


def _derive_one(draft: Draft, derivation: Derivation) -> None:
    for name in derivation.outputs:
        draft.derived.pop(name, None)
    inputs: dict[str, Any] = {name: draft.given[name] for name in derivation.inputs if name in draft.given}
    if not inputs:
        return
    try:
        found = derivation.derive(inputs)
    except Exception as error:  # noqa: BLE001  (a plugin may raise anything; the write goes on without what it derives)
        # Without the message, which may repeat what is known about a user.
        where = traceback.extract_tb(error.__traceback__)[-1]
        kind = type(error).__name__
        _log.error("derivation %s failed: %s at %s:%s", derivation.name, kind, where.filename, where.lineno)
        return
    for group in derivation.groups:
        if not any(name in draft.given for name in group):
            draft.derived.update({name: found[name] for name in group if name in found})
