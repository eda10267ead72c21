"""The metrics of several workers are those of one server."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from api.metrics.workers import WorkerFiles
from api.models.rooms import LOBBY_ID
from tests.node import Node, eventually
from tests.process import START_SECONDS, serving, workers_of

pytestmark = pytest.mark.anyio

ENTRIES = {'entries_total{kind="message"}': 10.0}
NOBODY = "999999999"
"""The name of a file of a worker that has ended: no process has such a number."""


class Worker:
    """A worker with one metric of each kind. It has the number of this process, until `end` is called."""

    def __init__(self, directory: Path) -> None:
        registry = CollectorRegistry()
        self.messages = Counter("tailwire_messages", "m", registry=registry)
        self.seconds = Histogram("tailwire_seconds", "s", ["route"], registry=registry, buckets=[1])
        self.sockets = Gauge("tailwire_sockets", "s", registry=registry)
        self.live = Gauge("tailwire_feed_live", "l", registry=registry)
        self.files = WorkerFiles(directory, registry)
        self._own = directory / str(os.getpid())

    def values(self) -> dict[str, float]:
        text = self.files.text().decode()
        return {
            name: float(value) for name, value in re.findall(r"^(tailwire_\S+) (\S+)$", text, re.MULTILINE)
        }

    def end(self, number: str = NOBODY) -> None:
        """Leave the file of a worker that has ended."""
        self.files.text()
        self._own.rename(self._own.with_name(number))


def test_counts_of_a_worker_that_ended_stay_and_what_it_had_goes(tmp_path: Path) -> None:
    first, second = Worker(tmp_path), Worker(tmp_path)
    first.messages.inc(3)
    first.seconds.labels("/a").observe(0.5)
    first.sockets.set(7)
    first.end()
    second.messages.inc(2)
    second.seconds.labels("/a").observe(2)
    second.sockets.set(1)
    second.live.set(1)
    values = second.values()
    assert (values["tailwire_messages_total"], values["tailwire_sockets"], values["tailwire_feed_live"]) == (
        5,
        1,
        1,
    )
    assert values['tailwire_seconds_bucket{le="1.0",route="/a"}'] == 1
    assert values['tailwire_seconds_count{route="/a"}'] == 2


async def test_a_new_worker_joins_the_files_of_those_that_ended(tmp_path: Path) -> None:
    for number in ("999999997", "999999998", "999999999"):
        ended = Worker(tmp_path)
        ended.messages.inc(10)
        ended.end(number)
    started = Worker(tmp_path)
    running = asyncio.create_task(started.files.run())
    await asyncio.sleep(0)
    running.cancel()
    assert names_in(tmp_path) == {"ended", "lock", str(os.getpid())}
    assert started.values()["tailwire_messages_total"] == 30


def test_a_file_that_is_broken_is_left_out(tmp_path: Path) -> None:
    (tmp_path / NOBODY).write_text("[[")
    worker = Worker(tmp_path)
    worker.messages.inc(1)
    assert worker.values()["tailwire_messages_total"] == 1


async def test_whichever_worker_is_asked_tells_of_all_and_never_of_less(tmp_path: Path) -> None:
    settings = {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}
    async with serving(settings, tmp_path, "--workers", "2") as node:
        alice = await node.sign_up("alice")
        async with alice.socket() as socket, alice.socket() as other:
            for number in range(10):
                one = (socket, other)[number % 2]
                await one.call(type="send", room_id=LOBBY_ID, ref=f"{number}", body="Hello!")
            await eventually(
                lambda: has(node, **ENTRIES, connections=2, workers=2, feed_live=1), START_SECONDS
            )
        seen = [await metric(node, *ENTRIES) for _ in range(20)]
        assert seen == [10.0] * 20
        ended = end_a_worker(node)
        await eventually(lambda: is_gone(ended), START_SECONDS)
        await eventually(lambda: has(node, **ENTRIES, connections=0, workers=2), START_SECONDS)


def end_a_worker(node: Node) -> int:
    """Kill one worker, which the server replaces, and return its number."""
    assert node.process is not None
    number = workers_of(node.process.pid)[0]
    os.kill(number, signal.SIGKILL)
    return number


def names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


async def is_gone(process: int) -> bool:
    return not os.path.exists(f"/proc/{process}")  # noqa: ASYNC240, PTH110  a look at /proc does not block


async def has(node: Node, **wanted: float) -> bool:
    return all([await metric(node, name) == value for name, value in wanted.items()])


async def metric(node: Node, name: str) -> float | None:
    """Return a metric's value from whichever worker accepts a new connection."""
    async with node.client() as client:
        text = (await client.get("/metrics")).text
    found = re.search(rf"^tailwire_{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None
