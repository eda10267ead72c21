"""The task that keeps the search index up to the rooms' logs: it reads on in each from where the index has come.

It is a follower whose positions stand in the index itself, in the transaction with what was made of the entries. So
nothing is left out or taken in twice, whatever crashes. It never writes to the store, and nobody waits for it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

import apsw
import structlog

from api.models.changes import Grown
from api.models.log import News
from api.search.file import Damaged, IndexFile
from api.search.writer import IndexWriter
from api.store.base.store import Store

T = TypeVar("T")

ROUND_SECONDS: Final = 0.5
"""Logs are read at most once in this time, except while there is much to take in. So a message is found within a second
under any load, and the database is asked about many messages at once."""
LOOK_SECONDS: Final = 1.0
"""How often a process that does not write the index tries to, as the one that did may have ended."""
PAUSE_SECONDS: Final = 5.0
"""How long to wait after the disk was full, or failed."""
SLICE: Final = 500
"""So many heads are compared by one query."""
MOST_ROOMS: Final = 200
"""A round reads the logs of so many rooms by one query."""
PAGE: Final = 500
"""A round reads so many entries of a room."""
MOST_ENTRIES: Final = 2_000
"""A round reads no more rooms than have this many entries together, so that it takes a fraction of a second."""
FAR_BEHIND: Final = 10_000
"""An index that lacks more entries than this says that it is being made, instead of finding half of what there is."""
NOBODY: Final = ""
"""The name of a follower without positions in the store: what is read here are the heads."""

log = structlog.get_logger("api.search")


class Indexer:
    """Writes the index of this machine, if no other process does. `run` is a task for `Tasks`. Close it at the end."""

    def __init__(self, store: Store, file: IndexFile) -> None:
        self._store = store
        self._file = file
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tailwire-indexer")
        self._writer = IndexWriter(file)
        self._due: dict[str, int] = {}  # by room: how many entries it has, as far as is known
        self._total = 0
        self._goals = dict[str, int]()  # while the index is made: where logs ended when they were compared
        self._must_compare = True
        self._must_make = False
        self._has_to_empty = False  # whether the last round left messages of rooms that are gone
        self._made_at = -PAUSE_SECONDS
        self._came = asyncio.Event()
        self.is_writing = False
        """Whether this process writes the index."""
        self.done = 0.0
        """How much of the index is made, from 0 to 1, as far as this process knows."""
        self.made_count = 0
        """How often this process has made the index anew."""

    # -- called by the feed

    def wake(self, grown: Grown) -> None:
        """Take note that a room has grown."""
        if self.is_writing:
            taken = self._writer.taken.get(grown.room_id)
            if taken is None or taken.epoch != grown.epoch or taken.seq < grown.seq:
                self._due[grown.room_id] = grown.seq
                self._came.set()

    def compare(self) -> None:
        """Compare all rooms, as the feed was away and may have missed some that have grown."""
        self._must_compare = True
        self._came.set()

    @property
    def taken_count(self) -> int:
        """How many entries this process has taken in."""
        return self._writer.taken_count

    @property
    def lag(self) -> int:
        """How many entries the index lacks, as far as this process knows; 0 where another writes it."""
        return sum(self._behind(room_id) for room_id in self._due)

    # -- the task

    async def run(self) -> None:
        """Keep the index up to the logs for ever, whenever this process can lock it. Raises `Unavailable`."""
        while True:
            try:
                await self._keep_up()
            except Damaged:
                self._must_make = True
            except apsw.FullError as error:
                await self._pause(error)  # what is in the file stays as it is
            except (apsw.Error, OSError) as error:
                await self._on_thread(self._writer.close)
                await self._pause(error)

    async def _pause(self, error: Exception) -> None:
        """Say what failed, and wait for a while."""
        log.error("search_index_failed", path=str(self._file.path), reason=str(error))
        await asyncio.sleep(PAUSE_SECONDS)

    async def close(self) -> None:
        """Stop what is under way, and let another process write the index."""
        self._writer.interrupt()
        is_clean = await self._on_thread(self._writer.close_clean)
        self._thread.shutdown()
        self._file.unlock(is_clean=is_clean)
        self.is_writing = False

    async def _keep_up(self) -> None:
        """Open the index, and follow all rooms. Raises `Damaged`, `apsw.Error`, `OSError`, `Unavailable`."""
        while not self._file.lock():  # noqa: ASYNC110  another process holds it
            await asyncio.sleep(LOOK_SECONDS)
        if self._must_make:
            await self._make()
        elif not self._writer.is_open:
            self.done = await self._on_thread(self._writer.open)
            self._must_compare = True
        self.is_writing = True
        while True:
            began = time.monotonic()
            self._came.clear()
            if self._file.has_damage():
                raise Damaged
            if self._must_compare:
                await self._compare()
            await self._take_due()
            if self._writer.must_merge and not self._goals:
                await self._merge()
            await self._on_thread(self._writer.forget_deleted)
            await self._wait(began)

    async def _take_due(self) -> None:
        """Take in what is due now, for a while. Rooms that grow meanwhile wait, or this might never end."""
        left, until = len(self._due), time.monotonic() + LOOK_SECONDS
        while left > 0 and time.monotonic() < until:
            room_ids = self._next_rooms()
            left += await self._take_round(room_ids) - len(room_ids)

    async def _wait(self, began: float) -> None:
        """Wait until a room has grown, or it is time to look after the file, and until the next round is due.

        Where there is much to take in, nothing is waited for.
        """
        if self.lag > MOST_ENTRIES or self._has_to_empty or (self._writer.must_merge and self.done < 1):
            return
        if not self._due:
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS if self._writer.has_deleted else LOOK_SECONDS):
                    await self._came.wait()
        await asyncio.sleep(max(0.0, began + ROUND_SECONDS - time.monotonic()))

    async def _make(self) -> None:
        """Make the index anew. Raises `apsw.Error`, `OSError`."""
        # An index that is damaged again and again must not keep the machine busy.
        await asyncio.sleep(max(0.0, self._made_at + PAUSE_SECONDS - time.monotonic()))
        self._made_at = time.monotonic()
        log.info("search_index_made", path=str(self._file.path))
        self.done = await self._on_thread(self._writer.make_anew)
        self._due.clear()
        self._goals.clear()
        self._must_make, self._must_compare = False, True
        self.made_count += 1

    async def _compare(self) -> None:
        """Compare all rooms with how far the index has come. If that fails they are to be compared again."""
        self._must_compare = False  # before the first slice: what comes later is compared once more
        try:
            await self._compare_all()
        except BaseException:
            self._must_compare = True
            raise

    async def _compare_all(self) -> None:
        """Compare the heads of all rooms, slice by slice. Raises `Damaged` where most of what the index has is gone."""
        after, total, outdated, seen = "", 0, 0, set[str]()
        while slice_ := await self._store.positions.page(NOBODY, after=after, limit=SLICE):
            for one in slice_:
                room_id, head, taken = one.head.room_id, one.head, self._writer.taken.get(one.head.room_id)
                seen.add(room_id)
                total += 0 if one.is_deleted else head.seq
                outdated += taken.seq if taken is not None and taken.epoch != head.epoch else 0
                is_behind = taken is None or taken.epoch != head.epoch or taken.seq != head.seq
                if taken is not None if one.is_deleted else is_behind and head.seq > 0:
                    if taken is not None and taken.epoch == head.epoch and taken.seq > head.seq:
                        # The log was set back, and its entries are others now.
                        del self._writer.taken[room_id]
                    self._due[room_id] = 0 if one.is_deleted else head.seq
            after = slice_[-1].head.room_id
        self._total = total
        if outdated > max(FAR_BEHIND, total / 2):
            raise Damaged  # a restore: a new file is made sooner than each row of this one is deleted without a trace
        gone = [room_id for room_id in self._writer.taken if room_id not in seen]
        if self.done < 1 or self.lag > FAR_BEHIND:
            self._goals = dict(self._due)
            self.done = self._share(self.lag)
        await self._on_thread(self._writer.note, self.done, self.lag)
        while gone:
            gone = await self._on_thread(self._writer.drop, gone, self.done, self.lag)

    def _next_rooms(self) -> list[str]:
        """Return the rooms whose logs the next round reads: those that have waited longest."""
        rooms, entries = list[str](), 0
        for room_id in self._due:
            if len(rooms) == MOST_ROOMS or (rooms and entries >= MOST_ENTRIES):
                break
            rooms.append(room_id)
            entries += min(PAGE, self._behind(room_id))
        return rooms

    async def _take_round(self, room_ids: Sequence[str]) -> int:
        """Take in what is next in some rooms, and return how many have more. They go behind the others."""
        after = {room_id: self._seq_of(room_id) for room_id in room_ids}
        asked = {room_id: self._due.pop(room_id) for room_id in room_ids}
        lag = self.lag  # of the others: the thread must not look at what changes here meanwhile
        try:
            found = await self._store.log.news(after, limit=PAGE)
            stale = await self._of_other_epochs(found)
            await self._on_thread(self._writer.take_in, stale, self.done, lag)
        except BaseException:
            self._due = asked | self._due
            raise
        emptying = {room_id for room_id in room_ids if self._is_emptying(room_id)}
        self._has_to_empty = bool(emptying)
        unread = {
            news.head.room_id: 0 if news.is_deleted else news.head.seq
            for news in stale
            if news.head.room_id in emptying
            or (news.entries and self._seq_of(news.head.room_id) < news.head.seq)
        }
        for room_id, seq in unread.items():
            self._due[room_id] = max(seq, self._due.get(room_id, 0))
        if self.done < 1:
            for room_id in room_ids:
                if room_id not in unread or self._seq_of(room_id) >= self._goals.get(room_id, 0):
                    self._goals.pop(room_id, None)
            self.done = self._share(lag)
            await self._on_thread(self._writer.note, self.done, lag)
        return len(unread)

    async def _of_other_epochs(self, found: Sequence[News]) -> list[News]:
        """Return what was found, with the logs of rooms under another epoch read from their beginning."""
        again = {
            one.head.room_id: 0
            for one in found
            if not one.is_deleted
            and (taken := self._writer.taken.get(one.head.room_id)) is not None
            and taken.epoch != one.head.epoch
        }
        if not again:
            return list(found)
        anew = {one.head.room_id: one for one in await self._store.log.news(again, limit=PAGE)}
        return [anew.get(one.head.room_id, one) for one in found]

    def _seq_of(self, room_id: str) -> int:
        taken = self._writer.taken.get(room_id)
        return 0 if taken is None else taken.seq

    def _is_emptying(self, room_id: str) -> bool:
        taken = self._writer.taken.get(room_id)
        return taken is not None and taken.is_emptying

    def _behind(self, room_id: str) -> int:
        return max(0, self._due[room_id] - self._seq_of(room_id))

    def _share(self, lag: int) -> float:
        """Return how much of the index is made: all, once it is merged and has what the logs had when compared."""
        if not self._goals and not (self._writer.must_merge and self.done < 1):
            return 1.0
        return max(0.0, min(0.999, 1 - lag / max(1, self._total)))

    async def _merge(self) -> None:
        """Merge a part of the index."""
        await self._on_thread(self._writer.merge)
        if self.done < 1 and not self._writer.must_merge:
            self.done = 1.0
            await self._on_thread(self._writer.note, self.done, self.lag)

    async def _on_thread(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
