"""Metrics of what the server holds, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segmentd.service.service import Status
from segmentd.times import SECOND

_GAUGES: Final[Mapping[str, tuple[str, Callable[[Status], float]]]] = {
    "users": ("Users.", lambda status: status.users),
    "events": ("Stored events.", lambda status: status.events),
    "revision": ("The newest revision.", lambda status: status.revision),
    "clock_ahead_seconds": (
        "How far the database is ahead of the wall clock; 0 where it is not.",
        lambda status: status.ahead / SECOND,
    ),
    "overdue_seconds": (
        "How long the earliest deadline of a membership that was not walked yet is past; 0 where none is.",
        lambda status: status.overdue / SECOND,
    ),
}
_STATES: Final[Mapping[str, Callable[[Status], int]]] = {
    "active": lambda status: status.segments - status.failed - status.pending,
    "failed": lambda status: status.failed,
    "pending": lambda status: status.pending,
}


class StatusCollector(Collector):
    """One sample for each metric, and one for each state of segments."""

    def __init__(self, look: Callable[[], Status]) -> None:
        """`look` is called at each scrape, on the thread that answers it."""
        self._look = look

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked before the first scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All of one moment."""
        status = self._look()
        for name, (help_text, value_of) in _GAUGES.items():
            yield GaugeMetricFamily(f"segmentd_{name}", help_text, value=float(value_of(status)))
        segments = GaugeMetricFamily("segmentd_segments", "Segments that are not archived.", labels=["state"])
        for state, count in _STATES.items():
            segments.add_metric([state], float(count(status)))
        yield segments
