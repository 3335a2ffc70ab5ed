"""Taking a snapshot: in small steps between commits, each of which leaves a row's parts of one moment together.

So the file is of no single moment, and need not be: a start takes what was written since the first step from the
database, all of it about each user concerned. Whoever was not written about is as in the file, whenever that was read.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.column import Column
from segmentd.population.event_table import EventTable
from segmentd.population.kinds import Kind
from segmentd.service.live import Live
from segmentd.service.snapshots.facts import FORMAT, RELEASE, ColumnFacts, Facts, TableFacts, plan_digest
from segmentd.storage import Store
from segmentd.storage.snapshot_file import SnapshotWriter

ROWS: Final = 65_536
"""Rows of a column in one step."""
EVENT_ROWS: Final = 8_192
"""Rows of an event table in one step."""
TEXTS: Final = 16_384
"""Distinct texts in one step."""


class Moved(Exception):
    """Something was replaced as a whole meanwhile; another try may succeed."""


class Taking:
    """One snapshot. Used by the thread that writes."""

    def __init__(self, live: Live, store: Store, writer: SnapshotWriter) -> None:
        self._live = live
        self._writer = writer
        self._users, self._memberships = live.users, live.memberships
        self._plans = {id(plan): plan for plan in live.catalogue.plans}
        self._kept = _kept(live)
        self._columns: list[tuple[ColumnFacts, Column]] = []
        self._tables: list[tuple[TableFacts, EventTable]] = []
        self._width = live.memberships.words.shape[1]
        self._lists = {each.list_id: (each.list_key, int(each.update_time)) for each in live.lists.values()}
        self._state = (live.revision, int(live.instant), store.last_event_key(), live.next_user_key - 1)
        self._events = store.event_count()
        self._database_id = store.database_id()
        self._sealed: dict[str, Any] = {}

    def steps(self) -> Generator[None, None, None]:
        """Write all parts. Raises Moved, OSError."""
        yield from self._answers()
        for number, (name, column) in enumerate(list(self._users.columns.items())):
            facts = ColumnFacts(name=name, kind=column.kind, part=f"column {number}")
            self._columns.append((facts, column))
            yield from self._column(facts, column)
        for number, (name, table) in enumerate(list(self._users.tables.items())):
            yield from self._table(f"table {number}", name, table)
        self._merged()
        self._sealed = self._facts()

    def seal(self) -> None:
        """See to it that all is on the disk, when all steps are made. Any thread may do so."""
        self._writer.seal(self._sealed)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._writer.abandon()

    def _facts(self) -> dict[str, Any]:
        """What the file is to say of itself."""
        revision, instant, event_key, user_key = self._state
        plans = [plan for plan in self._live.catalogue.plans if id(plan) in self._plans]
        return Facts(
            format=FORMAT,
            release=RELEASE,
            name=self._writer.path.stem,
            database_id=self._database_id,
            revision=revision,
            instant=instant,
            event_key=event_key,
            events=self._events,
            user_key=user_key,
            rows=len(self._kept),
            width=self._width,
            columns=[facts for facts, _ in self._columns],
            tables=[facts for facts, _ in self._tables],
            lists=self._lists,
            plans={plan_digest(plan, self._live.surroundings): plan.slot for plan in plans},
        ).model_dump()

    def _chunks(self, size: int) -> Generator[NDArray[np.int64], None, None]:
        """The rows that are kept, a part at a time; everything is as it was at the first step, or Moved is raised."""
        for start in range(0, len(self._kept), size):
            live = self._live
            if live.ahead or live.users is not self._users or live.memberships is not self._memberships:
                raise Moved("what is in memory was loaded anew")
            yield self._kept[start : start + size]

    def _answers(self) -> Generator[None, None, None]:
        """Ids, keys, and what is stored about memberships: bits and horizon of a row in one step."""
        for rows in self._chunks(ROWS):
            words = self._memberships.words[rows]
            if words.shape[1] != self._width:
                raise Moved("there are more segments")
            ids = self._users.user_ids
            self._writer.json("ids", [ids[row] for row in rows.tolist()])
            self._writer.array("keys", self._live.user_keys(rows))
            self._writer.array("words", words)
            self._writer.array("horizons", self._memberships.horizons[rows])
            yield

    def _column(self, facts: ColumnFacts, column: Column) -> Generator[None, None, None]:
        texts = _Texts(column)
        for rows in self._chunks(ROWS):
            data = column.elements(rows)
            self._writer.array(facts.part, data)
            texts.seen(data)
            yield
        yield from texts.write(self._writer, facts.part)

    def _table(self, part: str, name: str, table: EventTable) -> Generator[None, None, None]:
        columns = [
            (ColumnFacts(name=each, kind=column.kind, part=f"{part} {number}"), column)
            for number, (each, column) in enumerate(table.columns.items())
        ]
        facts = TableFacts(
            name=name, part=part, properties=sorted(table.properties), columns=[each for each, _ in columns]
        )
        self._tables.append((facts, table))
        texts = [_Texts(column) for _, column in columns]
        for rows in self._chunks(EVENT_ROWS):
            offsets, positions = table.gather(rows)
            self._writer.array(f"{part} lengths", np.diff(offsets).astype(np.int32))
            self._writer.array(f"{part} times", table.times(positions))
            for (each, column), seen in zip(columns, texts, strict=True):
                data = column.elements(positions)
                self._writer.array(each.part, data)
                seen.seen(data)
            yield
        for (each, _), seen in zip(columns, texts, strict=True):
            yield from seen.write(self._writer, each.part)

    def _merged(self) -> None:
        """(row, row of the survivor) of those who were merged, by row."""
        users = self._users
        pairs = sorted((users.index[users.user_ids[row]], row) for row in self._merged_rows())
        rows = np.array([row for _, row in pairs], dtype=np.int64)
        into = np.array([survivor for survivor, _ in pairs], dtype=np.int64)
        order = np.argsort(rows)
        self._writer.array("merged", np.searchsorted(self._kept, rows[order]))
        self._writer.array("survivors", np.searchsorted(self._kept, into[order]))

    def _merged_rows(self) -> list[int]:
        gone = self._users.gone(self._kept)
        return [] if gone is None else self._kept[gone].tolist()


class _Texts:
    """Which texts or tag sets of a column the elements that were written stand for: no others leave memory."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._vocabulary, self._tag_sets = column.vocabulary, column.tag_sets
        self._used = np.zeros(0, dtype=np.bool_)

    def seen(self, data: NDArray[Any]) -> None:
        """Note these elements."""
        if self._column.kind not in (Kind.TEXT, Kind.TAGS):
            return
        if self._column.vocabulary is not self._vocabulary or self._column.tag_sets is not self._tag_sets:
            raise Moved("texts were numbered anew")
        highest = int(data.max(initial=-1))
        if highest >= len(self._used):
            self._used = np.append(self._used, np.zeros(2 * highest + 2 - len(self._used), dtype=np.bool_))
        self._used[data[data >= 0]] = True

    def write(self, writer: SnapshotWriter, part: str) -> Generator[None, None, None]:
        """Write the numbers that are used, and what they stand for."""
        used = np.flatnonzero(self._used).astype(np.int32)
        if self._column.kind is Kind.TEXT:
            writer.array(f"{part} used", used)
            yield from self._texts(writer, part, used)
        elif self._column.kind is Kind.TAGS:
            offsets, codes = self._tag_sets.gather(used)
            tags, places = np.unique(codes, return_inverse=True)
            writer.array(f"{part} used", used)
            writer.array(f"{part} offsets", offsets)
            writer.array(f"{part} codes", places.astype(np.int32))
            yield from self._texts(writer, part, tags)

    def _texts(self, writer: SnapshotWriter, part: str, codes: NDArray[np.int32]) -> Generator[None, None, None]:
        for start in range(0, len(codes), TEXTS):
            heap, offsets = self._vocabulary.raw(codes[start : start + TEXTS])
            writer.array(f"{part} texts", heap)
            writer.array(f"{part} text lengths", np.diff(offsets).astype(np.int32))
            yield


def _kept(live: Live) -> NDArray[np.int64]:
    """All rows but those of erased users, of whom a start knows nothing."""
    rows = np.arange(len(live.users), dtype=np.int64)
    gone = live.users.gone(slice(None))
    if gone is None:
        return rows
    erased = [row for row in np.flatnonzero(gone).tolist() if not live.users.user_ids[row]]
    return np.delete(rows, erased)
