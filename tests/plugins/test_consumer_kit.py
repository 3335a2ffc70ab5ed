"""The contract kit of consumers finds what breaks the contract."""

from __future__ import annotations

import re
from typing import Any

import pytest

from segmentd.api import Batch, Consumer, Refused, TryAgain
from segmentd.testing import batch, change, check_consumer


class Toy(Consumer):
    name = "toy"
    batch_size = 3
    closed = 0

    def deliver(self, batch: Batch) -> None:
        """Takes everything."""

    def close(self) -> None:
        self.closed += 1


class Picky(Toy):
    def deliver(self, batch: Batch) -> None:
        raise Refused("never") if not batch.changes[0].user_id else TryAgain("later")


class Ascii(Toy):
    def deliver(self, batch: Batch) -> None:
        for each in batch.changes:
            each.user_id.encode("ascii")


class Once(Toy):
    def __init__(self) -> None:
        self.seen: set[str] = set()

    def deliver(self, batch: Batch) -> None:
        if batch.id in self.seen:
            raise KeyError(batch.id)
        self.seen.add(batch.id)


class Silent(Toy):
    def deliver(self, batch: Batch) -> None:
        raise TryAgain("")


@pytest.mark.parametrize("consumer", [Toy(), Picky()])
def test_what_keeps_the_contract_passes_and_is_closed(consumer: Toy) -> None:
    check_consumer(consumer)
    assert consumer.closed == 1


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (Ascii, "a batch with text, first attempt: UnicodeEncodeError is neither TryAgain nor Refused"),
        (Once, "a batch with one change, second attempt: KeyError"),
        (Silent, "TryAgain does not say why"),
        (type("Nameless", (Toy,), {"name": ""}), "its name: it is empty"),
        (type("Greedy", (Toy,), {"batch_size": 0}), "batch_size is 0"),
    ],
)
def test_what_breaks_it_is_named(kind: Any, fault: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(fault)):
        check_consumer(kind())


def test_the_same_changes_make_the_same_batch() -> None:
    ada, bob = change("ada"), change("bob", at="2026-01-01T00:00:00Z", entered=False)
    assert batch(ada, bob) == batch(ada, bob)
    assert batch(ada).id != batch(bob).id
    assert change("ada").user_key == ada.user_key != bob.user_key
