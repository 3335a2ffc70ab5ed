"""Waiting for a revision: fulfilled when it is there, forgotten when given up."""

from __future__ import annotations

from segmentd.service.revisions import Revisions


def test_who_waits_is_told_when_the_revision_is_there_and_not_before() -> None:
    revisions = Revisions()
    early, late = revisions.wait(2), revisions.wait(3)
    revisions.publish(1)
    assert not early.done()
    revisions.publish(2)
    assert (early.done(), late.done()) == (True, False)
    assert revisions.wait(2).done()


def test_those_who_gave_up_are_forgotten_and_the_others_are_not() -> None:
    revisions = Revisions()
    staying = [revisions.wait(5) for _ in range(100)]
    for _ in range(10_000):
        revisions.wait(5).cancel()
    assert len(revisions._waiting) <= 400
    revisions.publish(5)
    assert all(each.done() for each in staying)
    assert revisions._waiting == []
