"""Metrics of workers for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from segmentd.server.workers.tallies import ANSWERED, ENDED, FORWARDED

_COUNTERS: Final = {
    "answered_calls": ("Calls that the worker answered from mapped memberships, refusals included.", ANSWERED),
    "forwarded_calls": ("Calls that the worker handed on to the engine.", FORWARDED),
    "unexpected_ends": (
        "How often the worker ended by an error or a kill, or before it listened, and was replaced.",
        ENDED,
    ),
}


class WorkerCollector(Collector):
    """One sample for each worker, by its number; a worker that takes the place of another counts on."""

    def __init__(self, tallies: Sequence[memoryview]) -> None:
        self._tallies = tallies

    def describe(self) -> Iterable[Metric]:
        """Nothing is read before the first scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The counts as they are in the mapped file."""
        for name, (help_text, place) in _COUNTERS.items():
            family = CounterMetricFamily(f"segmentd_worker_{name}", help_text, labels=["worker"])
            for number, tally in enumerate(self._tallies):
                family.add_metric([str(number)], float(tally[place]))
            yield family
