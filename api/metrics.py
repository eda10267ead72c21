"""The metrics of a node for Prometheus, read from its parts at each request."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.realtime.hub import Hub


class FeedCounts(Protocol):
    """The state of the feed."""

    is_live: bool
    lag_ms: int
    reopen_count: int
    catch_up_count: int

    def silent_seconds(self) -> float:
        """Return the seconds since the feed last received anything."""


Counts: TypeAlias = Callable[[], Mapping[str, int]]


class Metrics(Collector):
    """The metrics of one node. Names begin with `tailwire_`, those of the process with `tailwire_process_`.

    `reads` returns the number of reads from the store by kind, `restarts` the number of restarts by task.
    """

    def __init__(self, hub: Hub, feed: FeedCounts, *, reads: Counts, restarts: Counts) -> None:
        self._hub = hub
        self._feed = feed
        self._reads = reads
        self._restarts = restarts
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(namespace="tailwire", registry=self._registry)

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self._registry)

    def describe(self) -> Iterator[Metric]:
        """Return nothing, so that the registry does not call `collect` when the collector is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the current metrics of all parts."""
        hub, feed = self._hub, self._feed
        yield GaugeMetricFamily("tailwire_connections", "Open, authenticated sockets.", hub.connection_count)
        yield GaugeMetricFamily(
            "tailwire_rooms", "Rooms that somebody here is subscribed to.", len(hub.positions())
        )
        yield GaugeMetricFamily(
            "tailwire_subscriptions", "Subscriptions of all sockets.", hub.subscription_count
        )
        yield GaugeMetricFamily(
            "tailwire_tasks", "Tasks of the event loop, one or two to a socket.", len(asyncio.all_tasks())
        )
        yield CounterMetricFamily("tailwire_broadcasts", "Entries put on sockets.", hub.broadcast_count)
        yield CounterMetricFamily(
            "tailwire_deliveries", "Entries put on sockets, times sockets.", hub.delivery_count
        )
        yield GaugeMetricFamily(
            "tailwire_feed_live", "1 while the feed is open and caught up.", float(feed.is_live)
        )
        yield GaugeMetricFamily(
            "tailwire_feed_silent_seconds", "Since the feed's last sign of life.", feed.silent_seconds()
        )
        yield GaugeMetricFamily(
            "tailwire_feed_lag_seconds", "From the last entry's writing to its broadcast.", feed.lag_ms / 1000
        )
        yield CounterMetricFamily(
            "tailwire_feed_reopens", "Times the feed was opened again.", feed.reopen_count
        )
        yield CounterMetricFamily(
            "tailwire_feed_catch_ups", "Gaps that were read from the log.", feed.catch_up_count
        )
        restarts = CounterMetricFamily(
            "tailwire_task_restarts", "Times a task ended and was started again.", labels=["task"]
        )
        for task, count in self._restarts().items():
            restarts.add_metric([task], count)
        yield restarts
        reads = CounterMetricFamily("tailwire_store_reads", "Questions asked for sockets.", labels=["kind"])
        for kind, count in self._reads().items():
            reads.add_metric([kind], count)
        yield reads
