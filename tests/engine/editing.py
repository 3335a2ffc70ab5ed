"""Who is there when definitions are edited, and edits made in part."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from tests.engine.driver import Driver, event

USERS: Final = [f"u{i}" for i in range(6)]


def start(engine: Driver, steps: Generator[None, None, int], number: int = 1) -> None:
    """Make the first steps of an edit."""
    for _ in range(number):
        next(steps)


def people(engine: Driver) -> None:
    """Six users, one event each."""
    engine.write(*(event(user, at=-i) for i, user in enumerate(USERS)))
