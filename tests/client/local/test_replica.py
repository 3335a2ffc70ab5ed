"""A replica answers what it was told, as long as it can prove how old that is."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from tests.client.local.told import SECOND, T0, Hand, checkpoint, members, merged, moves, snapshot_end

from segmentd.client import CallFailed, as_timestamp
from segmentd.client.local.replica import Replica
from segmentd.v1 import error_reason_pb2, item_error_pb2, membership_pb2
from segmentd.v1 import membership_service_pb2 as pb


class Fed(Replica):
    """A replica without a server."""

    def __init__(self, *segment_ids: str, max_staleness: float = 1.0) -> None:
        self.hand = Hand()
        super().__init__(segment_ids, max_staleness, self.hand)
        self._fresh.compare(0.0, T0)
        self._next_watch()

    def hear(self, *messages: pb.WatchTransitionsResponse) -> Fed:
        for message in messages:
            self._hear(message)
        return self

    def lose(self, reason: str, **metadata: str) -> float:
        return self._lose(CallFailed(grpc.StatusCode.UNAVAILABLE, reason, "", metadata))

    def asks_for(self) -> pb.WatchTransitionsRequest:
        watch = self._next_watch()
        assert watch is not None
        request: pb.WatchTransitionsRequest = watch.request
        return request

    def see(self, *missing: str) -> Fed:
        """A look at a server that has all segments but these."""
        error = item_error_pb2.ItemError(reason=error_reason_pb2.ERROR_REASON_SEGMENT_NOT_FOUND)
        answers = [
            membership_pb2.SegmentMembership(segment_id=name, error=error if name in missing else None)
            for name in self.segment_ids
        ]
        instant = as_timestamp(T0 + round(self.hand.now * SECOND))
        self._see(self.hand.now, pb.CheckMembershipsResponse(memberships=answers, evaluate_time=instant))
        return self


def begun(*segment_ids: str, max_staleness: float = 1.0) -> Fed:
    """With ada in every segment."""
    fed = Fed(*(segment_ids or ("s",)), max_staleness=max_staleness)
    fed.hear(*(members(segment_id, {"ada": 1}) for segment_id in fed.segment_ids))
    return fed.hear(snapshot_end(), merged({}, first=True), checkpoint(0.0))


def test_nothing_is_known_before_a_snapshot_is_complete() -> None:
    fed = Fed("s").hear(members("s", {"ada": 1}))
    assert fed.known("ada", "s") is None
    fed.hear(snapshot_end(), merged({}, first=True))
    assert fed.known("ada", "s") is None
    fed.hear(checkpoint(0.0))
    assert (fed.known("ada", "s"), fed.known("bob", "s"), fed.known("ada", "other")) == (True, False, None)


def test_what_is_no_id_is_no_non_member() -> None:
    number: Any = 17
    for each in (number, ""):
        assert begun().known(each, "s") is None


def test_an_answer_is_never_older_than_the_bound() -> None:
    fed = begun()
    fed.hand.now = 0.999
    assert fed.known("ada", "s")
    fed.hand.now = 1.0
    assert fed.known("ada", "s") is None
    fed.hear(checkpoint(1.0))
    assert fed.known("ada", "s")


def test_a_message_that_was_long_on_its_way_proves_no_more_than_when_it_was_written() -> None:
    fed = begun()
    fed.hand.now = 5.0
    fed.hear(checkpoint(4.5))
    fed.hand.now = 5.499
    assert fed.known("ada", "s")
    fed.hand.now = 5.5
    assert fed.known("ada", "s") is None


def test_deadlines_that_the_server_did_not_walk_yet_make_it_stale() -> None:
    fed = begun()
    fed.hand.now = 3.0
    fed.hear(checkpoint(1.5))  # the server's clock shows 3, and its deadlines are walked up to 1.5
    assert fed.known("ada", "s") is None


def test_a_server_whose_clock_jumps_ahead_proves_nothing_beyond_the_receipt() -> None:
    fed = begun()
    fed.hand.now = 1.0
    fed.hear(checkpoint(3_600.0))
    fed.hand.now = 2.0
    assert fed.known("ada", "s") is None


def test_the_servers_clock_is_looked_at_again_when_what_is_told_lags() -> None:
    fed = begun()
    assert not fed._fresh.wants_instant()
    fed.hand.now = 10.0
    fed.hear(checkpoint(9.0))  # the clock was put back by a second
    assert fed._fresh.wants_instant()
    fed._fresh.compare(10.0, T0 + 9_000_000)
    assert not fed._fresh.wants_instant()
    fed.hear(checkpoint(9.0))
    assert fed.ready
    fed.hand.now = 41.0
    assert fed._fresh.wants_instant()


def test_moves_are_applied_in_order_and_a_revision_can_be_demanded() -> None:
    fed = begun().hear(moves(("+", "s", "bob", 2), ("-", "s", "ada", 1), ("+", "s", "ada", 1), ("-", "s", "bob", 2)))
    assert (fed.known("ada", "s"), fed.known("bob", "s")) == (True, False)
    assert fed.known("ada", "s", min_revision=2) is None
    fed.hear(checkpoint(0.5, revision=2))
    assert fed.known("ada", "s", min_revision=2)


def test_a_merged_id_answers_for_its_survivor_without_a_gap() -> None:
    fed = begun()
    fed.hear(merged({"ada": "eve"}))
    assert fed.known("ada", "s")
    fed.hear(moves(("-", "s", "ada", 1), ("+", "s", "eve", 3)))
    assert fed.known("ada", "s")
    fed.hear(checkpoint(0.1))
    assert (fed.known("ada", "s"), fed.known("eve", "s")) == (True, True)
    fed.hear(merged({"ada": "fay", "eve": "fay"}), moves(("-", "s", "eve", 3)), checkpoint(0.2))
    assert (fed.known("ada", "s"), fed.known("eve", "s"), fed.known("fay", "s")) == (False, False, False)


def test_merged_ids_that_are_told_anew_replace_the_old_ones_when_they_are_complete() -> None:
    fed = begun().hear(merged({"old": "ada", "gone": "ada"}), checkpoint(0.0))
    assert fed.known("old", "s")
    fed.hear(merged({}, first=True))
    assert fed.known("old", "s"), "amid a new list the old one stands"
    fed.hear(merged({"old": "ada"}), checkpoint(0.1))
    assert (fed.known("old", "s"), fed.known("gone", "s")) == (True, False)


def test_a_merge_that_is_told_with_all_merged_ids_has_no_gap_either() -> None:
    fed = begun(max_staleness=60.0)
    fed.hear(merged({"ada": "eve"}, first=True), moves(("-", "s", "ada", 1), ("+", "s", "eve", 3)))
    assert fed.known("ada", "s")
    fed.hear(checkpoint(0.1))
    assert (fed.known("ada", "s"), fed.known("eve", "s")) == (True, True)


def test_who_is_erased_leaves_by_the_key_and_is_not_kept_by_name() -> None:
    fed = begun("s", "t").hear(moves(("-", "s", "", 1), ("-", "t", "", 1)))
    assert (fed.known("ada", "s"), fed.known("ada", "t")) == (False, False)
    assert "ada" not in repr(vars(fed._members))
    fed.hear(moves(("+", "s", "", 9)))
    assert fed.known("", "s") is None


def test_who_left_everything_is_not_kept_by_name() -> None:
    fed = begun("s", "t").hear(moves(("-", "s", "ada", 1)))
    assert fed._members._names == {1: "ada"}
    fed.hear(moves(("-", "t", "ada", 1)))
    assert fed._members._names == {}


def test_segments_without_an_answer_are_left_to_the_server() -> None:
    fed = begun("s", "t").hear(checkpoint(0.1, unanswered=["t"]))
    assert (fed.known("ada", "s"), fed.known("ada", "t")) == (True, None)
    fed.hear(checkpoint(0.2))
    assert fed.known("ada", "t")


def test_a_snapshot_of_another_revision_voids_the_one_before() -> None:
    fed = Fed("s").hear(members("s", {"ada": 1}, revision=1), members("s", {"bob": 2}, revision=2), snapshot_end(2))
    fed.hear(checkpoint(0.0))
    assert (fed.known("ada", "s"), fed.known("bob", "s")) == (False, True)


def test_it_resumes_after_the_last_position() -> None:
    fed = begun()
    first = Fed("s").asks_for()
    assert (first.start, first.position, first.replica) == (pb.WATCH_START_SNAPSHOT, "", True)
    assert first.checkpoint_interval.ToMilliseconds() == 250
    fed.hear(moves(("+", "s", "bob", 2), position="here"))
    assert fed.lose("SHUTTING_DOWN") > 0
    again = fed.asks_for()
    assert (again.start, again.position) == (pb.WATCH_START_UNSPECIFIED, "here")
    assert fed.known("ada", "s"), "what was proven holds while it connects again"


@pytest.mark.parametrize("reason", ["POSITION_COMPACTED", "POSITION_INVALID"])
def test_a_position_that_is_void_makes_it_take_a_new_snapshot(reason: str) -> None:
    fed = begun()
    fed.lose(reason)
    assert (fed.asks_for().start, fed.asks_for().position) == (pb.WATCH_START_SNAPSHOT, "")
    fed.hear(members("s", {"bob": 2}, revision=9))
    assert fed.known("ada", "s"), "the old copy stands until its time is over"
    fed.hear(snapshot_end(9), checkpoint(0.5, revision=9))
    assert (fed.known("ada", "s"), fed.known("bob", "s")) == (False, True)


def test_a_segment_that_is_missing_does_not_spoil_the_others() -> None:
    fed = Fed("s", "t").see("t")
    assert list(fed.asks_for().segment_ids) == ["s"]
    fed.hear(members("s", {"ada": 1}), snapshot_end(), checkpoint(0.0))
    assert (fed.known("ada", "s"), fed.known("ada", "t")) == (True, None)
    assert (fed.missing, fed.failure, fed._appeared) == (("t",), None, False)
    fed.hand.now = 31.0
    assert fed._fresh.wants_instant(), "it is time to ask for the other segment again"
    fed.see()
    assert (fed.missing, fed._appeared) == ((), True)
    assert (fed._end(), fed._failure) == (0.0, None), "that a segment appears is no failure"
    again = fed.asks_for()
    assert (list(again.segment_ids), again.start) == (["s", "t"], pb.WATCH_START_SNAPSHOT)


def test_where_no_segment_exists_there_is_nothing_to_watch_and_nothing_to_wait_for() -> None:
    fed = Fed("s")
    assert not fed._settled(0)
    fed.see("s")
    assert fed._next_watch() is None
    assert fed._settled(7)
    assert (fed.ready, fed.failure) == (False, None)
    delays = [fed._end() for _ in range(1_500)]  # some hours
    assert 0 < delays[0] < 0.2
    assert 2.5 <= delays[-1] <= 5.0
    assert fed.failure is None


def test_a_segment_that_is_deleted_is_followed_on_in_case_it_comes_back() -> None:
    fed = begun("s", "t").see("t")
    assert fed.missing == ("t",)
    again = fed.asks_for()
    assert (list(again.segment_ids), again.start) == (["s", "t"], pb.WATCH_START_UNSPECIFIED)
    fed.lose("SEGMENT_NOT_FOUND")
    anew = fed.asks_for()
    assert (list(anew.segment_ids), anew.start) == (["s"], pb.WATCH_START_SNAPSHOT)


def test_time_alone_makes_it_stale_and_says_why() -> None:
    fed = begun()
    fed.hand.now = 0.999
    assert fed.failure is None
    fed.hand.now = 7.0
    assert fed.known("ada", "s") is None
    assert fed.failure is not None
    assert fed.failure.message == "the copy is 7.0 seconds old; the last word from the server came 7.0 seconds ago"
    fed.hear(checkpoint(2.0))
    assert fed.failure.message == "the copy is 5.0 seconds old; the last word from the server came 0.0 seconds ago"
    fed.hear(checkpoint(7.0))
    assert fed.failure is None


def test_a_stream_may_be_silent_for_four_checkpoints_or_a_few_seconds() -> None:
    assert (begun()._patience, begun(max_staleness=60.0)._patience) == (5.0, 60.0)


def test_failures_are_told_until_it_is_fresh_again() -> None:
    fed = begun()
    delays = [fed.lose("") for _ in range(1_500)]  # some hours
    assert delays[0] < 0.2
    assert 2.5 <= delays[-1] <= 5.0
    assert fed.failure is not None
    fed.hear(checkpoint(0.5))
    assert fed.failure is None
    assert fed.lose("") < 0.2


@pytest.mark.parametrize(("segment_ids", "staleness"), [((), 1.0), (("s",), 0.1), (("s",), float("nan"))])
def test_what_makes_no_sense_is_refused(segment_ids: tuple[str, ...], staleness: float) -> None:
    with pytest.raises(ValueError, match=r"segment_ids|max_staleness"):
        Replica(segment_ids, staleness)
