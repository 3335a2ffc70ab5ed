"""How long to wait after a failure, and when to give up."""

from __future__ import annotations

from typing import Final

from tenacity import RetryCallState, Retrying, wait_exponential, wait_random_exponential

from segmentd.plugins.consumer import Retries
from segmentd.times import DAY, SECOND, Micros

LONGEST_WISH: Final = 1 * DAY
"""The longest wait that a consumer may ask for."""
_ENOUGH: Final = 64
"""After so many doublings every delay is at its most."""


def delay(retries: Retries, attempts: int, after: Micros | None) -> Micros:
    """Microseconds until the next attempt after so many (1 or more) that failed.

    Doubles from the first delay to the maximal one, drawn from the upper half, so that endpoints that failed together
    do not come back together. A consumer that asked for more (`after`) gets it, up to a day.
    """
    half, most = retries.first_delay / 2 / SECOND, retries.maximal_delay / 2 / SECOND
    wait = wait_exponential(multiplier=half, max=most) + wait_random_exponential(multiplier=half, max=most)
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = min(attempts, _ENOUGH)
    return max(Micros(int(wait(state) * SECOND)), min(after or Micros(0), Micros(LONGEST_WISH)))


def given_up(retries: Retries, attempts: int, failing: Micros) -> bool:
    """Whether so many failed attempts, the first of them so many microseconds ago, are enough."""
    return failing >= retries.give_up_after or (retries.attempts is not None and attempts >= retries.attempts)
