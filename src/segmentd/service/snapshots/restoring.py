"""From a snapshot to memory, with what was written since from the database."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.column import Column
from segmentd.population.event_table import EventTable
from segmentd.population.kinds import Kind
from segmentd.population.listed import LIST_PREFIX, list_attribute
from segmentd.population.ordering import event_order
from segmentd.records import State
from segmentd.service.event_loading import Needed, Reading, rows_of_batch, wanted_events
from segmentd.service.list_change import load_list
from segmentd.service.live import Live
from segmentd.service.profile_loading import load_profiles, load_users
from segmentd.service.snapshots.columns import read_column
from segmentd.service.snapshots.facts import FORMAT, RELEASE, Facts, TableFacts
from segmentd.storage import Store
from segmentd.storage.bulk_reads import ahead
from segmentd.storage.snapshot_file import SnapshotBroken, SnapshotFile
from segmentd.times import Micros

_MANY: Final = 4
"""Where one user in so many has new events of a name, all of the name are read from the database."""
_log = logging.getLogger(__name__)
Mask = NDArray[np.bool_]


class Snapshot:
    """A file that holds for the database, and who was written about since. Anything wrong is SnapshotBroken."""

    def __init__(self, path: Path, store: Store) -> None:
        self._file = SnapshotFile(path)
        state = store.state()
        try:
            self.facts = _sound(self._file.facts, path.stem, store.database_id(), state)
        except BaseException:
            self._file.close()
            raise
        self.later = (
            self.facts.revision < state.revision
            or self.facts.event_key < store.last_event_key()
            or store.written_since_snapshot()
        )
        """Whether the database has gone on since; another program may have written without a revision."""
        self.touched: Mask = np.zeros(0, dtype=np.bool_)
        """Who of all users was written about since, bool (users,)."""
        self.stale_lists: set[str] = set()
        """The attributes of the user lists that changed since."""
        self._events: dict[str, NDArray[np.int64]] = {}

    @property
    def rows(self) -> int:
        """How many users there were."""
        return self.facts.rows

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def load_users(self, live: Live, store: Store) -> None:
        """Users, their attributes and lists."""
        self._ids(live)
        live.next_user_key = self.facts.user_key + 1
        load_users(live, store)
        if len(live.users) != store.user_count():
            raise SnapshotBroken("has other users than the database")
        self._merged(live)
        for each in self.facts.columns:
            if not each.name.startswith(LIST_PREFIX):
                if live.schema.attribute(each.name) != each.kind:
                    raise SnapshotBroken(f"has {each.name} as {each.kind}")
                column = live.users.column(each.name, Kind(each.kind))
                self._column(each.part, column)
        live.users.profiles_written = live.users.present
        self.touched = np.zeros(len(live.users), dtype=np.bool_)
        self.touched[self.rows :] = True
        if self.later:
            self._profiles(live, store)
            self._touch(live, store)
        self._lists(live, store)

    def load_tables(self, live: Live, needed: Needed, store: Store) -> None:
        """The event tables that are asked for, as far as they can be had from here."""
        known = {each.name: each for each in self.facts.tables}
        counts, numbers = store.event_names(), store.name_ids()
        for name, properties in wanted_events(needed).items():
            facts = known.get(name)
            users = self._events.get(name, np.zeros(0, dtype=np.int64))
            if facts is None or not properties <= set(facts.properties) or len(users) * _MANY > len(live.users):
                continue
            table = live.users.new_table({each: live.schema.event_property(name, each) for each in properties})
            self._table(live, store, facts, table, (numbers.get(name, 0), users))
            if len(table) != counts.get(name, 0):
                raise SnapshotBroken(f"has other events {name} than the database")
            live.users.tables[name] = table

    def answers(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Stored bits uint64 (rows, width) and horizons int64 (rows,)."""
        words = self._file.array("words", np.uint64)
        horizons = self._file.array("horizons", np.int64)
        if words.size != self.rows * self.facts.width or len(horizons) != self.rows:
            raise SnapshotBroken("has answers of other users")
        return words.reshape(self.rows, self.facts.width), horizons

    def _column(self, part: str, column: Column) -> None:
        """The elements of all users, put into an empty column."""
        elements = np.empty(self.rows, dtype=column.dtype)
        read_column(self._file, part, column, elements)
        column.put(slice(0, self.rows), elements)

    def _ids(self, live: Live) -> None:
        keys, start = self._file.array("keys", np.int64), 0
        for ids in self._file.jsons("ids"):
            live.add_users(ids, keys[start : start + len(ids)])
            start += len(ids)
        if not start == len(keys) == self.rows:
            raise SnapshotBroken("has other ids than keys")

    def _merged(self, live: Live) -> None:
        rows, survivors = (self._file.array(part, np.int64).tolist() for part in ("merged", "survivors"))
        for row, survivor in zip(rows, survivors, strict=True):
            live.users.merge_row(row, survivor)
        live.users.index.update(live.users.merged)

    def _profiles(self, live: Live, store: Store) -> None:
        """All of each profile that changed since: what is not in it any more is missing."""
        for batch in ahead(store.profile_batches(Micros(self.facts.instant), self.facts.user_key)):
            rows = live.rows_of(batch.user_keys)
            for name, column in live.users.columns.items():
                if not name.startswith(LIST_PREFIX):
                    column.clear(rows)
            load_profiles(live, [batch])
            self.touched[rows] = True
        live.users.profiles_written = live.users.present

    def _touch(self, live: Live, store: Store) -> None:
        """Note whose events came since, by name. Such a one may have replaced an old one, of anybody."""
        last = self.facts.event_key
        if store.last_event_key() > last and store.events_until(last) != self.facts.events:
            raise SnapshotBroken("has other events than the database")
        found: dict[int, list[NDArray[np.int64]]] = {}
        numbers = {number: name for name, number in store.name_ids().items()}
        for batch in ahead(store.event_batches(list(numbers), self.facts.event_key, properties=False)):
            rows = rows_of_batch(live, batch)
            self.touched[rows] = True
            for number in np.unique(batch.name_ids).tolist():
                found.setdefault(number, []).append(np.unique(rows[batch.name_ids == number]))
        self._events = {numbers[number]: np.unique(np.concatenate(each)) for number, each in found.items()}

    def _lists(self, live: Live, store: Store) -> None:
        columns = {each.name: each for each in self.facts.columns}
        records = store.user_lists()
        self.stale_lists |= {list_attribute(each) for each in self.facts.lists.keys() - {r.list_id for r in records}}
        for record in records:
            name = list_attribute(record.list_id)
            same = self.facts.lists.get(record.list_id) == (record.list_key, record.update_time)
            same = same and record.update_time <= self.facts.instant  # entries of another one are not guarded
            if same and name in columns:
                column = live.users.column(name, Kind.FLAG)
                self._column(columns[name].part, column)
                live.users.profiles_written += int(np.count_nonzero(column.data == 1))
                live.lists[record.list_id] = record
                live.schema.lists.add(record.list_id)
            else:
                load_list(live, store, record)
                self.stale_lists |= set() if same else {name}

    def _table(
        self, live: Live, store: Store, facts: TableFacts, table: EventTable, since: tuple[int, NDArray[np.int64]]
    ) -> None:
        """One table; the events of the users who have new ones come from the database, all of them."""
        number, users = since
        lengths = self._file.array(f"{facts.part} lengths", np.int32)
        if len(lengths) != self.rows:
            raise SnapshotBroken(f"has events {facts.name} of other users")
        rows = np.repeat(np.arange(self.rows), lengths)
        times = self._file.array(f"{facts.part} times", np.int64)
        parts = {each.name: each for each in facts.columns}
        data = {}
        for name, column in table.columns.items():
            data[name] = np.full(len(rows), column.missing, dtype=column.dtype)
            if name in parts:
                if parts[name].kind != column.kind:
                    raise SnapshotBroken(f"has {name} as {parts[name].kind}")
                read_column(self._file, parts[name].part, column, data[name])
        if len(users):
            fresh = Reading(table.columns)
            rated = fresh.rated
            keys = live.user_keys(users)
            for batch in ahead(store.events_of_users(number, keys, properties=bool(table.columns), rates=rated)):
                fresh.add(rows_of_batch(live, batch), batch, None)
            rows, times, data = _united((rows, times, data), fresh.gathered(), users, len(live.users))
        table.load(rows, times)
        for name, elements in data.items():
            table.put(name, elements)


