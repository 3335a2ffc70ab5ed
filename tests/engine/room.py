"""A crowd that leaves a segment by time, on a disk without room, and what is to come of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.engine.driver import Driver, event, tally

from segmentd.errors import StorageFailed
from segmentd.storage import Store
from segmentd.times import FOREVER, SECOND, Micros

WINDOW: Final = 10 * SECOND
USERS: Final = [f"u{number}" for number in range(500)]


@contextmanager
def crowded(file: Path) -> Iterator[Driver]:
    """An engine on a file; all users leave `recent` by the end of the window, each at an instant of its own."""
    driver = Driver(file)
    driver.define("recent", tally(within=WINDOW))
    driver.write(*(event(user, at=-number) for number, user in enumerate(USERS)))
    driver.moves()
    yield driver
    driver.store.close()


@contextmanager
def full(engine: Driver) -> Iterator[None]:
    """SQLite finds no room for another page."""
    connection = engine.store._session.connection
    _limit(engine, connection.execute("PRAGMA page_count").fetchone()[0])
    try:
        yield
    finally:
        _limit(engine, 1 << 30)


def wait(engine: Driver) -> int:
    """Until what was put off may be tried again; for how many seconds."""
    now, due = engine.clock.now(), engine.engine.due_moves.next_due()
    assert due < FOREVER
    engine.clock.move_to(Micros(max(now, due)))
    return (engine.clock.now() - now) // SECOND


@contextmanager
def commits_fail(patch: pytest.MonkeyPatch, *, landed: bool) -> Iterator[None]:
    """Each commit fails after all that it writes, `landed`: although it is in the database."""
    transaction = Store.transaction

    @contextmanager
    def fails(self: Store) -> Iterator[None]:
        with transaction(self):
            yield
            if not landed:
                raise StorageFailed("the disk is gone")
        raise StorageFailed("the disk is gone")

    with patch.context() as patched:
        patched.setattr(Store, "transaction", fails)
        yield


def still_right(engine: Driver) -> bool:
    """Whether nobody is told to be in the segment whose window has ended."""
    return not any(engine.member("recent", user) for user in USERS[:3])


def all_left_once(engine: Driver) -> bool:
    """Each user once, at the end of its own window; since the last look."""
    moves = [(each.user, each.entered, each.at) for each in engine.moves() if each.segment == "recent"]
    return sorted(moves) == sorted((user, False, WINDOW - number) for number, user in enumerate(USERS))


def _limit(engine: Driver, pages: int) -> None:
    engine.store._session.connection.execute(f"PRAGMA max_page_count = {pages}")
