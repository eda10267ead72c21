"""The metrics of a node for Prometheus, read from its parts at each request. docs/operations.md lists them."""

import asyncio
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.metrics.families import counter, histogram
from api.metrics.parts import Parts
from api.metrics.recorded import Recorded


class Metrics(Collector):
    """The metrics of one process. Names begin with `tailwire_`, those of the process with `tailwire_process_`."""

    def __init__(self, recorded: Recorded, parts: Parts) -> None:
        self._recorded = recorded
        self._parts = parts
        self.registry: Final = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(namespace="tailwire", registry=self.registry)

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)

    def describe(self) -> Iterator[Metric]:
        """Return nothing, so that the registry does not call `collect` when the collector is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the current metrics of all parts."""
        yield from self._served()
        yield from self._sockets()
        yield from self._people()
        yield from self._consumers()
        yield from self._programs()
        yield from self._feed()
        yield from self._jobs()
        yield from self._webhooks()
        yield from self._links()
        yield from self._search()
        yield from self._files()
        yield from self._store()
        yield from self._process()

    def _served(self) -> Iterator[Metric]:
        recorded = self._recorded
        yield counter(
            "tailwire_http_requests",
            "Answers over HTTP.",
            ["method", "route", "status"],
            (
                ((method, route, str(status)), count)
                for (method, route, status), count in recorded.requests.items()
            ),
        )
        yield histogram(
            "tailwire_http_request_seconds",
            "From a request to the end of its answer.",
            "route",
            recorded.request_seconds,
        )
        yield counter(
            "tailwire_refusals",
            "Errors told to clients, by code, over http, at a handshake or over a socket.",
            ["over", "code"],
            recorded.refusals.items(),
        )
        yield counter(
            "tailwire_entries",
            "What members wrote here: messages and their changes, by kind, without retries.",
            ["kind"],
            (((kind,), count) for kind, count in self._parts.entries().items()),
        )
        yield counter(
            "tailwire_mentions",
            "Messages and edits written here that mention users, or everybody in their room.",
            ["of"],
            (((of,), count) for of, count in self._parts.mentions().items()),
        )

    def _sockets(self) -> Iterator[Metric]:
        hub = self._parts.hub
        yield GaugeMetricFamily("tailwire_connections", "Open, authenticated sockets.", hub.connection_count)
        yield GaugeMetricFamily(
            "tailwire_sockets", "Open sockets, authenticated or not.", self._parts.socket_count()
        )
        yield GaugeMetricFamily(
            "tailwire_rooms", "Rooms that somebody here is subscribed to.", len(hub.positions())
        )
        yield GaugeMetricFamily(
            "tailwire_subscriptions", "Subscriptions of all sockets.", hub.subscription_count
        )
        yield counter(
            "tailwire_socket_closes",
            "Sockets that ended, by close code; `client` where the client ended it.",
            ["code"],
            (((code,), count) for code, count in self._recorded.closes.items()),
        )
        yield CounterMetricFamily("tailwire_broadcasts", "Entries put on sockets.", hub.broadcast_count)
        yield CounterMetricFamily(
            "tailwire_deliveries", "Entries put on sockets, times sockets.", hub.delivery_count
        )
        yield counter(
            "tailwire_signals",
            "Signals sent to other processes, dropped instead, and offered to sockets here.",
            ["outcome"],
            (((outcome,), count) for outcome, count in self._parts.signals().items()),
        )
        yield counter(
            "tailwire_offers",
            "Events that may be lost, offered to sockets here.",
            ["event"],
            (((event,), count) for event, count in self._parts.offers().items()),
        )

    def _people(self) -> Iterator[Metric]:
        parts = self._parts
        yield GaugeMetricFamily(
            "tailwire_online_users", "Users who are online, on any node.", parts.presence.online_count
        )
        yield GaugeMetricFamily(
            "tailwire_watches", "Users whom sockets watch, times sockets.", parts.presence.watch_count
        )
        yield CounterMetricFamily(
            "tailwire_presence_changes", "Times that a user came online or went.", parts.presence.change_count
        )
        yield GaugeMetricFamily(
            "tailwire_known_memberships",
            "Rooms of the users who are connected here, times users.",
            parts.known_memberships(),
        )

    def _consumers(self) -> Iterator[Metric]:
        parts = self._parts
        yield GaugeMetricFamily(
            "tailwire_polls",
            "Requests for the entries of a consumer or the next messages of a room, nearly all of which wait.",
            parts.waiting_polls(),
        )
        yield counter(
            "tailwire_consumed",
            "Entries given to readers of consumers, those given again included, and their acks.",
            ["what"],
            (((what,), count) for what, count in parts.consumed().items()),
        )

    def _programs(self) -> Iterator[Metric]:
        parts = self._parts
        yield counter(
            "tailwire_token_uses",
            "Requests and sockets with a token of a program: of a person, of a bot, or refused.",
            ["of"],
            (((of,), count) for of, count in parts.tokens().items()),
        )
        yield counter(
            "tailwire_tool_uses",
            "Uses of the tools of MCP, by the outcome: ok, or the code of the error.",
            ["tool", "outcome"],
            self._recorded.tool_uses.items(),
        )
        yield counter(
            "tailwire_hook_posts",
            "Posts to incoming hooks: posted, repeated under their key, refused, or to no hook.",
            ["outcome"],
            (((outcome,), count) for outcome, count in parts.hook_posts().items()),
        )

    def _feed(self) -> Iterator[Metric]:
        feed = self._parts.feed
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

    def _jobs(self) -> Iterator[Metric]:
        parts = self._parts
        held = GaugeMetricFamily(
            "tailwire_lease_held", "1 where this process does what only one may do.", labels=["lease"]
        )
        for name, count in parts.leases().items():
            held.add_metric([name], count)
        yield held
        lag = GaugeMetricFamily(
            "tailwire_follower_lag_entries",
            "Entries that a follower has still to handle; 0 where another process runs it.",
            labels=["follower"],
        )
        for follower in parts.followers:
            lag.add_metric([follower.name], follower.lag)
        yield lag
        yield counter(
            "tailwire_follower_entries",
            "Entries that a follower has handled here, those handled twice included.",
            ["follower"],
            (((one.name,), one.handled_count) for one in parts.followers),
        )
        yield counter(
            "tailwire_follower_failures",
            "Times that handling entries of a room failed, and will be tried again.",
            ["follower"],
            (((one.name,), one.failure_count) for one in parts.followers),
        )

    def _webhooks(self) -> Iterator[Metric]:
        webhooks = self._parts.webhooks
        yield counter(
            "tailwire_webhook_deliveries",
            "Attempts to deliver to webhooks here, by outcome.",
            ["outcome"],
            (((outcome,), count) for outcome, count in webhooks.counts.outcomes.items()),
        )
        yield CounterMetricFamily(
            "tailwire_webhook_dead_letters",
            "Entries that receivers refused again and again, and that were given up here.",
            webhooks.counts.dead,
        )
        yield GaugeMetricFamily(
            "tailwire_webhook_lag_entries",
            "Entries that are still to be posted to webhooks; 0 where another process posts.",
            webhooks.lag,
        )
        yield GaugeMetricFamily(
            "tailwire_webhooks_waiting",
            "Webhooks that wait because their receivers are down or refuse; 0 where another process posts.",
            webhooks.waiting,
        )

    def _links(self) -> Iterator[Metric]:
        counts = {} if self._parts.links is None else self._parts.links.counts
        links = (((outcome,), count) for outcome, count in counts.items())
        yield counter("tailwire_links", "Links that were looked at here, by outcome.", ["outcome"], links)

    def _search(self) -> Iterator[Metric]:
        search = self._parts.search
        if search is None:
            return
        yield histogram(
            "tailwire_search_seconds",
            "How long looks into the search index took, the wait for others included.",
            "of",
            self._recorded.search_seconds,
        )
        yield counter(
            "tailwire_searches",
            "Looks into the search index: done, cut because their time was up, or refused while it is made.",
            ["outcome"],
            (((outcome,), count) for outcome, count in search.outcomes.items()),
        )
        yield GaugeMetricFamily(
            "tailwire_search_done",
            "How much of the search index is made, from 0 to 1; 0 where another process writes it.",
            search.done,
        )
        yield GaugeMetricFamily(
            "tailwire_search_lag_entries",
            "Entries that the search index lacks; 0 where another process writes it.",
            search.lag,
        )
        yield CounterMetricFamily(
            "tailwire_search_entries", "Entries taken into the search index here.", search.taken_count
        )
        yield CounterMetricFamily(
            "tailwire_search_rebuilds", "Times the search index was made anew here.", search.made_count
        )
        yield GaugeMetricFamily(
            "tailwire_search_bytes", "Size of the search index and its write-ahead log.", search.size_bytes()
        )

    def _files(self) -> Iterator[Metric]:
        files, removal = self._parts.files, self._parts.removal
        if files is None or removal is None:
            return
        yield counter(
            "tailwire_file_uploads",
            "Uploads of files: begun, become whole, or refused when they were.",
            ["outcome"],
            (((outcome,), count) for outcome, count in files.counts.items()),
        )
        yield counter(
            "tailwire_pictures",
            "Pictures that were looked at: shown, refused, or given up because they took too much.",
            ["outcome"],
            (((outcome,), count) for outcome, count in files.pictures.items()),
        )
        yield CounterMetricFamily(
            "tailwire_file_received_bytes", "Bytes of files that came here.", files.received_bytes
        )
        yield CounterMetricFamily(
            "tailwire_file_sent_bytes", "Bytes of files that were sent from here.", files.sent_bytes
        )
        yield GaugeMetricFamily(
            "tailwire_downloads", "Files of more than 256 KiB that are being sent from here.", files.downloads
        )
        yield counter(
            "tailwire_file_reads",
            "Answers to those who read a file, or a part: by the server, or the address of it in the bucket.",
            ["by"],
            (((by,), count) for by, count in files.reads.items()),
        )
        yield counter(
            "tailwire_file_removals",
            "Files that were removed here, those swept because nobody sent them, and removals that failed.",
            ["outcome"],
            (((outcome,), count) for outcome, count in removal.counts.items()),
        )
        yield GaugeMetricFamily(
            "tailwire_files", "Files that are kept, uploads included.", removal.usage.files
        )
        yield GaugeMetricFamily(
            "tailwire_files_bytes", "Bytes of the files that are kept, uploads in full.", removal.usage.bytes
        )
        free = GaugeMetricFamily("tailwire_files_free_bytes", "Space left on the disk for files.", labels=[])
        if removal.free_bytes is not None:
            free.add_metric([], removal.free_bytes)
        yield free

    def _store(self) -> Iterator[Metric]:
        recorded, parts = self._recorded, self._parts
        yield histogram(
            "tailwire_store_seconds", "How long calls of the store took.", "operation", recorded.store_seconds
        )
        yield counter(
            "tailwire_store_failures",
            "Calls of the store that failed because it was away or broken.",
            ["operation"],
            (((operation,), count) for operation, count in recorded.store_failures.items()),
        )
        yield counter(
            "tailwire_store_reads",
            "Questions asked for sockets.",
            ["kind"],
            (((kind,), count) for kind, count in parts.reads().items()),
        )
        if (size := parts.database_bytes()) is not None:
            yield GaugeMetricFamily(
                "tailwire_database_bytes", "Size of the SQLite file and its write-ahead log.", size
            )

    def _process(self) -> Iterator[Metric]:
        parts = self._parts
        info = GaugeMetricFamily("tailwire_info", "The version that runs.", labels=["version"])
        info.add_metric([parts.version], 1)
        yield info
        yield GaugeMetricFamily("tailwire_workers", "Processes that share the work.", 1)
        yield GaugeMetricFamily(
            "tailwire_tasks",
            "Tasks of the event loop, one or two to a socket.",
            len(asyncio.all_tasks()),
        )
        up = GaugeMetricFamily("tailwire_task_up", "1 while a task of the server runs.", labels=["task"])
        for task in parts.tasks:
            up.add_metric([task.name], float(task.is_up))
        yield up
        yield counter(
            "tailwire_task_restarts",
            "Times a task ended and was started again.",
            ["task"],
            (((task.name,), task.restart_count) for task in parts.tasks),
        )
        yield GaugeMetricFamily(
            "tailwire_memory_short",
            "1 while this process refuses work for want of memory.",
            float(parts.memory_is_short()),
        )
        yield GaugeMetricFamily(
            "tailwire_answer_bytes",
            "Bytes of answers being read, made and written; a page counts as 512 KiB while it is made.",
            parts.answer_bytes(),
        )
        yield GaugeMetricFamily(
            "tailwire_clock_skew_seconds",
            "How far this machine's clock is ahead of the store's.",
            parts.clock_skew_ms() / 1000,
        )
