"""The figures to reach: which figure each row is about, and how its ratio or value has to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Line = dict[str, Any]
"""One figure as a benchmark prints it."""


@dataclass(frozen=True, slots=True)
class Target:
    """`figure` is the name of a figure, `peer` what its peer's name begins with.

    `at_least` and `at_most` are bounds of its ratio, or of its value where `of_value`; without either it is reported.
    """

    what: str
    figure: str
    peer: str = ""
    at_least: float | None = None
    at_most: float | None = None
    of_value: bool = False

    def reach(self) -> str:
        """The bound as text."""
        if self.at_least is not None:
            return f"≥ {self.at_least:,g}"
        return f"≤ {self.at_most:,g}" if self.at_most is not None else "report"

    def reached(self, line: Line) -> bool | None:
        """Whether the figure is within its bound; None where it has none."""
        found = line["value"] if self.of_value else line["ratio"]
        if self.at_least is not None:
            return bool(found >= self.at_least)
        return bool(found <= self.at_most) if self.at_most is not None else None


_ALL_ROWS: Final = "sqlite3 executemany, synchronous=FULL, all rows"
"""The peer that writes what follows from events too, beside one that writes them alone."""

TARGETS: Final = (
    Target(
        "checks per CPU-second of a worker", "check: calls per CPU-second of a worker", "bare grpc.aio", at_least=0.9
    ),
    Target("the same, beside the server of threads", "check: calls per CPU-second of a worker", "bare grpcio"),
    *(
        Target(
            f"check p99 at half of saturation, amid events, {batch} a call",
            f"check amid events: p99 at half of saturation, {batch} events a call",
            at_most=1.3,
        )
        for batch in (100, 20)
    ),
    Target("batch of 1,000 users x 1", "batch check: 1,000 users x 1, per CPU-second of server and client", at_least=1),
    Target(
        "batch of 1,000 users x 64", "batch check: 1,000 users x 64, per CPU-second of server and client", at_least=15
    ),
    Target("one check in the client's local mode", "local mode: one check", at_most=5),
    Target("6 attribute conditions, all users", "judge: 6 attribute conditions, the quickest", at_most=1),
    Target("3 filtered events in 7 days, all users", "judge: 3 filtered events in 7 days, the quickest", at_most=0.5),
    Target(
        "acknowledged until Check sees it, p99",
        "visible: from acknowledged until a check sees it, p99",
        at_most=20,
        of_value=True,
    ),
    Target(
        "acknowledged until Watch tells it, p99",
        "visible: from acknowledged until a watcher is told, p99",
        at_most=20,
        of_value=True,
    ),
    Target("durable ingest, batches of 1,000", "ingest: events in batches of 1,000", _ALL_ROWS, at_least=0.4),
    Target("the same by 4 callers", "ingest: the same by 4 callers at once", _ALL_ROWS, at_least=0.4),
    Target("the same, events a second", "ingest: the same by 4 callers at once", _ALL_ROWS, 30_000, of_value=True),
    Target("through gRPC, events a second", "ingest: the same by StreamEvents", at_least=30_000, of_value=True),
    Target("one user x 100 segments, evaluated", "one user: evaluated, the quickest", at_most=1),
    Target("start with everything in place", "start: after a clean stop", at_most=2),
    Target("memory per user", "memory: a user's attributes, bits and horizon", at_most=2),
    Target("memory per event", "memory: an event that some rule reads", at_most=2),
    Target("wave: p99 of checks meanwhile", "wave: p99 of checks meanwhile", at_most=1.5),
    Target("wave: in all", "wave: in all", at_most=2),
    Target("one written row x 20 segments", "one written row: judging 20 segments, CPU"),
    Target("growth: checks per CPU-second", "growth: check: calls per CPU-second", at_least=0.9),
    Target("growth: start", "growth: start: from the command to the first answer", at_most=1.2),
    Target("growth: memory", "growth: memory: resident in the engine", at_most=1.2),
    Target("growth: judging all users, attributes", "growth: judge: attributes, all users", at_most=1.2),
    Target("growth: judging all users, events", "growth: judge: events, all users", at_most=1.2),
    Target("growth: ingest", "growth: ingest: CPU-seconds of 1,000 events", at_most=1.2),
)


def line_of(target: Target, lines: list[Line], users: int = 1_000_000, segments: int = 100) -> Line | None:
    """The newest figure of a row: at this size, or else the largest there is; of growth the largest."""
    found = [line for line in lines if line["name"] == target.figure and line["peer"].startswith(target.peer)]
    if not target.figure.startswith("growth: "):
        found = [line for line in found if line.get("users", 0) <= users]
        found = [line for line in found if line.get("segments", segments) in {segments, 20}] or found
    most = max((line.get("users", 0) for line in found), default=0)
    return next((line for line in reversed(found) if line.get("users", 0) == most), None)
