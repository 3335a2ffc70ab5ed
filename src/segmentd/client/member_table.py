"""The answer to many users times many segments, kept as the bits that came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segmentd.client.errors import ItemFault, item_fault
from segmentd.client.instants import Instant, as_instant
from segmentd.v1 import membership_service_pb2 as questions


class NoAnswer(LookupError):
    """A user or a segment of a batch has no answer; `fault` says why."""

    def __init__(self, name: str, fault: ItemFault) -> None:
        super().__init__(f"{name}: {fault.message}")
        self.fault = fault


class MemberTable:
    """n users times m segments at one `revision` and `instant`. What is not asked for is not unpacked.

    A user or segment without an answer is among the errors, and asking for it raises NoAnswer. Ids that were named
    twice stand twice in `matrix`; by name the last one is found.
    """

    def __init__(
        self, user_ids: Sequence[str], segment_ids: Sequence[str], answer: questions.BatchCheckMembershipsResponse
    ) -> None:
        self.user_ids = user_ids
        self.segment_ids = segment_ids
        self.answer = answer
        self._bits = answer.member_bits
        self._width = answer.bytes_per_user

    @property
    def revision(self) -> int:
        """The revision that the answers see."""
        return self.answer.revision

    @property
    def instant(self) -> Instant:
        """The instant of the answers."""
        return as_instant(self.answer.evaluate_time)

    @cached_property
    def matrix(self) -> NDArray[np.bool_]:
        """Who is a member of what: bool (n, m). False, and no answer, where `answered` is False."""
        shape = len(self.user_ids), self._width
        packed = np.frombuffer(self._bits, dtype=np.uint8).reshape(shape)
        return np.unpackbits(packed, axis=1, count=len(self.segment_ids), bitorder="little").view(np.bool_)

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """Which cells of `matrix` are answers: bool (n, m)."""
        answered = np.ones((len(self.user_ids), len(self.segment_ids)), dtype=np.bool_)
        answered[[each.index for each in self.answer.user_errors]] = False
        answered[:, [each.index for each in self.answer.segment_errors]] = False
        return answered

    @cached_property
    def user_errors(self) -> Mapping[str, ItemFault]:
        """The users without answers, by id."""
        return {self.user_ids[each.index]: item_fault(each.error) for each in self.answer.user_errors}

    @cached_property
    def segment_errors(self) -> Mapping[str, ItemFault]:
        """The segments without answers, by id."""
        return {self.segment_ids[each.index]: item_fault(each.error) for each in self.answer.segment_errors}

    @cached_property
    def unknown_users(self) -> frozenset[str]:
        """The users nobody has written about; they are members of nothing."""
        return frozenset(self.user_ids[index] for index in self.answer.unknown_user_indexes)

    def is_member(self, user_id: str, segment_id: str) -> bool:
        """One answer. Raises KeyError for what was not asked, and NoAnswer."""
        place, bit = self._user(user_id), self._segment(segment_id)
        return bool(self._bits[place * self._width + (bit >> 3)] >> (bit & 7) & 1)

    def segments_of(self, user_id: str) -> list[str]:
        """The segments that a user is a member of, in the order of the request, each once; see `segment_errors` too.

        Raises KeyError and NoAnswer.
        """
        start = self._user(user_id) * self._width
        bits = int.from_bytes(self._bits[start : start + self._width], "little")
        return list(dict.fromkeys(name for place, name in enumerate(self.segment_ids) if bits >> place & 1))

    def members_of(self, segment_id: str) -> list[str]:
        """Who of the users is a member of a segment, in the order of the request, each once.

        Raises KeyError and NoAnswer.
        """
        column = self.matrix[:, self._segment(segment_id)]
        return list(dict.fromkeys(self.user_ids[place] for place in np.flatnonzero(column).tolist()))

    def _user(self, user_id: str) -> int:
        if user_id in self.user_errors:
            raise NoAnswer(user_id, self.user_errors[user_id])
        return self._places[user_id]

    def _segment(self, segment_id: str) -> int:
        if segment_id in self.segment_errors:
            raise NoAnswer(segment_id, self.segment_errors[segment_id])
        return self._columns[segment_id]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {user_id: place for place, user_id in enumerate(self.user_ids)}

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {segment_id: place for place, segment_id in enumerate(self.segment_ids)}
