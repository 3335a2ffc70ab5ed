"""What all answers depend on besides segment types: a new release of the time zones is judged anew, and logged."""

import pytest
from tests.engine import toys
from tests.engine.driver import Driver, tally
from tests.engine.editing import people

from segmentd.service import loading


def test_a_new_release_of_time_zones_is_logged_where_answers_change(
    engine: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.define("ever", tally())
    people(engine)
    before = engine.stored("ever")
    engine.moves()
    monkeypatch.setattr(loading, "ZONES_VERSION", "another")
    reversed_answers = toys.Reversed()
    reversed_answers.version = toys.Tally.version  # type: ignore[misc]  # only the zones are to differ
    engine.restart(toys.plugins(reversed_answers))
    after = engine.stored("ever")
    moves = engine.moves()
    assert {(move.user, move.entered, move.cause) for move in moves} == {
        *((user, False, "TYPE") for user in before - after),
        *((user, True, "TYPE") for user in after - before),
    }
    assert moves


def test_with_the_same_release_a_restart_moves_nobody(engine: Driver) -> None:
    engine.define("ever", tally())
    people(engine)
    engine.moves()
    engine.restart()
    assert engine.moves() == []
