"""Followers: features that must miss no entry of any room. Each reads on in every log from a position that is stored.

Of all processes one runs a follower, under the lease of its name. It is woken by the feed with the rooms that have
grown. When it begins, and when the feed was away, it compares all heads with its positions instead. A position is
stored after what it stands for was done. So after a crash some entries are handled twice, and none is left out. While
work that an entry has begun goes on beside the log, the position stays before that entry, within bounds.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from typing import Final, TypeAlias

import structlog

from api.errors import LeaseLost, Unavailable
from api.jobs.leases import RENEW_SECONDS, LeaseHolder
from api.jobs.turns import Turns
from api.models.changes import Grown
from api.models.followers import FollowerPosition, Lease, Progress, Start
from api.models.log import Entry
from api.store.base.store import Store

MOST_ENTRIES: Final = 100
"""A position is stored at the latest after this many entries; a follower is given no more at once."""
WRITE_SECONDS: Final = 1.0
"""A position is stored at the latest after this time."""
AT_ONCE: Final = 4
"""A follower handles entries of this many rooms at the same time."""
SLICE: Final = 500
"""So many heads are compared with their positions by one query."""
MOST_HELD: Final = 1_000
"""A position stays at most so many entries behind those that were handled, whatever is still under way."""
HANDLE_SECONDS: Final = 60.0
"""Handling that takes longer has failed."""
MAX_KNOWN: Final = 10_000
"""Of so many rooms a follower knows its position without asking, those that have grown last."""

log = structlog.get_logger("api.followers")


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of one room, in the order of their seqs, without holes.

    What a follower makes of an entry must have the key (follower, room, epoch, seq), so that doing it twice is doing it
    once. Where it is stored, the number of the `lease` goes with it, and a lower number than was there changes nothing.
    """

    room_id: str
    epoch: str
    entries: Sequence[Entry]
    lease: Lease


Handle: TypeAlias = Callable[[Batch], Awaitable[None]]
Forget: TypeAlias = Callable[[str], Awaitable[None]]
UnderWay: TypeAlias = Callable[[str], int | None]


async def _nothing(_room_id: str) -> None:
    pass


def _nowhere(_room_id: str) -> int | None:
    return None


class Follower:
    """One follower. `run` is a task for `Tasks`.

    `handle` does what there is to do about entries. If it raises, the same entries come again after a pause, and only
    this room waits for that; `Unavailable` means that the store is away, which ends the turns of all rooms. `forget`
    undoes what was made of a room that was deleted. `start` says where it begins in the rooms that are there when it is
    new; in later ones it begins with the first entry. `under_way` returns the first seq of a room whose entry has begun
    something that is not done yet: who takes over is given that entry again.
    """

    def __init__(  # noqa: PLR0913  what a feature says about its follower
        self,
        store: Store,
        leases: LeaseHolder,
        name: str,
        handle: Handle,
        *,
        start: Start = Start.BEGINNING,
        forget: Forget = _nothing,
        under_way: UnderWay = _nowhere,
    ) -> None:
        self.name = name
        self.handle = handle
        self.forget = forget
        self.under_way = under_way
        self.start = start
        self.handled_count = 0
        self.failure_count = 0
        self._store = store
        self._leases = leases
        self._shift: _Shift | None = None

    async def run(self) -> None:
        """Follow all rooms for ever, whenever this process holds the lease. Raises `Unavailable`."""
        while True:
            with suppress(LeaseLost):
                await self._leases.do(self.name, self._follow)
            await asyncio.sleep(RENEW_SECONDS)

    def wake(self, grown: Grown) -> None:
        """Look at a room that has grown, if this process runs the follower."""
        if self._shift is not None:
            self._shift.wake(grown)

    def compare(self) -> None:
        """Compare all rooms, as the feed was away and may have missed some that have grown."""
        if self._shift is not None:
            self._shift.compare()

    @property
    def lag(self) -> int:
        """How many entries are not handled yet, as far as this process knows; 0 where another runs the follower."""
        return 0 if self._shift is None else self._shift.lag

    async def _follow(self, lease: Lease) -> None:
        # It can be woken before it reads anything, so that no room is missed in between.
        self._shift = _Shift(self._store, self, lease)
        try:
            await self._shift.run()
        finally:
            self._shift = None


