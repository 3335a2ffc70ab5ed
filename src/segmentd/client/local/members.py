"""The members of some segments as a watch tells them, by every id that leads to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import transition_pb2


class Members:
    """`sets` has the members of each segment; other threads may look into the sets while one thread changes them."""

    def __init__(self) -> None:
        self.sets: dict[str, set[str]] = {}
        self._names: dict[int, str] = {}
        """The id of each key that is in some segment: one who was erased leaves without a name."""

    def begin(self, segment_ids: Sequence[str]) -> None:
        """Nobody is in these segments yet."""
        self.sets = {segment_id: set() for segment_id in segment_ids}

    def load(self, part: questions.SnapshotMembers) -> None:
        """Some members of one segment."""
        self.sets.setdefault(part.segment_id, set()).update(part.user_ids)
        self._names.update(zip(part.user_keys, part.user_ids, strict=True))

    def move(self, transitions: Sequence[transition_pb2.Transition]) -> None:
        """Apply what they come to. Who enters does so first, so that a merge within them is never seen half-made."""
        last: dict[tuple[str, str], bool] = {}
        keys: dict[str, int] = {}
        for each in transitions:
            entered = each.move == transition_pb2.MOVE_ENTERED
            user_id = each.user_id or self._names.get(each.user_key, "")
            if user_id and each.segment_id in self.sets:
                last[each.segment_id, user_id] = entered
                keys[user_id] = each.user_key
                if entered:
                    self._names[each.user_key] = user_id
        for (segment_id, user_id), member in last.items():
            if member:
                self.sets[segment_id].add(user_id)
        for (segment_id, user_id), member in last.items():
            if not member:
                self.sets[segment_id].discard(user_id)
        self._forget(keys)

    def _forget(self, keys: Mapping[str, int]) -> None:
        """Who is in none of the segments is not kept by name."""
        for user_id, key in keys.items():
            if not any(user_id in members for members in self.sets.values()):
                self._names.pop(key, None)
