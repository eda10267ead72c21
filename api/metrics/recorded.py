"""Counts what happens while requests and sockets are served: a few additions to numbers, and no more."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Final

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other method is counted as `other`, because a client could make up a new one for each request."""
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper bounds of the buckets for the durations of requests and of calls of the store."""


class Durations:
    """How often something took how long, by a label: a histogram of `SECONDS` for each label."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def add(self, label: str, seconds: float) -> None:
        """Count one duration."""
        counts = self._counts.get(label)
        if counts is None:
            counts = self._counts[label] = [0] * (len(SECONDS) + 1)
            self._sums[label] = 0.0
        counts[bisect_left(SECONDS, seconds)] += 1
        self._sums[label] += seconds

    def histograms(self) -> Iterator[tuple[str, list[tuple[str, int]], float]]:
        """Yield each label with its buckets, as Prometheus counts them, and the sum of its durations."""
        for label, counts in self._counts.items():
            total, buckets = 0, list[tuple[str, int]]()
            for bound, count in zip((*map(str, SECONDS), "+Inf"), counts, strict=True):
                total += count
                buckets.append((bound, total))
            yield label, buckets, self._sums[label]


class Recorded:
    """What one process has served. All methods belong to the event loop."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.request_seconds = Durations()
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.closes: Counter[str] = Counter()
        self.tool_uses: Counter[tuple[str, str]] = Counter()
        self.store_seconds = Durations()
        self.search_seconds = Durations()
        self.store_failures: Counter[str] = Counter()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer over HTTP. `route` is the path as the program declares it, never one that a client chose."""
        self.requests[method if method in METHODS else "other", route, status] += 1
        self.request_seconds.add(route, seconds)

    def refused(self, over: str, code: str) -> None:
        """Count an error with this code, told over `http`, at a `handshake` or over a `socket`."""
        self.refusals[over, code] += 1

    def used(self, tool: str, outcome: str) -> None:
        """Count one use of a tool of MCP. `outcome` is `ok`, or the code of its error."""
        self.tool_uses[tool, outcome] += 1

    def closed(self, code: int | None) -> None:
        """Count the end of a socket by its close code, or None when its client ended it."""
        self.closes["client" if code is None else str(int(code))] += 1

    def searched(self, seconds: float) -> None:
        """Count a look into the search index."""
        self.search_seconds.add("index", seconds)

    def called(self, operation: str, seconds: float, failed: bool) -> None:
        """Count a call of the store, such as `log.append`."""
        self.store_seconds.add(operation, seconds)
        if failed:
            self.store_failures[operation] += 1
