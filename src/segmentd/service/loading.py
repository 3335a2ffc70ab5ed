"""From the database to memory, as of the last revision; what plugins judge differently now is left to a switch."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np
import orjson

from segmentd.engine.abreast import cores, judge_abreast, stretches
from segmentd.engine.catalogue import Catalogue, Entry, State
from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.plan import Fitted
from segmentd.engine.settling import settle
from segmentd.errors import InvalidInput
from segmentd.plugins.derivation import Derivation
from segmentd.plugins.host import Plugins
from segmentd.plugins.segment_type import Model
from segmentd.population.kinds import Json, Kind
from segmentd.records import ProfileRecord, SegmentRecord
from segmentd.service.binding import bind_entry, judged_with, needed_events
from segmentd.service.commit import fail_segments, tell_failed
from segmentd.service.event_loading import load_tables
from segmentd.service.group_info import GroupInfo
from segmentd.service.list_change import load_lists
from segmentd.service.live import Live
from segmentd.service.profile_drafts import Draft, derive_all
from segmentd.service.profile_loading import load_profiles, load_users
from segmentd.service.reach import kept_for
from segmentd.service.segment_info import NOBODY, UNREADABLE, SegmentInfo
from segmentd.service.snapshots.answers import restore_answers
from segmentd.service.snapshots.restoring import Snapshot, broken, opened
from segmentd.storage import Store
from segmentd.storage.bulk_reads import ahead
from segmentd.times import Instants, Micros
from segmentd.zones import ZONES_VERSION

_SIGNATURE = "derivations"
_CHUNK = 65_536


def load(store: Store, plugins: Plugins, *, snapshots: bool = False) -> tuple[Live, list[str]]:
    """Everything as of the last revision, and the segments that have to be judged anew by a switch.

    Those were not active, what they were judged with (segment types, derivations, time zones) has a new version, or
    they refer to such a segment. In the catalogue they are pending; those that failed, failed as before. With
    `snapshots` from the snapshot beside the database, where one holds; whatever is wrong with it, everything is read
    from the database.
    """
    with _collector_at_rest():
        _derive_again(store, plugins)
        with store.reading_everything():
            snapshot = opened(store) if snapshots else None
            if snapshot is not None:
                try:
                    with closing(snapshot):
                        return _loaded(store, plugins, snapshot)
                except Exception as error:  # noqa: BLE001  (whatever it was, it need not be the database's fault)
                    broken(store.snapshot(), error)
            return _loaded(store, plugins, None)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Each batch is thousands of values for a moment: the collector of cycles would go through all ids for them.

    Of 10 million users and 100 million events that was two thirds of the time; a load makes no cycles worth a look.
    """
    busy = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if busy:
            gc.enable()


def _loaded(store: Store, plugins: Plugins, snapshot: Snapshot | None) -> tuple[Live, list[str]]:
    live = Live()
    live.keeps = kept_for(store)
    _load_schema(live, store, plugins.derivations)
    live.surroundings = f"zones {ZONES_VERSION}, derivations {plugins.derivation_signature()}"
    if snapshot is not None:
        live.restored_revision = snapshot.facts.revision
        snapshot.load_users(live, store)
    else:
        _load_users(live, store)
        load_profiles(live, ahead(store.profile_batches()))
        load_lists(live, store)
    _load_models(live, store)
    stale = _load_segments(live, store, plugins, snapshot)
    live.groups = {record.group_id: GroupInfo.of(record) for record in store.exclusive_groups()}
    state = store.state()
    live.revision, live.instant = state.revision, state.instant
    live.published_rows = len(live.users)
    live.memberships.ensure(len(live.users))
    failed = _judge(live, store) if snapshot is None else restore_answers(live, snapshot, _instants(live, store))
    if failed:
        _fail(live, store, failed)
    return live, stale


def _load_schema(live: Live, store: Store, derivations: Sequence[Derivation]) -> None:
    for derivation in derivations:
        for name, kind in derivation.outputs.items():
            live.schema.set_attribute(name, kind)
    for record in store.kinds():
        if record.scope:
            live.schema.set_property(record.scope, record.name, Kind(record.kind))
        else:
            live.schema.set_attribute(record.name, Kind(record.kind))
        if record.declared:
            live.declared.add((record.scope, record.name))


def _load_users(live: Live, store: Store) -> None:
    load_users(live, store)
    for merged in store.merged_users():
        rows = live.rows_of(np.array([key for key, _ in merged], dtype=np.int64)).tolist()
        survivors = live.rows_of(np.array([key for _, key in merged], dtype=np.int64)).tolist()
        for row, survivor in zip(rows, survivors, strict=True):
            live.users.merge_row(row, survivor)
    live.users.index.update(live.users.merged)


def _derive_again(store: Store, plugins: Plugins) -> None:
    """Derive all profiles anew where a derivation has come, gone or changed since the last start."""
    signature = plugins.derivation_signature().encode()
    if store.meta(_SIGNATURE) == signature:
        return
    with store.transaction():
        store.drop_snapshot()
    for batch in store.profiles():
        with store.transaction():
            store.write_profiles([_derived(record, plugins.derivations) for record in batch])
    with store.transaction():
        store.set_meta(_SIGNATURE, signature)


def _derived(record: ProfileRecord, derivations: Sequence[Derivation]) -> ProfileRecord:
    draft = Draft.of(record)
    derive_all(draft, derivations)
    return draft.record()


