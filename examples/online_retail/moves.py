"""The log of transitions, played back; and questions about the past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

from retail_rows import Groups

from segmentd.client import Client, as_instant
from segmentd.times import Micros
from segmentd.v1 import membership_pb2, transition_pb2


class MovedGroups:
    """The members that the transitions up to an instant leave, and how many moved since the instant before."""

    def __init__(self, groups: Sequence[str], moves: Sequence[transition_pb2.Transition]) -> None:
        """`moves` are in the order of the log."""
        self.members: Groups = {name: set() for name in groups}
        self.count = len(moves)
        self.causes = Counter(transition_pb2.TransitionCause.Name(each.cause).rpartition("_")[2] for each in moves)
        self._moves = moves
        self._next = 0

    @classmethod
    def read(cls, client: Client, groups: Sequence[str]) -> MovedGroups:
        """All that the log tells of these groups."""
        moves = [
            move for name in groups for page in client.membership_history(segment_id=name) for move in page.transitions
        ]
        return cls(groups, sorted(moves, key=lambda move: as_instant(move.effective_time)))

    def advance(self, instant: Micros) -> None:
        """Play the moves up to an instant. What entered and left must add up to the difference of the sizes."""
        before = {name: len(members) for name, members in self.members.items()}
        difference = Counter[str]()
        while self._next < self.count and as_instant(self._moves[self._next].effective_time) <= instant:
            difference[self._moves[self._next].segment_id] += self._play(self._moves[self._next])
            self._next += 1
        for name, members in self.members.items():
            if len(members) != before[name] + difference[name]:
                raise SystemExit(f"the moves of {name} do not add up")

    def _play(self, move: transition_pb2.Transition) -> int:
        """1 for a user who entered, -1 for one who left; each move must change something."""
        members = self.members[move.segment_id]
        entered = move.move == transition_pb2.MOVE_ENTERED
        if (move.user_id in members) == entered:
            raise SystemExit(f"{move.user_id} moved in {move.segment_id} to where it was")
        members ^= {move.user_id}
        return 1 if entered else -1


def check_past(
    client: Client, days: Sequence[Groups], end_of: Callable[[int], Micros], draw: Random, questions: int
) -> int:
    """Ask of random customers and days whether they were members then; how many times it was asked."""
    users = sorted(set().union(*(members for groups in days for members in groups.values())))
    for _ in range(questions if users else 0):
        user, day = draw.choice(users), draw.randrange(len(days))
        group = draw.choice(sorted(days[day]))
        answer = client.check_at(user, group, end_of(day))
        if (answer.membership == membership_pb2.MEMBERSHIP_MEMBER) != (user in days[day][group]):
            raise SystemExit(f"whether {user} was in {group} at the end of day {day} is told wrongly")
    return questions if users else 0
