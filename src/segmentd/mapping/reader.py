"""A worker's side: reading what is published, without a lock and without a call to the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentd.mapping.elsewhere import Elsewhere, Why
from segmentd.mapping.hashing import LOW, Digest, default_digest, hash_many
from segmentd.mapping.head import NEVER, WEAK_ORDER, Head, fence, map_head, read_head
from segmentd.mapping.index import NOBODY, UNTOLD, Rows, find, find_many
from segmentd.mapping.view import Interpret, View, map_view, nothing_mapped
from segmentd.times import FOREVER

C = TypeVar("C")
P = TypeVar("P")
Answer: TypeAlias = tuple[bool, int, int, int, bool, P | None]
"""Whether the user is a member, revision, instant, until when that holds, whether anybody has written about the user,
and what the segment's `Bit` says; None for a user nobody has written about."""
_TRIES: Final = 64
"""How often one question reads before it goes to the engine; after the first few it lets others run."""
_PATIENT: Final = 4
_PAUSE: Final = 0.000_1
"""In seconds. A publication takes some tens of microseconds, unless its thread is made to wait for another, or loses
its core."""
_words_of: Final = Struct("<QQ").unpack


class Answers(NamedTuple, Generic[C]):
    """n users: `rows` int64 (n,), negative for those nobody has written about, who have no bits and no horizon.

    `words` uint64 (n, width), `horizons` int64 (n,).
    """

    catalogue: C
    revision: int
    at: int
    rows: Rows
    words: NDArray[np.uint64]
    horizons: NDArray[np.int64]


