"""The task that keeps the search index up to the rooms' logs: it reads on in each from where the index has come.

It is a follower whose positions stand in the index itself, in the transaction with what was made of the entries. So
nothing is left out or taken in twice, whatever crashes. It never writes to the store, and nobody waits for it.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import apsw
import structlog

from api.models.changes import Grown
from api.models.log import News
from api.search.file import Damaged, IndexFile, forget_deleted, require_sound
from api.search.merging import Merging
from api.search.rows import Rows, Taken
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
        self._connection: apsw.Connection | None = None
        self._rows: Rows | None = None
        self._taken: dict[str, Taken] = {}
        self._due: dict[str, int] = {}  # by room: how many entries it has, as far as is known
        self._total = 0
        self._goals = dict[str, int]()  # while the index is made: where logs ended when they were compared
        self._must_compare = True
        self._must_make = False
        self._has_to_empty = False  # whether the last round left messages of rooms that are gone
        self._merging = Merging()
        self._made_at = -PAUSE_SECONDS
        self._is_whole = False  # whether all that this process did to the file went well
        self._has_deleted = True  # what a process deleted that crashed may be left in the write-ahead log
        self._came = asyncio.Event()
        self.is_writing = False
        """Whether this process writes the index."""
        self.done = 0.0
        """How much of the index is made, from 0 to 1, as far as this process knows."""
        self.taken_count = 0
        self.made_count = 0
        """How often this process has made the index anew."""

    # -- called by the feed

    def wake(self, grown: Grown) -> None:
        """Take note that a room has grown."""
        if self.is_writing:
            taken = self._taken.get(grown.room_id)
            if taken is None or taken.epoch != grown.epoch or taken.seq < grown.seq:
                self._due[grown.room_id] = grown.seq
                self._came.set()

    def compare(self) -> None:
        """Compare all rooms, as the feed was away and may have missed some that have grown."""
        self._must_compare = True
        self._came.set()

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
                await self._on_thread(self._close)
                await self._pause(error)

    async def _pause(self, error: Exception) -> None:
        """Say what failed, and wait for a while."""
        log.error("search_index_failed", path=str(self._file.path), reason=str(error))
        await asyncio.sleep(PAUSE_SECONDS)

    async def close(self) -> None:
        """Stop what is under way, and let another process write the index."""
        if (connection := self._connection) is not None:
            with suppress(apsw.ConnectionClosedError):
                connection.interrupt()
        is_clean = await self._on_thread(self._close_clean)
        self._thread.shutdown()
        self._file.unlock(is_clean=is_clean)
        self.is_writing = False

    async def _keep_up(self) -> None:
        """Open the index, and follow all rooms. Raises `Damaged`, `apsw.Error`, `OSError`, `Unavailable`."""
        while not self._file.lock():  # noqa: ASYNC110  another process holds it
            await asyncio.sleep(LOOK_SECONDS)
        if self._must_make:
            await self._make()
        elif self._connection is None:
            await self._on_thread(self._open)
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
            if self._merging.is_wanted and not self._goals:
                await self._merge()
            await self._on_thread(self._forget_deleted)
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
        if self.lag > MOST_ENTRIES or self._has_to_empty or (self._merging.is_wanted and self.done < 1):
            return
        if not self._due:
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS if self._has_deleted else LOOK_SECONDS):
                    await self._came.wait()
        await asyncio.sleep(max(0.0, began + ROUND_SECONDS - time.monotonic()))

    async def _make(self) -> None:
        """Make the index anew. Raises `apsw.Error`, `OSError`."""
        # An index that is damaged again and again must not keep the machine busy.
        await asyncio.sleep(max(0.0, self._made_at + PAUSE_SECONDS - time.monotonic()))
        self._made_at = time.monotonic()
        log.info("search_index_made", path=str(self._file.path))
        await self._on_thread(self._make_anew)
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
                room_id, head, taken = one.head.room_id, one.head, self._taken.get(one.head.room_id)
                seen.add(room_id)
                total += 0 if one.is_deleted else head.seq
                outdated += taken.seq if taken is not None and taken.epoch != head.epoch else 0
                is_behind = taken is None or taken.epoch != head.epoch or taken.seq != head.seq
                if taken is not None if one.is_deleted else is_behind and head.seq > 0:
                    if taken is not None and taken.epoch == head.epoch and taken.seq > head.seq:
                        del self._taken[room_id]  # the log was set back, and its entries are others now
                    self._due[room_id] = 0 if one.is_deleted else head.seq
            after = slice_[-1].head.room_id
        self._total = total
        if outdated > max(FAR_BEHIND, total / 2):
            raise Damaged  # a restore: a new file is made sooner than each row of this one is deleted without a trace
        gone = [room_id for room_id in self._taken if room_id not in seen]
        if self.done < 1 or self.lag > FAR_BEHIND:
            self._goals = dict(self._due)
            self.done = self._share(self.lag)
        await self._on_thread(self._note, self.lag)
        while gone:
            gone = await self._on_thread(self._drop, gone, self.lag)

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
            await self._on_thread(self._take_in, stale, lag)
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
            await self._on_thread(self._note, lag)
        return len(unread)

    async def _of_other_epochs(self, found: Sequence[News]) -> list[News]:
        """Return what was found, with the logs of rooms under another epoch read from their beginning."""
        again = {
            one.head.room_id: 0
            for one in found
            if not one.is_deleted
            and (taken := self._taken.get(one.head.room_id)) is not None
            and taken.epoch != one.head.epoch
        }
        if not again:
            return list(found)
        anew = {one.head.room_id: one for one in await self._store.log.news(again, limit=PAGE)}
        return [anew.get(one.head.room_id, one) for one in found]

    def _seq_of(self, room_id: str) -> int:
        taken = self._taken.get(room_id)
        return 0 if taken is None else taken.seq

    def _is_emptying(self, room_id: str) -> bool:
        taken = self._taken.get(room_id)
        return taken is not None and taken.is_emptying

    def _behind(self, room_id: str) -> int:
        return max(0, self._due[room_id] - self._seq_of(room_id))

    def _share(self, lag: int) -> float:
        """Return how much of the index is made: all, once it is merged and has what the logs had when compared."""
        if not self._goals and not (self._merging.is_wanted and self.done < 1):
            return 1.0
        return max(0.0, min(0.999, 1 - lag / max(1, self._total)))

    async def _merge(self) -> None:
        """Merge a part of the index."""
        await self._on_thread(self._merge_pages)
        if self.done < 1 and not self._merging.is_wanted:
            self.done = 1.0
            await self._on_thread(self._note, self.lag)

    async def _on_thread(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    # -- on the thread

    def _open(self) -> None:
        is_clean = self._file.was_left_clean()
        connection = self._file.open()
        try:
            self._connection = connection
            if not is_clean:
                require_sound(connection)
            self._use(connection)
        except BaseException:
            self._close()
            raise

    def _make_anew(self) -> None:
        self._close()
        self._use(self._file.make())

    def _use(self, connection: apsw.Connection) -> None:
        self._connection, self._rows = connection, Rows(connection)
        self._taken = self._rows.taken()
        self.done = self._rows.done()
        # A search takes several times as long in the parts that many rounds have left.
        self._merging, self._is_whole = Merging(), True

    def _close_clean(self) -> bool:
        """Close the file. Return whether it need not be checked when it is opened again."""
        is_clean = False
        if self._connection is not None and self._is_whole:
            with suppress(apsw.Error):
                self._connection.execute(
                    "SELECT 1"
                ).fetchall()  # the interruption lasts until a statement begins
                is_clean = forget_deleted(self._connection)
        self._close()
        return is_clean

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(apsw.Error):
                self._connection.close(force=True)
        self._connection = self._rows = None

    def _take_in(self, found: Sequence[News], lag: int) -> None:
        with self._writing() as rows:
            changed = {
                news.head.room_id: rows.take_in(news, self._taken.get(news.head.room_id)) for news in found
            }
            rows.note(done=self.done, lag=lag)
        for room_id, taken in changed.items():
            if taken is None:
                self._taken.pop(room_id, None)
                self._has_deleted = True
            else:
                self._taken[room_id] = taken
                self._has_deleted |= taken.has_deleted
        count = sum(len(news.entries) for news in found)
        self.taken_count += count
        self._merging.note(count, sum(taken.seq for taken in self._taken.values()))

    def _merge_pages(self) -> None:
        with self._writing() as rows:
            self._merging.go_on(rows)
        self._has_deleted |= not self._merging.is_wanted  # the parts of before are in the write-ahead log

    def _note(self, lag: int) -> None:
        """Store how far the index is."""
        with self._writing() as rows:
            rows.note(done=self.done, lag=lag)

    def _drop(self, room_ids: Sequence[str], lag: int) -> list[str]:
        """Take away some messages of rooms that the store does not have. Return the rooms that still have some."""
        with self._writing() as rows:
            gone = set(rows.drop(room_ids))
            rows.note(done=self.done, lag=lag)
        for room_id in gone:
            del self._taken[room_id]
        self._has_deleted = True
        return [room_id for room_id in room_ids if room_id not in gone]

    @contextmanager
    def _writing(self) -> Iterator[Rows]:
        """Write in a transaction. Raises `Damaged`."""
        connection, rows = self._connection, self._rows
        if connection is None or rows is None:
            raise Damaged
        try:
            rows.begin()
            with connection:
                yield rows
        except (apsw.CorruptError, apsw.NotADBError, apsw.ConstraintError, apsw.SQLError) as error:
            rows.forget()
            self._is_whole = False
            raise Damaged from error
        except BaseException:
            rows.forget()
            raise

    def _forget_deleted(self) -> None:
        if self._has_deleted and self._connection is not None:
            self._has_deleted = not forget_deleted(self._connection)
