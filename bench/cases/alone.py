"""Writes to rooms at a steady rate, without a server: `python -P alone.py WAY STORE ROOMS RATE SECONDS`.

WAY `store`: Tailwire's store appends messages. `insert`: the same fields become a row of a table, as in a tutorial,
with no number and no check of the ref. With both, one changefeed is open and is read here. The program speaks to its
parent as load.c does, so `Load` can run it.
"""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from rethinkdb import r

from api.models.accounts import Account, User
from api.models.log import Draft, Kind
from api.models.rooms import Room, Visibility
from api.store import open_store

USER: Final = User("bench", "bench", "Bench", 0)
BODY: Final = "x" * 100
WARMUP_SECONDS: Final = 3.0
"""As in bench.machine.load, which a program that runs another checkout's store does not import."""

Write = Callable[[int], Awaitable[None]]
"""Writes one message to the room of this number."""


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def by_store(url: str, rooms: int) -> AsyncIterator[Write]:
    """Yield how Tailwire's store writes a message."""
    async with AsyncExitStack() as stack:
        store = await open_store(url)
        stack.push_async_callback(store.close)
        await store.accounts.create(Account(USER, USER.username, None))
        authors = []
        for number in range(rooms):
            room = Room(secrets.token_urlsafe(16), f"Room {number}", "", Visibility.PUBLIC, now_ms())
            await store.rooms.create(room, USER)
            authors.append(await store.members.get(room.id, USER.id))
        changes = await stack.enter_async_context(store.changes.open())

        async def write(number: int) -> None:
            author = authors[number]
            if author is None:
                raise LookupError("the owner is not a member")
            draft = Draft(
                kind=Kind.MESSAGE,
                user_id=USER.id,
                username=USER.username,
                at=now_ms(),
                ref=secrets.token_urlsafe(16),
                data={"body": BODY, "reply_to": None},
            )
            await store.log.append(author.room_id, draft, author=author)

        async def follow() -> None:
            async for _batch in changes:
                pass

        async with following(follow()):
            yield write


@asynccontextmanager
async def by_insert(url: str, rooms: int) -> AsyncIterator[Write]:
    """Yield how a tutorial writes a message."""
    r.set_loop_type("asyncio")
    parts = urlsplit(url)
    async with AsyncExitStack() as stack:

        async def connected() -> Any:
            connection = await r.connect(parts.hostname, parts.port, password=parts.password, db="bench")
            stack.push_async_callback(connection.close)
            return connection

        connection = await connected()
        await r.db_create("bench").run(connection)
        await r.table_create("messages").run(connection)
        await r.table("messages").wait().run(connection)
        names = [secrets.token_urlsafe(16) for _ in range(rooms)]
        cursor = await r.table("messages").changes().run(await connected())

        async def write(number: int) -> None:
            row = {
                "room_id": names[number],
                "kind": "message",
                "user_id": USER.id,
                "username": USER.username,
                "at": now_ms(),
                "ref": secrets.token_urlsafe(16),
                "data": {"body": BODY, "reply_to": None},
            }
            await r.table("messages").insert(row, durability="hard").run(connection)

        async def follow() -> None:
            async for _change in cursor:
                pass

        async with following(follow()):
            yield write


@asynccontextmanager
async def following(feed: Awaitable[None]) -> AsyncIterator[None]:
    """Read a feed during the block."""
    task = asyncio.ensure_future(feed)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def say(event: str, **fields: Any) -> None:
    """Print an event as load.c does."""
    print(json.dumps({"event": event, **fields}), flush=True)


async def paced(write: Write, rooms: int, rate: float, seconds: float) -> None:
    """Write to each room in turn, and print the figures."""
    answers: list[float] = []

    async def one(number: int, *, is_measured: bool) -> None:
        before = time.monotonic()
        await write(number % rooms)
        if is_measured:
            answers.append(1_000 * (time.monotonic() - before))

    began, first = time.monotonic(), int(rate * WARMUP_SECONDS)
    async with asyncio.TaskGroup() as tasks:
        for number in range(first + int(rate * seconds)):
            await asyncio.sleep(max(0, began + number / rate - time.monotonic()))
            if number == first:
                say("warm")
            tasks.create_task(one(number, is_measured=number >= first))
    say("measured")
    answers.sort()
    say(
        "done",
        window_received=len(answers),
        ack_p50_ms=answers[len(answers) // 2],
        ack_p99_ms=answers[int(len(answers) * 0.99)],
        generator_cpu=0,  # it is the server, and counts as such
    )


async def main(way: str, url: str, *work: str) -> None:
    """Connect, wait for the line `go`, and write."""
    rooms, rate, seconds = int(work[0]), float(work[1]), float(work[2])
    async with (by_store if way == "store" else by_insert)(url, rooms) as write:
        say("connected", count=rooms, seconds=0, fault="")
        await asyncio.to_thread(sys.stdin.readline)
        await paced(write, rooms, rate, seconds)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
