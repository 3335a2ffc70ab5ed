"""A copy of chosen segments: what to ask the server for, and what to make of what it tells; without the connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import grpc
from google.protobuf import duration_pb2

from segmentd.client.calls import Call
from segmentd.client.errors import CallFailed
from segmentd.client.instants import as_instant
from segmentd.client.local.freshness import Freshness
from segmentd.client.local.members import Members
from segmentd.client.local.merges import Merges
from segmentd.client.pauses import pause_after
from segmentd.client.silence import longest_silence
from segmentd.v1 import error_reason_pb2
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub

CLOSED: Final = "the local copy is closed; make another one, or ask the client"
DEFAULT_STALENESS: Final = 1.0
"""Seconds."""
_LEAST_STALENESS: Final = 0.2
_SHORTEST_INTERVAL: Final = 0.05
_LONGEST_INTERVAL: Final = 60.0
LOOK_TIMEOUT: Final = 5.0
"""Seconds that a look at the server's clock may take."""
_VOID: Final = frozenset({"POSITION_COMPACTED", "POSITION_INVALID", "SEGMENT_NOT_FOUND"})


class Replica:
    """Feeds on a watch, and answers as long as that is fresh: what was so at some instant of the last `max_staleness`.

    One thread or task feeds it, any may ask.
    """

    def __init__(
        self,
        segment_ids: Sequence[str],
        max_staleness: float = DEFAULT_STALENESS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`max_staleness` in seconds, 0.2 at least; `clock` gives seconds that never go back. Raises ValueError."""
        if not segment_ids:
            raise ValueError("segment_ids: it is empty; name the segments that are to be answered here")
        if not max_staleness >= _LEAST_STALENESS:
            raise ValueError(f"max_staleness: {max_staleness:g} seconds is too short; {_LEAST_STALENESS} is the least")
        # A message refuses at once what is no text.
        named_segments = questions.WatchTransitionsRequest(segment_ids=segment_ids).segment_ids
        self.segment_ids = tuple(dict.fromkeys(named_segments))
        self.max_staleness = max_staleness
        self._interval = min(max(max_staleness / 4, _SHORTEST_INTERVAL), _LONGEST_INTERVAL)
        self._patience = longest_silence(self._interval)
        self.revision = 0
        """The last revision of which the copy has everything."""
        self.missing: tuple[str, ...] = ()
        """The chosen segments that did not exist when the server was last asked. It is asked again every 30 seconds."""
        self._clock = clock
        self._failure: CallFailed | None = None
        self._fresh = Freshness(max_staleness, clock)
        self._fresh_until = float("-inf")
        self._copy: tuple[dict[str, set[str]], dict[str, str]] = {}, {}
        self._members = self._shown = Members()
        self._coming: tuple[int, Members] | None = None
        self._merges = Merges()
        self._position = ""
        self._wanted = self.segment_ids
        self._subscribed: tuple[str, ...] = ()
        self._heard = clock()
        self._tries = 0

    @property
    def ready(self) -> bool:
        """Whether the copy is fresh enough to answer; it has nothing of the segments that are `missing`."""
        return self._clock() < self._fresh_until

    @property
    def failure(self) -> CallFailed | None:
        """Why the copy is not up to date, as far as that is known; None where nothing is wrong."""
        until, now = self._fresh_until, self._clock()
        if self._failure is not None or now < until or until == float("-inf") or not self._wanted:
            return self._failure
        age, silence = now - until + self.max_staleness, now - self._heard
        told = f"the copy is {age:.1f} seconds old; the last word from the server came {silence:.1f} seconds ago"
        return CallFailed(grpc.StatusCode.UNAVAILABLE, "", told)

    def known(self, user_id: str, segment_id: str, min_revision: int = 0) -> bool | None:
        """Whether a user is a member, by the copy; None where only the server can say."""
        if min_revision <= self.revision and self._clock() < self._fresh_until:
            answering, led = self._copy
            members = answering.get(segment_id)
            if members is not None:
                if user_id in members or (user_id in led and led[user_id] in members):
                    return True
                if user_id and isinstance(user_id, str):  # what is no id gets the error of a call
                    return False
        return None

    def _settled(self, min_revision: int) -> bool:
        """Whether waiting is over: the copy can answer by a revision, or none of its segments exists."""
        return not self._wanted or (self.ready and min_revision <= self.revision)

    def _next_watch(self) -> Call[questions.WatchTransitionsResponse] | None:
        """The watch to open: after the last position, or with a snapshot where there is none. None: of nothing."""
        if not self._wanted:
            return None
        if self._appeared:
            self._position = ""
        if not self._position:
            self._subscribed, self._merges = self._wanted, Merges()
        self._coming, self._heard = None, self._clock()
        interval = duration_pb2.Duration()
        interval.FromMicroseconds(round(self._interval * 1_000_000))
        request = questions.WatchTransitionsRequest(
            segment_ids=self._subscribed,
            start=questions.WATCH_START_UNSPECIFIED if self._position else questions.WATCH_START_SNAPSHOT,
            position=self._position,
            checkpoint_interval=interval,
            replica=True,
        )
        return Call(MembershipServiceStub, "WatchTransitions", request)

    def _look_question(self) -> Call[questions.CheckMembershipsResponse]:
        """A question whose answer shows the server's clock, and which of the segments exist."""
        request = questions.CheckMembershipsRequest(user_id="-", segment_ids=self.segment_ids)
        return Call(MembershipServiceStub, "CheckMemberships", request)

    def _see(self, sent: float, answer: questions.CheckMembershipsResponse) -> None:
        """Take the answer to what was asked at `sent`."""
        self._fresh.compare(sent, as_instant(answer.evaluate_time))
        self.missing = tuple(
            each.segment_id
            for each in answer.memberships
            if each.error.reason == error_reason_pb2.ERROR_REASON_SEGMENT_NOT_FOUND
        )
        gone = frozenset(self.missing)
        self._wanted = tuple(name for name in self.segment_ids if name not in gone)

    def _hear(self, message: questions.WatchTransitionsResponse) -> None:
        """Take what the watch tells."""
        self._heard = self._clock()
        part = message.WhichOneof("part")
        if part == "transitions":
            transitions = message.transitions.transitions
            if not self._merges.hold(transitions):
                self._members.move(transitions)
            self._position = transitions[-1].position
        elif part == "checkpoint":
            self._take_checkpoint(message.checkpoint)
        elif part == "members":
            self._members_coming(message.members.revision).load(message.members)
        elif part == "snapshot_end":
            self._members = self._members_coming(message.snapshot_end.revision)
            self._coming, self._position = None, message.snapshot_end.position
        elif part == "merged_ids":
            self._merges.tell(message.merged_ids)

    def _end(self) -> float:
        """The watch is over without an error, or there is none; gives the seconds until the next look."""
        if self._appeared:
            return 0.0
        if not self._wanted:
            self._failure = None
            return self._delay()
        return self._lose(CallFailed(grpc.StatusCode.UNAVAILABLE, "", "the stream ended without a status"))

    def _lose(self, failed: CallFailed) -> float:
        """The watch failed, or the look before it; gives the seconds until the next one."""
        self._failure = failed
        if failed.reason in _VOID:
            self._position = ""
        return self._delay()

    def _delay(self) -> float:
        self._tries += 1
        return pause_after(self._tries - 1)

    @property
    def _appeared(self) -> bool:
        """Whether there are segments that the watch does not follow yet."""
        return not set(self._wanted) <= set(self._subscribed)

    def _members_coming(self, revision: int) -> Members:
        """What the snapshot of a revision has so far; another one voids it."""
        if self._coming is None or self._coming[0] != revision:
            self._coming = revision, Members()
            self._coming[1].begin(self._subscribed)
        return self._coming[1]

    def _take_checkpoint(self, checkpoint: questions.Checkpoint) -> None:
        self._position = checkpoint.position
        if not checkpoint.HasField("complete_time"):
            return
        self._take_merges(checkpoint.revision)
        unanswered = frozenset(checkpoint.unanswered_segment_ids)
        self._shown = self._members
        answering = {name: each for name, each in self._members.sets.items() if name not in unanswered}
        self._copy = answering, self._merges.led
        self.revision = checkpoint.revision
        # After what it stands for.
        self._fresh.prove(as_instant(checkpoint.complete_time))
        self._fresh_until = self._fresh.until
        if self.ready:
            self._failure, self._tries = None, 0

    def _take_merges(self, revision: int) -> None:
        """Show merges, in an order in which no answer is one that never was true.

        First those who survive get their answers, then ids lead to them, then who was absorbed leaves.
        """
        survivors, absorbed = self._merges.take(revision)
        self._members.move(survivors)
        self._merges.lead()
        if self._shown is self._members:
            self._copy = self._copy[0], self._merges.led
        self._members.move(absorbed)
