"""Two ways to load one database into memory are compared: to the last value, text, event, bit and horizon."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.judging import Pass
from segmentd.plugins.host import Plugins
from segmentd.population.column import Column
from segmentd.population.kinds import Kind
from segmentd.service.live import Live
from segmentd.service.loading import load
from segmentd.storage import Store
from segmentd.times import DAY, FOREVER

_LATE = 3_650 * DAY


def check_starts(store: Store, plugins: Plugins) -> bool:
    """A start with the snapshot, if there is one, is a start without; whether it was used."""
    plain, stale = load(store, plugins)
    restored, stale_too = load(store, plugins, snapshots=True)
    assert stale == stale_too
    assert contents(plain) == contents(restored)
    _check_horizons(restored)
    _check_answers(plain, restored)
    return restored.restored_revision >= 0


def contents(live: Live) -> dict[str, Any]:
    """Everything but stored answers, by meaning: texts and not codes; without columns in which nobody has a value."""
    users = live.users
    rows = range(len(users))
    return {
        "revision": (live.revision, live.instant, live.published_rows, live.next_user_key),
        "users": [users.user_ids, live.user_keys(slice(None)).tolist(), users.index, users.ids_repeat],
        "merged": [users.merged, users.removed, [users.is_gone(row) for row in rows], [*map(users.ids_of, rows)]],
        "columns": {name: found for name, column in users.columns.items() if any(found := _values(column, rows))},
        "events": {name: [_events(live, name, row) for row in rows] for name in users.tables},
        "properties": {name: sorted(table.properties) for name, table in users.tables.items()},
        "written": {name: table.appended for name, table in users.tables.items()},
        "profiles": users.profiles_written,
        "kinds": [live.schema.attributes(), live.schema.properties(), live.declared],
        "lists": [live.lists, sorted(live.schema.lists)],
        "models": {key: (fitted.version, fitted.model.data) for key, fitted in live.models.latest.items()},
        "segments": {name: (entry.state, entry.reason) for name, entry in live.catalogue.entries.items()},
        "groups": live.groups,
        "keeps": live.keeps,
    }


def _values(column: Column, rows: range) -> list[Any]:
    """(kind, value) of each row that has one."""
    values = [column.value(row) for row in rows]
    return [None if value is None else (column.kind, value) for value in values]


def _events(live: Live, name: str, row: int) -> list[Any]:
    table = live.users.tables[name]
    places = range(*table.place(row))
    columns = {each: column for each, column in table.columns.items() if column.kind in Kind}
    times = table.times(np.array(places, dtype=np.int64)).tolist()
    return [times, {each: found for each, column in columns.items() if any(found := _values(column, places))}]


def bits(live: Live) -> dict[str, NDArray[np.bool_]]:
    """Who is in each segment that answers."""
    rows = slice(0, len(live.users))
    return {plan.segment_id: live.memberships.bits(plan.slot, rows) for plan in live.catalogue.plans}


def _check_answers(plain: Live, restored: Live) -> None:
    expected, found = bits(plain), bits(restored)
    assert expected.keys() == found.keys()
    for name, each in expected.items():
        np.testing.assert_array_equal(each, found[name])
    for plan in restored.catalogue.plans:
        assert restored.memberships.counts[plan.slot] == found[plan.segment_id].sum()


def _check_horizons(live: Live) -> None:
    """Before its horizon nothing becomes of a row: judged at the last instant before it, the bits are the same."""
    memberships, count = live.memberships, len(live.users)
    horizons = memberships.horizons[:count]
    assert memberships.next_deadline() <= horizons.min(initial=FOREVER)
    last = np.where(horizons == FOREVER, live.instant + _LATE, horizons - 1).astype(np.int64)
    if not count or not live.catalogue.plans:
        return
    assert (last >= live.instant - 1).all()
    users = live.users.view(slice(0, count), last)
    judging = Pass(users, users.at)
    stored = bits(live)
    for plan in live.catalogue.plans:
        np.testing.assert_array_equal(judging.verdict(plan).member, stored[plan.segment_id])
