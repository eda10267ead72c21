"""Reads of the log that many clients share: pages of frames for those that were away.

When a server restarts, all its clients come back at once and want nearly the same. Pages begin at multiples of
`PAGE`, so that clients with different positions ask for the same ones; one that is being read is awaited by all
who want it, and kept for a moment for those that come just after.
"""

import asyncio
from typing import Final, TypeAlias

from api.frames import Frames
from api.protocol import encode, entry_event
from api.store.base import Store

PAGE: Final = 100
KEPT_SECONDS: Final = 1.0
MAX_KEPT_BYTES: Final = 16 * 1024 * 1024

Page: TypeAlias = list[tuple[int, Frames]]
"""Entries as they are written, each with its seq, in order."""
_Key: TypeAlias = tuple[str, str, int]  # room, epoch, number of the page


class Replay:
    """See the module."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pages: dict[_Key, asyncio.Task[Page]] = {}
        self._kept_bytes = 0
        self.read_count = 0

    async def frames(self, room_id: str, epoch: str, after: int) -> Page:
        """Return the frames of some entries after `after`, at least one if there were any when this was called.

        Raises `Unavailable`.
        """
        key = (room_id, epoch, after // PAGE)
        known = self._pages.get(key)
        if known is not None:
            frames = _after(await asyncio.shield(known), after)
            if frames:
                return frames
        page = self._pages.get(key)
        if page is None or page is known:  # what we saw may be older than the question
            page = self._read(key)
        return _after(await asyncio.shield(page), after)

    async def close(self) -> None:
        """End what is under way."""
        pages = list(self._pages.values())
        for page in pages:
            page.cancel()
        await asyncio.gather(*pages, return_exceptions=True)
        self._pages.clear()

    def _read(self, key: _Key) -> asyncio.Task[Page]:
        page = asyncio.create_task(self._load(key), name="replay")
        self._pages[key] = page
        page.add_done_callback(lambda page: self._keep(key, page))
        return page

    async def _load(self, key: _Key) -> Page:
        room_id, _, number = key
        self.read_count += 1
        entries = await self._store.log(room_id, after=number * PAGE, limit=PAGE)
        return [(entry.seq, encode(entry_event(entry))) for entry in entries]

    def _keep(self, key: _Key, page: asyncio.Task[Page]) -> None:
        """Keep a page that was read for a moment, if there is room for it."""
        if page.cancelled() or page.exception() is not None:
            size = MAX_KEPT_BYTES + 1
        else:
            size = sum(len(frames.wire) for _, frames in page.result())
        if self._kept_bytes + size > MAX_KEPT_BYTES:
            self._forget(key, page, 0)
            return
        self._kept_bytes += size
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, key, page, size)

    def _forget(self, key: _Key, page: asyncio.Task[Page], size: int) -> None:
        self._kept_bytes -= size
        if self._pages.get(key) is page:
            del self._pages[key]


def _after(page: Page, after: int) -> Page:
    return [one for one in page if one[0] > after]
