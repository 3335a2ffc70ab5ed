"""Who else reads what is published: nobody, unless there are workers."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from segmentd.times import Clock

if TYPE_CHECKING:
    from segmentd.service.live import Live


class Publication:
    """Told of all that changes for readers in other processes. This one does nothing, for there are none.

    It is entered, under `Live.lock`, while a revision is published.
    """

    def __enter__(self) -> None:
        """Readers wait from now on."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """They see what `Live` has now; where an error got in between they wait for the next publication."""

    def prepare(self, live: Live) -> None:
        """Before the lock is taken: make room for what is about to be published."""

    def start_over(self, live: Live) -> None:
        """Before the lock is taken: everything is about to be replaced by what `live` has."""

    def lead(self, user_ids: Iterable[str], row: int) -> None:
        """Inside: published ids lead to another row."""

    def forget(self, user_ids: Iterable[str]) -> None:
        """Inside: published ids lead nowhere any more."""

    def set_clock(self, clock: Clock) -> None:
        """Where a frozen clock stands now; the wall clock is everybody's own."""

    def close(self) -> None:
        """No more is published."""
