"""Reads pages of the log for replays, and shares each page among the clients that need it.

When a server restarts, all its clients come back at once and need nearly the same entries. Pages begin at multiples of
`PAGE`, or where a page of long entries ends, so that clients with different positions ask for the same pages. A page
that is being read is awaited by all clients that need it, and cached for a moment for those that come just after.
"""

import asyncio
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from api.errors import Unavailable
from api.protocol.entries import entry_event
from api.protocol.events import encode
from api.protocol.frames import Frames, joined
from api.store.base.store import Store

PAGE: Final = 100
CACHE_SECONDS: Final = 1.0
MAX_CACHE_BYTES: Final = 16 * 1024 * 1024

_Key: TypeAlias = tuple[str, str, int]  # room, epoch, and the seq after which the page begins


class Replayed(NamedTuple):
    """An entry, encoded for sockets."""

    seq: int
    kind: str
    frames: Frames


Page: TypeAlias = list[Replayed]
"""Entries in order of seq, without holes."""


def chunks(page: Page, max_bytes: int) -> Iterator[Replayed]:
    """Join entries of a page, so that one write sends up to so many bytes. A longer entry is a chunk of its own.

    A chunk has the seq of its last entry, and the kind of its first.
    """
    together: Page = []
    size = 0
    for one in page:
        size += len(one.frames.wire)
        if together and size > max_bytes:
            yield _chunk(together)
            together, size = [], len(one.frames.wire)
        together.append(one)
    if together:
        yield _chunk(together)


def _chunk(together: Page) -> Replayed:
    return Replayed(together[-1].seq, together[0].kind, joined([one.frames for one in together]))


class Replay:
    """Reads pages of the log, and caches them for `CACHE_SECONDS`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pages: dict[_Key, asyncio.Task[Page]] = {}
        self._cached_bytes = 0
        self.read_count = 0

    async def frames(self, room_id: str, epoch: str, after: int, until: int) -> Page:
        """Return one or more entries from `after` + 1 on, up to `until` at most.

        The log must have reached `until`. Raises `Unavailable`, also when the log has become shorter since.
        """
        begin = after // PAGE * PAGE
        seen: asyncio.Task[Page] | None = None
        while True:
            key = (room_id, epoch, begin)
            reading = self._pages.get(key)
            is_own = reading is None or reading is seen  # the page that another call read ends too early
            if reading is None or is_own:
                reading = self._read(key)
            found = await asyncio.shield(reading)
            if page := [one for one in found if after < one.seq <= until]:
                return page
            if found:
                begin, seen = found[-1].seq, None  # a page of long entries, or of a log that was shorter then
            elif is_own:
                raise Unavailable("the log has become shorter")
            else:
                seen = reading

    async def close(self) -> None:
        """Cancel the reads that are running, and clear the cache."""
        pages = list(self._pages.values())
        for page in pages:
            page.cancel()
        await asyncio.gather(*pages, return_exceptions=True)
        self._pages.clear()

    def _read(self, key: _Key) -> asyncio.Task[Page]:
        page = asyncio.create_task(self._load(key), name="replay")
        self._pages[key] = page
        page.add_done_callback(lambda page: self._cache(key, page))
        return page

    async def _load(self, key: _Key) -> Page:
        room_id, _, begin = key
        self.read_count += 1
        found = await self._store.log.entries(room_id, after=begin, limit=PAGE - begin % PAGE)
        return [Replayed(entry.seq, entry.kind, encode(entry_event(entry))) for entry in found]

    def _cache(self, key: _Key, page: asyncio.Task[Page]) -> None:
        """Cache a page that was read, if there is space for it."""
        if page.cancelled() or page.exception() is not None:
            size = MAX_CACHE_BYTES + 1
        else:
            size = sum(len(one.frames.wire) for one in page.result())
        if self._cached_bytes + size > MAX_CACHE_BYTES:
            self._forget(key, page, 0)
            return
        self._cached_bytes += size
        asyncio.get_running_loop().call_later(CACHE_SECONDS, self._forget, key, page, size)

    def _forget(self, key: _Key, page: asyncio.Task[Page], size: int) -> None:
        self._cached_bytes -= size
        if self._pages.get(key) is page:
            del self._pages[key]
