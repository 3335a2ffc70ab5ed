"""For the tests of consumers: changes and batches from plain values, and the contract tried on one."""

from __future__ import annotations

from hashlib import blake2b
from itertools import count
from typing import Final

from segmentd.plugins.consumer import Batch, Consumer, MembershipChange, Refused, TryAgain, consumer_fault
from segmentd.times import parse_instant

_REVISIONS: Final = count(1)


def change(
    user_id: str = "ada",
    segment_id: str = "vip",
    at: str = "2026-11-21T10:00:00Z",
    *,
    entered: bool = True,
    cause: str = "ATTRIBUTE",
    message_id: str = "",
) -> MembershipChange:
    """One change, in a revision of its own; a `user_id` that is empty is one who was erased."""
    revision, instant = next(_REVISIONS), parse_instant(at)
    key = int.from_bytes(blake2b(user_id.encode(), digest_size=4).digest()) + 1
    return MembershipChange(
        segment_id, 1, user_id, key, entered, instant, instant, cause, message_id, revision, f"test-{revision}"
    )


def batch(*changes: MembershipChange) -> Batch:
    """The batch of these changes; the same changes make the same id."""
    places = " ".join(each.position for each in changes)
    return Batch(f"msg_{blake2b(places.encode(), digest_size=16).hexdigest()}", changes)


def check_consumer(consumer: Consumer) -> None:
    """Try the contract on a consumer, which is closed afterwards. Raises AssertionError that says what it breaks.

    Everything is delivered for real, so let the other side be one of the test. That it refuses is no fault; that it
    fails with another error than TryAgain and Refused is one, and so is a batch that it cannot take again.
    """
    fault = consumer_fault(consumer)
    if fault is not None:
        raise AssertionError(f"the consumer cannot be used: {fault}")
    erased = change("", cause="ERASURE", entered=False)
    strange = change("ünï\u2028code \U0001f600", "a segment/with spaces", message_id="m-1", cause="EVENT")
    full = [change(f"user-{number}") for number in range(consumer.batch_size)]
    for name, changes in (("one change", [change()]), ("an erased user", [erased]), ("text", [strange]), ("all", full)):
        given = batch(*changes)
        for attempt in ("first", "second"):
            _deliver(consumer, given, f"a batch with {name}, {attempt} attempt")
    consumer.interrupt()
    consumer.close()


def _deliver(consumer: Consumer, given: Batch, what: str) -> None:
    try:
        consumer.deliver(given)
    except (TryAgain, Refused) as error:
        if not str(error):
            raise AssertionError(f"{what}: {type(error).__name__} does not say why") from error
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__} is neither TryAgain nor Refused: {error}") from error
