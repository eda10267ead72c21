"""Reads of the log that many clients share: pages of frames for those that were away.

When a server restarts, all its clients come back at once and want nearly the same. Pages begin at multiples of
`PAGE`, so that clients with different positions ask for the same ones; one that is being read is awaited by all
who want it, and kept for a moment for those that come just after.
"""

import asyncio
from typing import Final, NamedTuple, TypeAlias

from api.protocol.events import encode, entry_event
from api.protocol.frames import Frames
from api.store.base.store import Store

PAGE: Final = 100
KEPT_SECONDS: Final = 1.0
MAX_KEPT_BYTES: Final = 16 * 1024 * 1024

Entries: TypeAlias = list[tuple[int, Frames]]
"""Entries as they are written, each with its seq, in order."""
_Key: TypeAlias = tuple[str, str, int]  # room, epoch, number of the page


class ReplayPage(NamedTuple):
    """Some of a log: all of it up to `until` that there is and can be read."""

    entries: Entries
    until: int


class Replay:
    """See the module."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pages: dict[_Key, asyncio.Task[ReplayPage]] = {}
        self._kept_bytes = 0
        self.read_count = 0

    async def frames(self, room_id: str, epoch: str, after: int, until: int) -> ReplayPage:
        """Return some entries in (after, until], of a log that reaches at least to `until`.

        They are all that can be read up to the page's own `until`, which is past `after`. Raises `Unavailable`.
        """
        key = (room_id, epoch, after // PAGE)
        seen: asyncio.Task[ReplayPage] | None = None
        while True:
            reading = self._pages.get(key)
            if reading is None or reading is seen:  # what we saw ends too early
                reading = self._read(key, until)
            page = _within(await asyncio.shield(reading), after, until)
            if page.until > after:
                return page
            seen = reading

    async def close(self) -> None:
        """End what is under way."""
        pages = list(self._pages.values())
        for page in pages:
            page.cancel()
        await asyncio.gather(*pages, return_exceptions=True)
        self._pages.clear()

    def _read(self, key: _Key, until: int) -> asyncio.Task[ReplayPage]:
        page = asyncio.create_task(self._load(key, until), name="replay")
        self._pages[key] = page
        page.add_done_callback(lambda page: self._keep(key, page))
        return page

    async def _load(self, key: _Key, until: int) -> ReplayPage:
        room_id, _, number = key
        self.read_count += 1
        found = await self._store.log(room_id, after=number * PAGE, limit=PAGE)
        entries = [(entry.seq, encode(entry_event(entry))) for entry in found]
        last = entries[-1][0] if entries else 0
        return ReplayPage(entries, min(max(until, last), (number + 1) * PAGE))

    def _keep(self, key: _Key, page: asyncio.Task[ReplayPage]) -> None:
        """Keep a page that was read for a moment, if there is room for it."""
        if page.cancelled() or page.exception() is not None:
            size = MAX_KEPT_BYTES + 1
        else:
            size = sum(len(frames.wire) for _, frames in page.result().entries)
        if self._kept_bytes + size > MAX_KEPT_BYTES:
            self._forget(key, page, 0)
            return
        self._kept_bytes += size
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, key, page, size)

    def _forget(self, key: _Key, page: asyncio.Task[ReplayPage], size: int) -> None:
        self._kept_bytes -= size
        if self._pages.get(key) is page:
            del self._pages[key]


def _within(page: ReplayPage, after: int, until: int) -> ReplayPage:
    until = min(until, page.until)
    return ReplayPage([one for one in page.entries if after < one[0] <= until], until)
