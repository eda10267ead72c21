"""Opens a database file, runs other processes on it, and holds up commits."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import apsw

from api.models.changes import Change
from api.models.log import Entry
from api.models.rooms import LOBBY_ID
from api.store.base.changes import QUIET_SECONDS
from api.store.sqlite.store import SqliteStore

ROOT = Path(__file__).parents[3]

WAIT_SECONDS = 20.0  # only a failing test waits this long


SENDER = """
import asyncio, sys
from api.models.log import Draft, Kind
from api.store import open_store

async def main(url, name, count):
    store = await open_store(url)
    print("open", flush=True)
    sys.stdin.readline()
    for n in range(int(count)):
        draft = Draft(Kind.MESSAGE, "user-alice", "alice", 1, f"{name}-{n}", {"body": f"{name} {n}", "reply_to": None})
        acked = await store.log.append("lobby", draft)
        print(acked.entry.seq, acked.entry.ref, acked.epoch, flush=True)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""
"""The program of another process: it prints `open`, waits for a line, sends messages and prints every ack."""


@asynccontextmanager
async def opened(url: str, *, quiet_seconds: float = QUIET_SECONDS) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(url, quiet_seconds=quiet_seconds)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def sender(url: str, name: str, count: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start another process that has the store open."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SENDER, url, name, str(count)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            assert await line(process) == "open"
            yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


def go(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")


@contextmanager
def stranger(path: Path) -> Iterator[apsw.Connection]:
    """Open a plain connection, without our wrapper."""
    connection = apsw.Connection(str(path))
    try:
        yield connection
    finally:
        connection.close()


class Commits:
    """Holds up or refuses the commits of a store's writer."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._held = threading.Event()
        self._go_on = threading.Event()

    async def hold(self) -> None:
        """Make the next commit with a change wait for `release`."""
        await self._on_commit(self._wait)

    async def held(self) -> None:
        """Wait until a commit is held."""
        assert await asyncio.to_thread(self._held.wait, WAIT_SECONDS)

    def release(self) -> None:
        self._go_on.set()

    async def refuse(self) -> None:
        await self._on_commit(lambda: True)

    async def allow(self) -> None:
        with suppress(Exception):
            await self._on_commit(None)

    async def _on_commit(self, hook: Callable[[], bool] | None) -> None:
        """Set the writer's commit hook, to act from the next batch on: this batch would meet it too."""
        hooked = threading.Event()

        def later() -> bool:
            if hooked.is_set():
                return hook is not None and hook()
            hooked.set()
            return False

        await self._store._writer.do(
            lambda cursor: cursor.connection.set_commit_hook(None if hook is None else later)
        )

    def _wait(self) -> bool:
        self._held.set()
        assert self._go_on.wait(WAIT_SECONDS)
        return False


async def lobby_epoch(store: SqliteStore) -> str:
    return (await store.log.heads([LOBBY_ID]))[LOBBY_ID].epoch


async def until(tail: AsyncIterator[list[Change]], seq: int) -> list[Entry]:
    """Return the tail's entries up to this seq."""
    entries: list[Entry] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not entries or entries[-1].seq != seq:
            entries += [change for change in await anext(tail) if isinstance(change, Entry)]
    return entries


def make_nothing(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
