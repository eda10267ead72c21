"""Measures the store without a server: `python -P store_alone.py WORD STORE COUNT`.

`quiet`: one append after the other, with a pause between; prints how long each took to come out of `changes.open()`.
`fill`: appends COUNT messages to the lobby; prints how many a second.
"""

import asyncio
import json
import secrets
import statistics
import sys
import time
from typing import Final

from api.models.log import Draft, Entry, EntryData, Kind
from api.store import open_store
from api.store.base.store import Store

ROOM: Final = "lobby"
QUIET_APPENDS: Final = 200
PAUSE_SECONDS: Final = 0.05
AT_ONCE: Final = 500


def draft() -> Draft:
    """Return a message with a new ref."""
    body: EntryData = {"body": "x" * 100, "reply_to": None}
    at = time.time_ns() // 1_000_000
    return Draft(
        kind=Kind.MESSAGE, user_id="bench", username="bench", at=at, ref=secrets.token_hex(8), data=body
    )


async def quiet(store: Store) -> dict[str, float]:
    """See the module."""
    acks: list[float] = []
    begun: dict[int, float] = {}
    arrived: dict[int, float] = {}
    async with store.changes.open() as changes:

        async def follow() -> None:
            async for batch in changes:
                now = time.monotonic()
                for change in batch:
                    if isinstance(change, Entry):
                        arrived[change.seq] = now

        task = asyncio.create_task(follow())
        for _ in range(QUIET_APPENDS):
            await asyncio.sleep(PAUSE_SECONDS)
            before = time.monotonic()
            appended = await store.log.append(ROOM, draft())
            acks.append(time.monotonic() - before)
            begun[appended.entry.seq] = before
        await asyncio.sleep(1)
        task.cancel()
    delays = [arrived[seq] - before for seq, before in begun.items()]
    return {"change_p50_ms": 1e3 * statistics.median(delays), "append_p50_ms": 1e3 * statistics.median(acks)}


async def fill(store: Store, count: int) -> dict[str, float]:
    """See the module."""
    left, began = iter(range(count)), time.monotonic()

    async def send() -> None:
        for _ in left:
            await store.log.append(ROOM, draft())

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    return {"appends": count / (time.monotonic() - began)}


async def main(word: str, url: str, count: str) -> None:
    """Open the store, run what the word names, and print the figures."""
    store = await open_store(url)
    try:
        figures = await (quiet(store) if word == "quiet" else fill(store, int(count)))
    finally:
        await store.close()
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
