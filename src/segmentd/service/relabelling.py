"""Edits that change nobody's answer: of names, labels, owners and descriptions, and of when a model is fitted again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from segmentd.engine.catalogue import Catalogue, Entry, State
from segmentd.engine.compile import model_key
from segmentd.engine.rule import All, AnyOf, Condition, Node, Not, Reference
from segmentd.engine.stage import Stage
from segmentd.plugins.segment_type import SegmentType
from segmentd.service.aside import Edit
from segmentd.service.change import Change
from segmentd.service.live import Live
from segmentd.service.scrubbing import rebound
from segmentd.service.written import Written
from segmentd.storage import Store
from segmentd.times import Micros

_SCHEDULE = "refit"


class Relabelling(Change):
    """A commit of new versions that keep their bits and models: nobody is judged, and nobody moves."""

    def __init__(self, live: Live, types: Mapping[str, SegmentType[Any]], edit: Edit) -> None:
        self._live = live
        self._types = types
        self._edit = edit

    @staticmethod
    def suits(live: Live, edit: Edit) -> bool:
        """Whether an edit comes to that: it asks of users what active segments have asked before."""
        entries = live.catalogue.entries
        return (
            bool(edit.entries or edit.also)
            and not (edit.models or edit.again or edit.deleted)
            and all(_alike(entries.get(name), entry) for name, entry in edit.entries.items())
        )

    def write(self, store: Store, instant: Micros) -> Written:
        """No user is written about."""
        if self._edit.also is not None:
            self._edit.also.write(store, instant)
        return Written()

    def judged(self, store: Store, stage: Stage, revision: int, instant: Micros) -> None:
        """Record the new versions, with what the old ones are judged with, and how they stand after this commit."""
        for name, info in self._edit.infos.items():
            served = store.segment_versions(name)[-1]
            said, who, why = info.spec.dump(), info.author, info.note
            store.put_segment_version(
                replace(served, version=info.version, definition=said, author=who, note=why, create_time=instant)
            )
            self._edit.infos[name] = replace(info, update_time=instant)

    def published(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue with plans of the new versions in the old slots."""
        live, edit = self._live, self._edit
        live.segments = {**live.segments, **edit.infos}
        if edit.also is not None:
            edit.also.published()
        return catalogue.with_entries(rebound(catalogue, edit.infos, self._types))


def _alike(old: Entry | None, new: Entry) -> bool:
    if old is None or old.plan is None or new.state is State.ARCHIVED:
        return False
    was, becomes = old.definition, new.definition
    named = (was.segment_key, was.include, was.exclude) == (becomes.segment_key, becomes.include, becomes.exclude)
    return named and _asks_the_same(was.rule, becomes.rule)


def _asks_the_same(old: Node, new: Node) -> bool:
    if isinstance(old, Condition) and isinstance(new, Condition):
        return old.key == new.key or _unscheduled(old) == _unscheduled(new)
    if isinstance(old, Reference) and isinstance(new, Reference):
        return old.segment_id == new.segment_id
    if isinstance(old, Not) and isinstance(new, Not):
        return _asks_the_same(old.child, new.child)
    if isinstance(old, All | AnyOf) and isinstance(new, All | AnyOf):
        pairs = zip(old.children, new.children, strict=False)
        return (
            type(old) is type(new)
            and len(old.children) == len(new.children)
            and all(_asks_the_same(*pair) for pair in pairs)
        )
    return False


def _unscheduled(condition: Condition) -> tuple[object, ...]:
    """What a condition asks, without when its model is fitted again; where it has no model, all that it says."""
    key = model_key(condition)
    name, parameters = orjson.loads(condition.key)
    if key is not None:
        parameters.pop(_SCHEDULE, None)
    return name, key, parameters