class _Shift:
    """What a follower does, and remembers, under one lease."""

    def __init__(self, store: Store, follower: Follower, lease: Lease) -> None:
        self._store = store
        self._follower = follower
        self._lease = lease
        self._turns = Turns()
        # The positions of rooms that were read. They are right for as long as this process has the lease.
        self._known: OrderedDict[str, FollowerPosition] = OrderedDict()
        # By room, how many entries were handled since its position was stored.
        self._unwritten: dict[str, int] = {}
        self._held: set[str] = set()  # rooms whose stored position waits for what is under way
        self._lags: dict[str, int] = {}
        self._has_started = follower.start is Start.BEGINNING
        self._came = asyncio.Event()
        self._ended = asyncio.Event()
        self._must_compare = asyncio.Event()
        self._must_compare.set()

    # -- called by the feed

    def wake(self, grown: Grown) -> None:
        known = self._known.get(grown.room_id)
        if known is not None and known.epoch == grown.epoch:
            if grown.seq <= known.seq:
                return
            self._lags[grown.room_id] = grown.seq - known.seq
        if self._turns.add(grown.room_id):
            self._came.set()
        else:
            self.compare()

    def compare(self) -> None:
        self._must_compare.set()

    @property
    def lag(self) -> int:
        return sum(self._lags.values())

    # -- the work

    async def run(self) -> None:
        """Work until the store is away, or the lease is lost. Raises a group of errors."""
        try:
            async with asyncio.TaskGroup() as group:
                for work in (self._compare_all, self._write_soon, *[self._take_turns] * AT_ONCE):
                    group.create_task(work(), name=f"follower {self._follower.name}")
        finally:
            with suppress(Unavailable, LeaseLost, TimeoutError):
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._write(self._unwritten.keys() | self._held)

    async def _compare_all(self) -> None:
        """Compare all heads with the positions in them, slice by slice, whenever that is due."""
        name, positions = self._follower.name, self._store.positions
        if not self._has_started:
            self._has_started = await self._store.kept(_started(name)) is not None
        while True:
            await self._must_compare.wait()
            self._must_compare.clear()  # before the first slice: what comes later is compared once more
            after = ""
            while slice_ := await positions.page(name, after=after, limit=SLICE):
                await self._begin_new(slice_)
                for progress in slice_:
                    if self._is_due(progress):
                        await self._add(progress)
                after = slice_[-1].head.room_id
            if not self._has_started:
                await self._store.keep(_started(name), "yes")
                self._has_started = True

    async def _begin_new(self, slice_: Iterable[Progress]) -> None:
        """Store the positions with which a new follower begins at the ends of the logs."""
        if not self._has_started:
            heads = [one.head for one in slice_ if one.position is None and not one.is_deleted]
            new = [FollowerPosition(*astuple(head)) for head in heads if head.room_id not in self._known]
            if new:
                await self._advance(new)

    def _is_due(self, progress: Progress) -> bool:
        position = progress.position
        if position is None:
            return self._has_started and not progress.is_deleted and progress.head.seq > 0
        return progress.is_deleted or position.epoch != progress.head.epoch or progress.lag > 0

    async def _add(self, progress: Progress) -> None:
        """Let a room wait for its turn, as soon as there is space."""
        room_id = progress.head.room_id
        while not self._turns.add(room_id):
            self._ended.clear()
            await self._ended.wait()
        self._lags[room_id] = progress.head.seq if progress.position is None else progress.lag
        self._came.set()

    async def _take_turns(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            room_id = self._turns.take(loop.time())
            if room_id is None:
                self._came.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self._turns.next_retry()):
                        await self._came.wait()
                continue
            try:
                has_more = await self._turn(room_id)
            except (Unavailable, LeaseLost):
                raise
            except Exception:
                self._follower.failure_count += 1
                log.exception("follower_failed", follower=self._follower.name, room_id=room_id)
                if not self._turns.fail(room_id, loop.time()):
                    raise
                self._came.set()  # others must wait no longer than until the new retry
            else:
                self._turns.end(room_id, has_more=has_more)
                self._came.set()
            self._ended.set()

    async def _turn(self, room_id: str) -> bool:
        """Handle the next entries of a room. Returns whether there is more to do."""
        position = self._known.get(room_id) or await self._claim(room_id)
        if position is None:
            return False
        limit = MOST_ENTRIES - self._unwritten.get(room_id, 0)
        entries = await self._store.log.entries(room_id, after=position.seq, limit=limit)
        progress = await self._progress(room_id)
        if progress is None or progress.is_deleted or progress.head.epoch != position.epoch:
            # The log may have been read after it began anew. Look again, from a position in the log as it is now.
            self._known.pop(room_id, None)
            self._unwritten.pop(room_id, None)
            self._held.discard(room_id)
            return True
        self._note_lag(room_id, progress.head.seq - position.seq)
        if entries:
            async with asyncio.timeout(HANDLE_SECONDS):
                await self._follower.handle(Batch(room_id, position.epoch, entries, self._lease))
            position = FollowerPosition(room_id, position.epoch, entries[-1].seq)
            self._know(position)
            self._unwritten[room_id] = self._unwritten.get(room_id, 0) + len(entries)
            self._follower.handled_count += len(entries)
            self._note_lag(room_id, progress.head.seq - position.seq)
            if self._unwritten[room_id] >= MOST_ENTRIES:
                await self._write([room_id])
        return bool(entries) and progress.head.seq > position.seq

    async def _claim(self, room_id: str) -> FollowerPosition | None:
        """Store the position from which the follower goes on in a room, and return it; None if there is no such room.

        From now on nobody with an earlier lease changes it.
        """
        progress = await self._progress(room_id)
        if progress is None or progress.is_deleted:
            if progress is not None and progress.position is not None:
                await self._follower.forget(room_id)
                await self._store.positions.drop(self._lease, [room_id])
            self._note_lag(room_id, 0)
            return None
        reached = progress.reached
        if reached is None:
            reached = 0 if self._has_started else progress.head.seq
        return (await self._advance([FollowerPosition(room_id, progress.head.epoch, reached)]))[room_id]

    async def _progress(self, room_id: str) -> Progress | None:
        return (await self._store.positions.get_many(self._follower.name, [room_id])).get(room_id)

    # -- positions

    async def _write_soon(self) -> None:
        """Store the positions of all rooms in which entries were handled, every `WRITE_SECONDS`."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self._write(self._unwritten.keys() | self._held)

    async def _write(self, rooms: Collection[str]) -> None:
        if rooms:
            positions = [self._storable(self._known[room_id]) for room_id in rooms]
            for room_id in rooms:
                self._unwritten.pop(room_id, None)
            await self._store.positions.advance(self._lease, positions)
            self._forget_oldest()

    def _storable(self, position: FollowerPosition) -> FollowerPosition:
        """Return the position that may be stored: before what is under way, unless that is far behind."""
        first = self._follower.under_way(position.room_id)
        if first is None or first > position.seq or position.seq - first >= MOST_HELD:
            self._held.discard(position.room_id)
            return position
        self._held.add(position.room_id)
        return replace(position, seq=first - 1)

    async def _advance(self, positions: Sequence[FollowerPosition]) -> dict[str, FollowerPosition]:
        stored = await self._store.positions.advance(self._lease, positions)
        for position in stored.values():
            known = self._known.get(position.room_id)
            if known is None or known.epoch != position.epoch or known.seq < position.seq:
                self._know(position)
        self._forget_oldest()
        return stored

    def _know(self, position: FollowerPosition) -> None:
        self._known[position.room_id] = position
        self._known.move_to_end(position.room_id)

    def _forget_oldest(self) -> None:
        for room_id in list(self._known)[: max(0, len(self._known) - MAX_KNOWN)]:
            if room_id not in self._unwritten and room_id not in self._held:
                del self._known[room_id]

    def _note_lag(self, room_id: str, lag: int) -> None:
        self._lags.pop(room_id, None)
        if lag > 0:
            self._lags[room_id] = lag


def _started(name: str) -> str:
    return f"follower {name} has started"


class Followers:
    """The followers of this process, for the feed that wakes them."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        self.all = followers

    def wake(self, grown: Grown) -> None:
        """Tell every follower that a room has grown."""
        for follower in self.all:
            follower.wake(grown)

    def compare(self) -> None:
        """Let every follower compare all rooms."""
        for follower in self.all:
            follower.compare()
