"""Background work that is done when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def run(steps: Generator[None, None, int]) -> int:
    """Make all steps of an edit; the revision."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return int(end.value)


class Inline:
    """Stands in for the engine's thread: questions are answered on the spot, background work waits."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Generator[None, None, int], Future[int]]] = []

    def background(self, steps: Generator[None, None, int]) -> Future[int]:
        """Queue a task."""
        self._waiting.append((steps, Future()))
        return self._waiting[-1][1]

    def call(self, question: Callable[[], T]) -> Future[T]:
        """Answer at once."""
        future: Future[T] = Future()
        future.set_result(question())
        return future

    def run(self) -> None:
        """Do what is queued, and what is queued because of it."""
        while self._waiting:
            steps, future = self._waiting.pop(0)
            future.set_result(run(steps))
