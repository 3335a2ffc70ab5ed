"""Who else reads what is published: nobody, unless there are workers."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from segmentd.times import FOREVER, Clock

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
        """They see what `Live` has now; where an error got in between they wait for the next publication.

        No error of its own: where something cannot be published, readers leave their questions to the engine.
        """

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

    def next_try(self) -> int:
        """When to try again to publish, where that was not possible, or FOREVER."""
        return FOREVER

    def try_again(self) -> None:
        """Publish what could not be published, where it is time to try again; to be called without the lock."""

    def close(self) -> None:
        """No more is published."""
