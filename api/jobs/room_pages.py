"""Pages of the rooms' logs as they are now, which the webhooks of a room share."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from api.models.followers import Progress
from api.models.log import Entry
from api.store.base.store import Store

PAGE: Final = 20
FRESH_SECONDS: Final = 1.0
"""A page is used for no longer than this, so that nothing is sent which has been erased meanwhile."""
NOBODY: Final = ""
"""The name of a follower without positions: what is read here are the heads."""


@dataclass(frozen=True, slots=True)
class RoomPage:
    """The head of a room, and the entries of its log after `after`: one for each seq, as far as they go."""

    log: Progress
    after: int
    entries: Sequence[Entry]
    read_at: float

    def has(self, after: int) -> bool:
        """Say whether it tells what comes after a seq."""
        if self.entries and self.entries[-1].seq < self.log.head.seq:
            return self.after <= after < self.entries[-1].seq
        return self.after <= after

    def entry_after(self, after: int) -> Entry | None:
        """Return the entry after this seq, or None where the log ends."""
        place = after - self.after
        return self.entries[place] if place < len(self.entries) else None


class RoomPages:
    """Reads pages, and keeps the newest of each room for `FRESH_SECONDS`, or until the room grows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pages: dict[str, RoomPage] = {}
        self._reading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._epochs: dict[str, str] = {}  # by room: the epoch that was found last
        self._grown: set[str] = set()  # rooms that have grown while they were read

    def outdate(self, room_id: str) -> None:
        """Take note that a room has grown."""
        self._pages.pop(room_id, None)
        if room_id in self._reading:
            self._grown.add(room_id)

    def forget_old(self) -> None:
        """Forget the pages that are too old to be used."""
        now = asyncio.get_running_loop().time()
        self._pages = {
            room_id: page for room_id, page in self._pages.items() if now - page.read_at <= FRESH_SECONDS
        }

    async def read(self, room_id: str, after: int) -> RoomPage | None:
        """Return what comes after a seq in a room; None if there is no such room. Raises `Unavailable`.

        The answer is no older than the last `outdate` before the call.
        """
        lock = self._reading.setdefault(room_id, asyncio.Lock())
        async with lock:  # whoever waits here finds what the other has read
            page, now = self._pages.get(room_id), asyncio.get_running_loop().time()
            if page is not None and now - page.read_at <= FRESH_SECONDS and page.has(after):
                return page
            self._grown.discard(room_id)
            page = await self._read(room_id, after, now)
            if page is not None and room_id not in self._grown:
                self._pages[room_id] = page
            return page

    async def _read(self, room_id: str, after: int, now: float) -> RoomPage | None:
        while True:
            entries = await self._store.log.entries(room_id, after=after, limit=PAGE)
            log = await self._head(room_id)
            if log is None or log.is_deleted:
                return None if log is None else RoomPage(log, after, (), now)
            if log.head.epoch == self._epochs.get(room_id):
                return RoomPage(log, after, entries, now)
            # The log may have begun anew after its entries were read: they are read again.
            self._epochs[room_id] = log.head.epoch

    async def _head(self, room_id: str) -> Progress | None:
        return (await self._store.positions.get_many(NOBODY, [room_id])).get(room_id)
