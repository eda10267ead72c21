"""Adds up the metrics of the workers that share one port, whichever of them is asked.

Each worker writes its own metrics to a file in a directory that all of them know: every few seconds, and before it
answers. Whoever is asked reads all files. So two answers in a row never count backwards. What a worker has counted
that is gone stays counted; what it had, such as open sockets, is gone.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

WRITE_SECONDS: Final = 1.0
"""The files of the other workers are at most this old. Writing one takes some thousandths of that."""
SUMMED_KINDS: Final = frozenset({"counter", "histogram"})
WORST: Final[dict[str, Callable[[float, float], float]]] = {
    "tailwire_feed_live": min,
    "tailwire_feed_silent_seconds": max,
    "tailwire_feed_lag_seconds": max,
    "tailwire_online_users": max,
    "tailwire_presence_changes": max,
    "tailwire_task_up": min,
    "tailwire_memory_short": max,
    "tailwire_clock_skew_seconds": max,
    "tailwire_database_bytes": max,
    "tailwire_search_done": max,
    "tailwire_search_bytes": max,
    "tailwire_files": max,
    "tailwire_files_bytes": max,
    "tailwire_files_free_bytes": min,
    "tailwire_info": max,
    "tailwire_process_start_time_seconds": min,
    "tailwire_process_max_fds": min,
}
"""Of these only one value makes sense for all workers together: the worst. All others are added up."""

_ENDED: Final = "ended"
_LOCK: Final = "lock"

_Family: TypeAlias = tuple[str, str, str, list[tuple[str, dict[str, str], float]]]
"""A metric's name, kind and description, and its samples with name, labels and value."""
_Snapshot: TypeAlias = list[_Family]


class WorkerFiles:
    """The metrics of all workers of one `tailwire serve`. `run` is a task for `Tasks`."""

    def __init__(self, directory: Path, registry: CollectorRegistry) -> None:
        self._directory = directory
        self._registry = registry
        self._own = directory / str(os.getpid())

    async def run(self) -> None:
        """Write the metrics of this process every `WRITE_SECONDS`, for ever."""
        self._keep_those_of_the_ended()
        while True:
            self._write()
            await asyncio.sleep(WRITE_SECONDS)

    def text(self) -> bytes:
        """Return the metrics of all workers together, in Prometheus's text format."""
        self._write()
        with self._locked(fcntl.LOCK_SH):
            together = added_up(self._snapshots())
        registry = CollectorRegistry()
        registry.register(_Fixed(together))
        return generate_latest(registry)

    def _write(self) -> None:
        _replace(self._own, [_family(one) for one in self._registry.collect()])

    def _snapshots(self) -> Iterator[_Snapshot]:
        for path in self._directory.iterdir():
            if path.name == _ENDED or path.name.isdecimal():
                with suppress(OSError, ValueError):
                    snapshot = orjson.loads(path.read_bytes())
                    yield (
                        snapshot
                        if path.name.isdecimal() and _is_alive(int(path.name))
                        else _counts_of(snapshot)
                    )

    def _keep_those_of_the_ended(self) -> None:
        """Join the files of workers that are gone to one, so that restarts do not pile up files."""
        with self._locked(fcntl.LOCK_EX):
            gone = [
                path
                for path in self._directory.iterdir()
                if path.name.isdecimal() and not _is_alive(int(path.name))
            ]
            if gone:
                kept = [path for path in (*gone, self._directory / _ENDED) if path.exists()]
                counts = (_counts_of(orjson.loads(path.read_bytes())) for path in kept)
                _replace(self._directory / _ENDED, added_up(counts))
                for path in gone:
                    path.unlink()

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        descriptor = os.open(self._directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def added_up(snapshots: Iterable[_Snapshot]) -> _Snapshot:
    """Return the metrics of several workers as those of one."""
    families: dict[str, tuple[str, str, dict[tuple[str, tuple[tuple[str, str], ...]], float]]] = {}
    for snapshot in snapshots:
        for name, kind, what, samples in snapshot:
            _, _, values = families.setdefault(name, (kind, what, {}))
            join = WORST.get(name, _sum)
            for sample, labels, value in samples:
                key = sample, tuple(labels.items())
                values[key] = join(values[key], value) if key in values else value
    return [
        (name, kind, what, [(sample, dict(labels), value) for (sample, labels), value in values.items()])
        for name, (kind, what, values) in families.items()
    ]


class _Fixed(Collector):
    """Metrics that were collected elsewhere."""

    def __init__(self, snapshot: _Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for name, kind, what, samples in self._snapshot:
            family = Metric(name, what, kind)
            for sample in samples:
                family.add_sample(*sample)
            yield family


def _family(metric: Metric) -> _Family:
    samples = [(sample.name, sample.labels, sample.value) for sample in metric.samples]
    return metric.name, metric.type, metric.documentation, samples


def _counts_of(snapshot: _Snapshot) -> _Snapshot:
    """Leave out what a worker that is gone no longer has."""
    return [family for family in snapshot if family[1] in SUMMED_KINDS]


def _sum(one: float, other: float) -> float:
    return one + other


def _replace(path: Path, snapshot: Any) -> None:
    """Write a file so that a reader finds the old or the new one, never a part."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(orjson.dumps(snapshot))
    new.replace(path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