def effective(record: ProfileRecord) -> dict[str, Json]:
    """The attributes that count: what is given, else what is derived."""
    return {**orjson.loads(record.derived), **orjson.loads(record.attributes)}


def _load_models(live: Live, store: Store) -> None:
    for record in store.models():
        model = Model(orjson.loads(record.data), record.size, orjson.loads(record.summary))
        live.models.latest[record.model_key] = Fitted(record.model_key, record.version, model, record.fit_time)


def _load_segments(live: Live, store: Store, plugins: Plugins, snapshot: Snapshot | None) -> list[str]:
    entries: dict[str, Entry] = {}
    changed: set[str] = set()
    unreadable: list[Entry] = []
    for record in store.segments():
        first = store.segment_versions(record.segment_id)[0]
        info = SegmentInfo.of(record, first.create_time)
        live.segments[record.segment_id] = info
        entry, sound = _entry(info, record, plugins, live.surroundings)
        entries[record.segment_id] = entry
        if not sound:
            changed.add(record.segment_id)
        if entry.definition.rule is UNREADABLE and (entry.state, entry.reason) != (record.state, record.state_reason):
            unreadable.append(entry)
    _record(store, unreadable)
    order = Catalogue(entries)
    stale = [name for name in order.dependants(changed) if entries[name].state is not State.ARCHIVED]
    _bind(live, store, order, set(stale), snapshot)
    return [name for name in stale if entries[name].definition.rule is not UNREADABLE]


def _entry(info: SegmentInfo, record: SegmentRecord, plugins: Plugins, surroundings: str) -> tuple[Entry, bool]:
    """The entry of a stored version, and whether its stored answers still stand."""
    state = State(record.state)
    if state is State.ARCHIVED:
        return Entry(info.definition(NOBODY), state), True
    try:
        rule = info.spec.parse(plugins.segment_types)
    except InvalidInput as error:
        return Entry(info.definition(UNREADABLE), State.FAILED, error.message), False
    same = bool(orjson.loads(record.type_versions) == judged_with(rule, surroundings))
    return Entry(info.definition(rule), state, record.state_reason), state is State.ACTIVE and same


def _bind(live: Live, store: Store, order: Catalogue, stale: set[str], snapshot: Snapshot | None) -> None:
    """Bind what still stands; the stale ones answer nothing until they are judged, the broken ones never."""
    healthy = [name for name in order.dependency_order if name not in stale]
    needed = needed_events([order.entries[name].definition.rule for name in healthy])
    if snapshot is not None:
        snapshot.load_tables(live, needed, store)
    load_tables(live, store, needed)
    bound: dict[str, Entry] = {}
    for name in order.dependency_order:
        entry = order.entries[name]
        if entry.definition.rule is UNREADABLE:
            bound[name] = entry
        elif name in stale:
            failed = entry.state is State.FAILED
            bound[name] = entry if failed else Entry(entry.definition, State.PENDING, "not judged yet")
        else:
            bound[name] = bind_entry(entry, bound, live, live.models.get)
    live.catalogue = Catalogue(bound)


def _record(store: Store, failed: Sequence[Entry]) -> None:
    """Note that segments fail: if their types are back one day, their stored answers no longer stand."""
    if failed:
        with store.transaction():
            for entry in failed:
                definition = entry.definition
                store.set_segment_state(definition.segment_key, definition.version, entry.state, entry.reason)


def _judge(live: Live, store: Store) -> dict[str, EvaluationFailed]:
    """Bits and horizons of all rows as of the last revision, from scratch; the log says the same. Gives what failed.

    Where the last commit was a part of a wave cut inside its instant, the other users are judged as of just before.
    """
    walked = _walked(live, store)
    failed: dict[str, EvaluationFailed] = {}
    for start, stop, at in (
        *_chunks(0, walked, live.instant),
        *_chunks(walked, len(live.users), Micros(live.instant - 1)),
    ):
        views = {begin: live.users.span(begin, end, at) for begin, end in stretches(start, stop, cores())}
        passes = {begin: Pass(users, users.at) for begin, users in views.items()}
        judge_abreast(list(passes.values()), live.catalogue.plans)
        for begin, judging in passes.items():
            for error in settle(live.memberships, judging, live.catalogue.plans, begin).values():
                failed.setdefault(error.plan.segment_id, error)
    return failed


def _walked(live: Live, store: Store) -> int:
    """The first row whose deadlines at the last instant were not walked."""
    walked_key = store.state().walked_key
    return len(live.users) if walked_key is None else live.row_after(walked_key)


def _instants(live: Live, store: Store) -> Callable[[int, int], Instants]:
    """The instants as of which rows are to be judged, from one row to before another."""
    walked = _walked(live, store)

    def at(start: int, stop: int) -> Instants:
        return np.where(np.arange(start, stop) < walked, np.int64(live.instant), np.int64(live.instant - 1))

    return at


def _chunks(start: int, stop: int, at: Micros) -> Iterator[tuple[int, int, Micros]]:
    for begin in range(start, stop, _CHUNK):
        yield begin, min(begin + _CHUNK, stop), at


def _fail(live: Live, store: Store, failed: dict[str, EvaluationFailed]) -> None:
    with store.transaction():
        live.catalogue = fail_segments(store, live.catalogue, failed)
    for name, error in failed.items():
        tell_failed(name, error.message)
