"""Measures the store without a server: `python -P store_alone.py WORD STORE COUNT`.

`quiet`: one append after the other, with a pause between; prints how long each took to come out of `changes.open()`.
`fill`: appends COUNT messages to the lobby; prints how many a second.
`changed`: reads the newest page of three rooms in turn, and then reacts there: in the first room nothing has changed a
message, in the second one has COUNT reactions, in the third one user reacted and took it back, `TOGGLES` times in all.
"""

import asyncio
import json
import secrets
import statistics
import sys
import time
from typing import Final

from api.models.accounts import Account, User
from api.models.log import Draft, Entry, EntryData, Kind
from api.models.rooms import Room, Visibility
from api.store import open_store
from api.store.base.store import Store

ROOM: Final = "lobby"
OWNER: Final = User("owner", "owner", "Owner", created_at=1)
SETTLE_SECONDS: Final = 3.0
"""After this long what was appended is flushed."""
QUIET_APPENDS: Final = 200
PAUSE_SECONDS: Final = 0.05
AT_ONCE: Final = 500
REACTING_AT_ONCE: Final = 50
PAGE: Final = 50
TOGGLES: Final = 2_000
READS: Final = 200
"""Each page is read so often."""
REACTIONS: Final = 50
"""So many more users react to a message."""


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


def reaction(target: int, number: int, *, added: bool = True) -> Draft:
    """Return a reaction of the user with this number, with a new ref."""
    data: EntryData = {"target": target, "emoji": "👍", "added": added}
    user_id, at = f"user-{number:017}", time.time_ns() // 1_000_000
    return Draft(Kind.REACTION, user_id, "bench", at, secrets.token_hex(8), data)


async def made_room(store: Store, name: str) -> int:
    """Make a room with a page of messages, and return the seq of the one in the middle."""
    await store.rooms.create(Room(name, name, "", Visibility.PUBLIC, 1), OWNER)
    appended = [await store.log.append(name, draft()) for _ in range(PAGE)]
    return appended[PAGE // 2].entry.seq


async def changed(store: Store, count: int) -> dict[str, float]:
    """See the module."""
    await store.accounts.create(Account(OWNER, OWNER.username, ""))
    rooms = ("plain", "reacted", "toggled")
    targets = {name: await made_room(store, name) for name in rooms}
    left = iter(range(count))

    async def react() -> None:
        for number in left:
            await store.log.append("reacted", reaction(targets["reacted"], number))

    await asyncio.gather(*(react() for _ in range(REACTING_AT_ONCE)))
    for number in range(TOGGLES):
        added = number % 2 == 0
        await store.log.append("toggled", reaction(targets["toggled"], 0, added=added))
    await asyncio.sleep(SETTLE_SECONDS)
    pages: dict[str, list[float]] = {name: [] for name in rooms}
    reacting: dict[str, list[float]] = {name: [] for name in rooms}
    for _ in range(READS):
        for name in rooms:
            before = time.perf_counter()
            await store.log.history(name, limit=PAGE)
            pages[name].append(time.perf_counter() - before)
    for number in range(REACTIONS):
        for name in rooms:
            before = time.perf_counter()
            await store.log.append(name, reaction(targets[name], count + number))
            reacting[name].append(time.perf_counter() - before)
    page, react_ms = (
        {name: 1e3 * statistics.median(took) for name, took in times.items()} for times in (pages, reacting)
    )
    return {
        "plain_page_ms": page["plain"],
        "reacted_page_ratio": page["reacted"] / page["plain"],
        "toggled_page_ratio": page["toggled"] / page["plain"],
        "first_reaction_ms": react_ms["plain"],
        "reaction_ratio": react_ms["reacted"] / react_ms["plain"],
    }


WORDS: Final = {"fill": fill, "changed": changed}


async def main(word: str, url: str, count: str) -> None:
    """Open the store, run what the word names, and print the figures."""
    store = await open_store(url)
    try:
        figures = await (quiet(store) if word == "quiet" else WORDS[word](store, int(count)))
    finally:
        await store.close()
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