_Events = tuple[NDArray[np.int64], NDArray[np.int64], dict[str, NDArray[np.generic]]]


def _united(old: _Events, fresh: _Events, users: NDArray[np.int64], count: int) -> _Events:
    """The events of `users` from `fresh`, those of all others from `old`, in the order of a table."""
    again = np.zeros(count, dtype=np.bool_)
    again[users] = True
    kept = np.flatnonzero(~again[old[0]])
    rows = np.concatenate([old[0][kept], fresh[0]])
    times = np.concatenate([old[1][kept], fresh[1]])
    order = event_order(rows, times)
    places = slice(None) if order is None else order
    data = {name: np.concatenate([values[kept], fresh[2][name]])[places] for name, values in old[2].items()}
    return rows[places], times[places], data


def _sound(said: Mapping[str, Any], name: str, database_id: str, state: State) -> Facts:
    release, layout = said.get("release"), said.get("format")
    if (layout, release) != (FORMAT, RELEASE):
        raise SnapshotBroken(f"was written by release {release}, format {layout}")
    try:
        facts = Facts.model_validate(said)
    except ValueError as error:
        raise SnapshotBroken("says nothing sound of itself") from error
    if facts.database_id != database_id:
        raise SnapshotBroken("is of another database")
    if facts.name != name:
        raise SnapshotBroken(f"is the content of another snapshot, {facts.name}")
    if facts.revision > state.revision or facts.instant > state.instant:
        raise SnapshotBroken("is ahead of the database")
    return facts


def opened(store: Store) -> Snapshot | None:
    """The snapshot that holds for the database; None where there is none, or the file is no good."""
    path = store.snapshot()
    if path is None:
        if store.snapshot_files():
            _log.info("no snapshot holds for the database any more, or none was finished; everything is read from it")
        return None
    try:
        return Snapshot(path, store)
    except SnapshotBroken as error:
        broken(path, error)
    except FileNotFoundError:
        _log.info(
            "there is no snapshot of this state of the database (%s is missing); everything is read from the database",
            path,
        )
    return None


def broken(path: Path | None, error: Exception) -> None:
    """Say that a snapshot is not used, and why."""
    _log.warning("the snapshot %s is not used, everything is read from the database: %s", path, error)
