"""What a worker cannot answer from what is mapped; the engine, which is always right, has to."""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """Why a question goes to the engine."""

    OVERDUE = "overdue"
    """The user's own horizon has passed."""
    COLLISION = "collision"
    """Another id has the same hash."""
    REVISION = "revision"
    """The revision that is asked for is not published yet."""
    TORN = "torn"
    """The engine was publishing all the time, or it died while it did."""
    UNMAPPED = "unmapped"
    """What is asked for is not in the mapped files, or those cannot be mapped here: descriptors or memory lack."""


class Elsewhere(Exception):
    """The engine has to answer, for the reason `why`."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why
