"""What a reader of the mapped files says beside what the engine says at the same instant."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping
from typing import Any, TypeVar

import numpy as np

from segmentd.engine.plan import Plan
from segmentd.errors import SegmentdError
from segmentd.mapping.elsewhere import Elsewhere, Why
from segmentd.service.live import Live
from segmentd.service.mapped_memberships import MappedMemberships
from segmentd.service.memberships import Check, Memberships
from segmentd.service.seen import see
from segmentd.service.segment_info import SegmentSpec
from segmentd.times import Micros

T = TypeVar("T")
STRANGER = "nobody has written about"
ABSENT = "no segment"


def compare(live: Live, engine: Memberships, mapped: MappedMemberships, now: Micros, users: Collection[str]) -> None:
    """Every user and segment; whoever is overdue is left to the engine, and nobody else."""
    everybody = [*users, STRANGER]
    overdue = {user for user in everybody if see(live, [user], now).overdue.any()}
    segments = [*live.catalogue.entries, ABSENT]
    assert mapped.revision == live.revision
    for user in everybody:
        for segment in segments:
            theirs = outcome(mapped.check(user, segment))
            if user in overdue and segment in live.catalogue.entries and live.catalogue.entries[segment].plan:
                assert theirs is Why.OVERDUE
            else:
                assert theirs == outcome(engine.check(user, segment)), (user, segment)
        if user not in overdue:
            _compare_lists(engine, mapped, user)
    _compare_batches(live, mapped, now, everybody, overdue)


def outcome(asking: Coroutine[Any, Any, T]) -> T | Why | tuple[Any, ...]:
    """The answer, why there is none here, or the error by its parts. What models learned is no part of an answer."""
    try:
        found = run(asking)
    except Elsewhere as elsewhere:
        return elsewhere.why
    except SegmentdError as error:
        return type(error), error.reason, error.message, error.metadata
    if isinstance(found, Check):
        return (*found[:-1], [(each.key, each.type_name, each.version, each.fit_time) for each in found.models])
    return found


def run(asking: Coroutine[Any, Any, T]) -> T:
    """The answer of a coroutine."""
    try:
        asking.send(None)
    except StopIteration as end:
        found: T = end.value
        return found
    asking.close()
    raise AssertionError("the answer is not there at once")


def compare_known(live: Live, engine: Memberships, mapped: MappedMemberships, users: Collection[str]) -> None:
    """Every user whom somebody has written about; ids that share a hash are left to the engine."""
    known = [user for user in users if 0 <= live.users.index.get(user, -1) < live.published_rows]
    for user in known:
        for segment in live.catalogue.entries:
            theirs = outcome(mapped.check(user, segment))
            if theirs not in (Why.COLLISION, Why.OVERDUE):
                assert theirs == outcome(engine.check(user, segment)), (user, segment)


def _compare_batches(
    live: Live, mapped: MappedMemberships, now: Micros, everybody: list[str], overdue: Collection[str]
) -> None:
    if overdue:
        assert outcome(mapped.see(everybody)) is Why.OVERDUE
    asked = [user for user in everybody if user not in overdue]
    ours, theirs = see(live, asked, now), run(mapped.see(asked))
    assert (ours.revision, ours.at) == (theirs.revision, theirs.at)
    for name in ("known", "horizons"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for segment, entry in theirs.catalogue.entries.items():
        plan = live.catalogue.entries[segment].plan
        assert (entry.plan is None) == (plan is None)
        if entry.plan is not None and plan is not None:
            np.testing.assert_array_equal(ours.members(plan), theirs.members(entry.plan))


def _compare_lists(engine: Memberships, mapped: MappedMemberships, user: str) -> None:
    for limit in (2, 100):
        ours = run(engine.user_segments(user, {}, "", limit, with_leaves=False))
        theirs = run(mapped.user_segments(user, {}, "", limit, with_leaves=False))
        assert list(map(_said, ours.members)) == list(map(_said, theirs.members))
        assert ours.more == theirs.more
        assert {k: (v.reason, v.message) for k, v in ours.errors.items()} == {
            k: (v.reason, v.message) for k, v in theirs.errors.items()
        }


def _said(listed: tuple[Plan, SegmentSpec]) -> tuple[str, str, Mapping[str, str]]:
    plan, spec = listed
    return plan.segment_id, spec.name, spec.labels