class Reader(Generic[C, P]):
    """Answers as of what is published at the moment. Raises Elsewhere where the engine has to answer.

    An answer stands if the sequence was even before it was read and is the same after: it is of one revision then. What
    was found in the index is not looked for again: it stands unless the epoch changes, and who was not found is still
    not there unless rows were added.
    """

    def __init__(
        self,
        directory: Path,
        interpret: Interpret[C, P],
        now: Callable[[], int],
        digest: Digest = default_digest,
    ) -> None:
        """`now` is the instant by the wall clock. Raises FileNotFoundError. Nothing need be published yet."""
        self._directory = directory
        self._interpret = interpret
        self._now = now
        self._digest = digest
        self._page, self._seed = map_head(directory)
        self._words = self._page.cast("q")
        self._in_vain = self._met = 0
        self._nothing = self._view = nothing_mapped(interpret)
        with suppress(Elsewhere):
            self._follow()

    @property
    def revision(self) -> int:
        """The newest published revision."""
        return self._settled().revision

    @property
    def catalogue(self) -> C:
        """That of the last answer."""
        return self._view.catalogue

    def refresh(self) -> None:
        """Map the files of the present generation, and give up those of an earlier one; to be called each second or so.

        Where the same publication is met twice in a row it is not slow, but does not end, and all are given up: the
        engine may lack the very room that they take.
        """
        met, self._met = self._met, self._words[0]
        if self._met & 1 and self._met == met:
            self._view = self._nothing
        self._follow()

    def check(self, user_id: str, segment_id: str) -> Answer[P]:
        """Whether one user is in one segment. Raises KeyError for a segment that is not active, and Elsewhere."""
        now = self._now()
        first, second = _words_of(self._digest(user_id.encode(), self._seed))
        page, words = self._page, self._words
        for attempt in range(_TRIES):
            sequence, generation, revision, instant, frozen, published, _ = read_head(page)
            view = self._view
            if sequence & 1 or generation != view.generation:
                self._wait(sequence, attempt)
                continue
            if WEAK_ORDER:
                fence()
            at = max(now if frozen == NEVER else frozen, instant)
            word, shift, clock, says = view.bits[segment_id]
            row = find(view.slot_words, view.homes, first, second & LOW)
            # Where the head is torn it may tell of more rows than this generation has.
            known = 0 <= row < published and row < view.rows
            bits, horizon = view.answer(row, word, at) if known else (0, FOREVER)
            if WEAK_ORDER:
                fence()
            if words[0] != sequence:
                continue
            if row == UNTOLD:
                raise Elsewhere(Why.COLLISION)
            if at >= horizon:
                raise Elsewhere(Why.OVERDUE)
            return bits >> shift & 1 == 1, revision, at, horizon if clock else FOREVER, known, says if known else None
        raise Elsewhere(Why.TORN)

    def see(self, user_ids: Sequence[str]) -> Answers[C]:
        """All memberships of n users at one revision and instant. Raises Elsewhere, if only for one of them."""
        now = self._now()
        keys = hash_many(self._digest, self._seed, user_ids)
        found: Rows | None = None
        before = head = Head(*read_head(self._page))
        for attempt in range(_TRIES):
            head = Head(*read_head(self._page))
            view = self._view
            if head.sequence & 1 or head.generation != view.generation:
                self._wait(head.sequence, attempt)
                continue
            if WEAK_ORDER:
                fence()
            if found is None or not _still_right(found, before, head):
                found, before = find_many(view.slots, view.homes, keys), head
            answers = _gathered(view, found, head, now)
            if WEAK_ORDER:
                fence()
            if self._words[0] != head.sequence:
                continue
            if (found == UNTOLD).any():
                raise Elsewhere(Why.COLLISION)
            if (answers.horizons <= answers.at).any():
                raise Elsewhere(Why.OVERDUE)
            return answers
        raise Elsewhere(Why.TORN)

    def _wait(self, sequence: int, attempt: int) -> None:
        """Until the engine has published, or the files of another generation are mapped."""
        if sequence & 1:
            self._wait_for_publication(sequence, attempt)
        else:
            self._follow()

    def _wait_for_publication(self, sequence: int, attempt: int) -> None:
        """Raises Elsewhere where the publication was waited for long enough, by this question or one before it."""
        if attempt == _TRIES - 1:
            self._in_vain = sequence
        if self._in_vain == sequence:
            raise Elsewhere(Why.TORN)
        if attempt >= _PATIENT:
            time.sleep(_PAUSE)

    def _settled(self) -> Head:
        """The head between two publications."""
        for attempt in range(_TRIES):
            head = Head(*read_head(self._page))
            if not head.sequence & 1:
                if WEAK_ORDER:
                    fence()
                if self._words[0] == head.sequence:
                    return head
            else:
                self._wait_for_publication(head.sequence, attempt)
        raise Elsewhere(Why.TORN)

    def _follow(self) -> None:
        """Have the files of the present generation mapped. Those of an earlier one go first, for they take room."""
        if self._settled().generation != self._view.generation:
            self._view = self._nothing
            self._view = self._mapped()

    def _mapped(self) -> View[C, P]:
        """The files of the present generation; those of an earlier one may be gone while they are looked for."""
        for _ in range(_TRIES):
            generation = self._settled().generation
            try:
                return map_view(self._directory, generation, self._interpret)
            except FileNotFoundError:
                time.sleep(_PAUSE)
            except OSError as error:
                raise Elsewhere(Why.UNMAPPED) from error
        raise Elsewhere(Why.TORN)


def _gathered(view: View[C, P], found: Rows, head: Head, now: int) -> Answers[C]:
    # Where the head is torn it may tell of more rows than this generation has.
    rows = np.where(found < min(head.published_rows, view.rows), found, NOBODY)
    words, horizons = view.words.take(rows, axis=0, mode="clip"), view.horizons.take(rows, mode="clip")
    at = max(now if head.frozen == NEVER else head.frozen, head.instant)
    if view.foreseen is not None:
        view.foreseen.lay_over(rows, words, horizons, at)
    unknown = rows < 0
    if unknown.any():
        words[unknown], horizons[unknown] = 0, FOREVER
    return Answers(view.catalogue, head.revision, at, rows, words, horizons)


def _still_right(found: Rows, before: Head, head: Head) -> bool:
    """Whether the ids lead to the same rows as when they were looked up."""
    if (before.epoch, before.generation) != (head.epoch, head.generation):
        return False
    return before.published_rows == head.published_rows or not (found == NOBODY).any()
