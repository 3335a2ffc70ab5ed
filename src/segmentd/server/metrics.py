"""Metrics for Prometheus, over HTTP: those of consumers, and what else is to be collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segmentd.errors import InvalidInput
from segmentd.server.address import parse, words_of
from segmentd.service.consumers.views import ConsumerState, ConsumerView
from segmentd.times import SECOND

_SETTING: Final = "SEGMENTD_METRICS"
_LABEL: Final = "consumer"
_COUNTERS: Final[Mapping[str, tuple[str, Callable[[ConsumerView], float]]]] = {
    "delivered_changes": ("Changes that were delivered.", lambda view: view.record.delivered),
    "failed_attempts": ("Attempts to deliver a batch that failed.", lambda view: view.record.failed),
}
_GAUGES: Final[Mapping[str, tuple[str, Callable[[ConsumerView], float]]]] = {
    "dead_letters": ("Batches that were given up and neither replayed nor discarded.", lambda view: view.dead_letters),
    "lag_transitions": ("Transitions of the log behind the position, of all segments.", lambda view: view.lag),
    "lag_seconds": (
        "How long ago the first change that waits was recorded, by the server's clock; 0 where none waits.",
        lambda view: view.lag_time / SECOND,
    ),
    "attempts": ("Failed attempts at the batch that comes next.", lambda view: view.record.attempts),
    "disabled": ("1 where it wants no more until it is resumed.", lambda view: view.record.disabled),
    "loss_timestamp_seconds": (
        "When it was last noticed that the log was compacted before all was delivered; 0 for never.",
        lambda view: view.record.loss_time / SECOND,
    ),
}


class Consumers(Protocol):
    """Who is asked at each scrape, on the thread that answers it."""

    def look(self) -> list[ConsumerView]:
        """All consumers."""


class MetricsServer:
    """Answers GET /metrics until it is closed."""

    def __init__(self, listen: str, consumers: Consumers, others: Iterable[Collector] = ()) -> None:
        """Listen on `HOST:PORT`; port 0 takes a free one. Raises InvalidInput at SEGMENTD_METRICS."""
        host, port = parse_metrics(listen)
        registry = CollectorRegistry(auto_describe=False)
        for collector in (ConsumerCollector(consumers), *others):
            registry.register(collector)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except (OSError, UnicodeError) as error:
            raise InvalidInput.at(_SETTING, f"cannot listen on {listen}: {words_of(error)}") from error
        self.port = int(self._server.server_port)

    def close(self) -> None:
        """Take no more scrapes."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ConsumerCollector(Collector):
    """The metrics of all consumers that some plugin brings."""

    def __init__(self, consumers: Consumers) -> None:
        self._consumers = consumers

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked before the first scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """One sample for each consumer and metric."""
        views = [view for view in self._consumers.look() if view.state is not ConsumerState.ABSENT]
        for kind, table in ((CounterMetricFamily, _COUNTERS), (GaugeMetricFamily, _GAUGES)):
            for name, (help_text, value_of) in table.items():
                family = kind(f"segmentd_consumer_{name}", help_text, labels=[_LABEL])
                for view in views:
                    family.add_metric([view.record.name], float(value_of(view)))
                yield family


def parse_metrics(listen: str) -> tuple[str, int]:
    """Host and port. Raises InvalidInput at SEGMENTD_METRICS."""
    try:
        return parse(listen)
    except InvalidInput:
        raise InvalidInput.at(_SETTING, f"{listen!r} is not HOST:PORT, as in 127.0.0.1:9464 or [::1]:9464") from None
