"""What the store does alone, with no server about it: a program, `python -m bench.store_alone WORD STORE COUNT`.

`quiet`: one append after the other, with a pause between; prints how long until each came out of `changes()`.
`fill`: appends that many messages to the lobby.
`busy`: appends from 50 tasks at once; prints how many a second.
`follow`: reads that many changes while another process appends; prints the CPU that one took.
"""

import asyncio
import json
import secrets
import statistics
import sys
import time
from typing import Final

from api.models import Draft, Entry, EntryData, Kind
from api.store import open_store
from api.store.base import Store

ROOM: Final = "lobby"
QUIET_APPENDS: Final = 200
PAUSE_SECONDS: Final = 0.05
AT_ONCE: Final = 500
SENDERS: Final = 50


def draft() -> Draft:
    """Return a message nobody has sent before."""
    body: EntryData = {"body": "x" * 100, "reply_to": None}
    at = time.time_ns() // 1_000_000
    return Draft(
        kind=Kind.MESSAGE, user_id="bench", username="bench", at=at, ref=secrets.token_hex(8), data=body
    )


async def quiet(store: Store, _count: int) -> dict[str, float]:
    """See the module."""
    delays: list[float] = []
    acks: list[float] = []
    begun: dict[int, float] = {}
    arrived: dict[int, float] = {}
    async with store.changes() as changes:

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
            appended = await store.append(ROOM, draft())
            acks.append(time.monotonic() - before)
            begun[appended.entry.seq] = before
        await asyncio.sleep(1)
        task.cancel()
    delays = [arrived[seq] - before for seq, before in begun.items()]
    return {"change_p50_ms": 1e3 * statistics.median(delays), "append_p50_ms": 1e3 * statistics.median(acks)}


async def many(store: Store, count: int, at_once: int) -> dict[str, float]:
    """Append `count` messages from so many tasks."""
    left, began = iter(range(count)), time.monotonic()

    async def send() -> None:
        for _ in left:
            await store.append(ROOM, draft())

    await asyncio.gather(*(send() for _ in range(at_once)))
    return {"appends": count / (time.monotonic() - began)}


async def follow(store: Store, count: int) -> dict[str, float]:
    """See the module."""
    seen = 0
    async with store.changes() as changes:
        print(json.dumps({"ready": True}), flush=True)
        cpu = time.process_time()
        async for batch in changes:
            seen += sum(isinstance(change, Entry) for change in batch)
            if seen >= count:
                break
        cpu = time.process_time() - cpu
    return {"change_cpu_us": 1e6 * cpu / seen}


async def main(word: str, url: str, count: str) -> None:
    """Open the store, do what the word says, print the figures."""
    store = await open_store(url)
    try:
        if word == "quiet":
            figures = await quiet(store, int(count))
        elif word == "follow":
            figures = await follow(store, int(count))
        else:
            figures = await many(store, int(count), AT_ONCE if word == "fill" else SENDERS)
    finally:
        await store.close()
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
