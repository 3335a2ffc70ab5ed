"""A model is fitted when there is somebody to learn from, and anew when there are twice as many."""

from __future__ import annotations

from typing import Any

from tests.engine.driver import Driver, event, negated, ref
from tests.engine.editing import start
from tests.engine.inline import run


def test_a_model_is_pending_until_somebody_can_be_learned_from_and_refitted_when_doubled(engine: Driver) -> None:
    thread = engine.background
    engine.define("rich", {"richer": {"attribute": "points"}})
    engine.define("poor", negated(ref("rich")))
    assert engine.state("rich") == "pending: nobody to learn from yet"
    assert engine.state("poor").startswith("pending: ")
    engine.event("u")
    thread.run()
    assert engine.state("rich").startswith("pending: ")
    engine.write(*(profile(f"u{i}", points=float(i)) for i in range(4)))
    thread.run()
    assert engine.stored("rich") == {"u2", "u3"}
    assert engine.stored("poor") == {"u", "u0", "u1"}
    assert {move.cause for move in engine.moves()} == {"MODEL"}
    engine.write(*(profile(f"v{i}", points=100.0) for i in range(3)))
    thread.run()
    assert engine.stored("rich") == {"u2", "u3", "v0", "v1", "v2"}
    engine.moves()
    engine.profile("v3", points=90.0)
    thread.run()
    assert engine.stored("rich") == {"v0", "v1", "v2", "v3"}
    assert [each.cause for each in engine.moves()] == ["ATTRIBUTE"] + ["MODEL"] * 4
    engine.restart()
    assert engine.stored("rich") == {"v0", "v1", "v2", "v3"}
    assert engine.plan("rich").models[0].version == 2
    assert engine.moves() == []


def profile(user: str, **attributes: Any) -> Any:
    """Attributes of one user."""
    from segmentd.service.items import ProfileWrite

    return ProfileWrite(user, attributes)


def test_points_of_people_already_known_can_double_the_population_too(engine: Driver) -> None:
    engine.write(*(event(f"u{i}") for i in range(4)))
    engine.profile("u0", points=1.0)
    engine.define("rich", {"richer": {"attribute": "points"}})
    engine.profile("u1", points=5.0)
    engine.background.run()
    assert engine.plan("rich").models[0].version == 2
    assert engine.stored("rich") == {"u1"}


def test_what_doubled_before_a_stop_is_refitted_after_it(engine: Driver) -> None:
    engine.profile("u0", points=1.0)
    engine.define("rich", {"richer": {"attribute": "points"}})
    engine.profile("u1", points=5.0)
    engine.restart()
    engine.background.run()
    assert engine.plan("rich").models[0].version == 2


def test_a_model_that_somebody_can_be_learned_for_during_its_edit_is_fitted_after_it(
    engine: Driver, chunks: None
) -> None:
    engine.event("u0")
    steps = engine.edit("rich", {"richer": {"attribute": "points"}})
    start(engine, steps)
    engine.profile("u0", points=1.0)
    run(steps)
    engine.background.run()
    assert engine.state("rich") == "active"


def test_what_was_learned_for_a_segment_that_is_gone_is_learned_anew(engine: Driver) -> None:
    for user, points in (("u", 1.0), ("v", 5.0), ("w", 9.0)):
        engine.profile(user, points=points)
    engine.define("rich", {"richer": {"attribute": "points"}})
    assert engine.stored("rich") == {"w"}
    engine.archive("rich")
    for user, points in (("u", 100.0), ("v", 500.0), ("w", 900.0)):
        engine.profile(user, points=points)
    engine.define("rich", {"richer": {"attribute": "points"}})
    assert engine.stored("rich") == {"w"}
