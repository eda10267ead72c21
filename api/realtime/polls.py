"""Lets readers of consumers wait for entries: a poll asks the store only about rooms that have grown.

What grows is told by the feed, and whom it concerns is known from `UserRooms`. A reader is remembered for a while after
its poll, so that the next one need not compare all rooms again. While a poll waits it has no part of the store.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Final, TypeAlias

from api.errors import NotFound
from api.limits.answers import Answers
from api.limits.poll_slots import PollSlots
from api.models.changes import Grown
from api.models.consumers import Consumer
from api.realtime.hub import Hub
from api.realtime.notices import Notices
from api.realtime.waiting import Ends, StillAllowed, ended_by, is_woken
from api.rooms.consumers import NOTHING, SLICE, ConsumerService, Reading

MOST_READERS: Final = 2_000
"""So many readers are remembered, those that have polled last."""
KEPT_SECONDS: Final = 60.0
"""A reader that has not polled for so long is forgotten. Its next poll compares all rooms."""

Bound: TypeAlias = frozenset[str] | None
"""The rooms to which a token is bound; None for all."""


class _Reader:
    """What is remembered of a reader between its polls."""

    __slots__ = ("bound", "grown", "is_doubted", "polls", "room_ids", "rooms", "used_at", "user_id")

    def __init__(self, consumer: Consumer, bound: Bound) -> None:
        self.user_id = consumer.user_id
        self.room_ids = consumer.room_ids
        self.bound = bound
        self.rooms: dict[str, None] = {}  # those that may have something for it; what was given last is last
        self.is_doubted = True  # whether all rooms are to be compared
        self.grown = asyncio.Event()
        self.polls = 0
        self.used_at = 0.0

    def add(self, room_ids: Iterable[str]) -> None:
        for room_id in room_ids:
            if self.bound is None or room_id in self.bound:
                self.rooms[room_id] = None
        self.grown.set()

    def doubt(self) -> None:
        self.is_doubted = True
        self.grown.set()

    def put_back(self, room_ids: Iterable[str]) -> None:
        """Put rooms before all others, for they have waited longest."""
        self.rooms = dict.fromkeys(room_ids) | self.rooms

    def take(self) -> list[str]:
        """Take rooms out, those first which have waited longest."""
        taken = list(self.rooms)[:SLICE]
        for room_id in taken:
            del self.rooms[room_id]
        return taken


class Polls:
    """Gives readers what is next, or lets them wait for it. It is told of each room that grows."""

    def __init__(  # noqa: PLR0913  its dependencies
        self,
        consumers: ConsumerService,
        hub: Hub,
        notices: Notices,
        answers: Answers,
        slots: PollSlots,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumers = consumers
        self._hub = hub
        self._rooms = hub.user_rooms
        self._learn = notices.learn
        self._answers = answers
        self._slots = slots
        self._clock = clock
        self._readers: OrderedDict[tuple[str, Bound], _Reader] = OrderedDict()
        self._of_user: dict[str, set[_Reader]] = {}
        self._of_session: dict[str, list[_Reader]] = {}  # one for each poll that is under way
        self._rooms.listeners.append(self._changed)
        hub.on_session_ended.append(self._look_again)

    async def entries(  # noqa: PLR0913  what a poll says
        self,
        user_id: str,
        name: str,
        *,
        session_id: str,
        bound: Bound,
        limit: int,
        wait_seconds: float,
        gone: Ends,
        still_allowed: StillAllowed,
        answering: AsyncExitStack,
    ) -> Reading:
        """Return what a reader has not acknowledged yet, or wait for something, for `wait_seconds` at most.

        `gone` returns when the client has gone or the server is ending, which ends the waiting. `still_allowed` raises
        when the token does not count any more, and is asked as soon as its session ends. The answer is counted among
        those under way until `answering` ends. Raises `NotFound`, `RateLimited`, `Overloaded`, and `Unavailable`.
        """
        consumer = await self._consumers.get(user_id, name)
        until = self._clock() + wait_seconds
        with self._slots.taken(user_id), self._polling(consumer, bound, session_id) as reader:
            if not wait_seconds or not self._hub.is_fed:
                reader.is_doubted = (
                    True  # it wants what is stored now, which the feed may tell a moment later
                )
            async with ended_by(gone, reader.grown) as ended:
                while True:
                    reading = await self._read(reader, consumer, limit, answering)
                    left = until - self._clock()
                    if reading.given or not await is_woken(reader.grown, left) or ended.done():
                        return reading
                    await still_allowed()
                    begun, consumer = consumer, await self._consumers.get(user_id, name)
                    if consumer.id != begun.id:
                        raise NotFound  # it has ended, and another has its name
                    if consumer.room_ids != begun.room_ids:
                        reader.room_ids, reader.is_doubted = consumer.room_ids, True

    # -- called by the feed

    def wake(self, grown: Grown) -> None:
        """Take note of a room that has grown."""
        for user_id in self._rooms.users_of(grown.room_id):
            self._changed(grown.room_id, user_id)
        if not self._rooms.is_complete:
            for user_id in self._of_user:
                if not self._rooms.is_known(user_id):
                    self._changed(grown.room_id, user_id)  # reading it says whether it is theirs

    def compare(self) -> None:
        """Take note that rooms may have grown that nobody has told of."""
        for reader in self._readers.values():
            reader.doubt()

    def _look_again(self, session_id: str) -> None:
        """Let the polls of a session that has ended find that out now."""
        for reader in self._of_session.get(session_id, ()):
            reader.grown.set()

    def _changed(self, room_id: str, user_id: str) -> None:
        for reader in self._of_user.get(user_id, ()):
            reader.add([room_id])

    # -- reading

    async def _read(
        self, reader: _Reader, consumer: Consumer, limit: int, answering: AsyncExitStack
    ) -> Reading:
        """Read on in the rooms that may have something, each of them once at most."""
        if reader.is_doubted:
            await self._compare(reader, consumer)
        reader.grown.clear()
        for _ in range(len(reader.rooms) // SLICE + 1):
            if not (taken := reader.take()):
                break
            try:
                async with AsyncExitStack() as answer:
                    await answer.enter_async_context(self._answers.under_way(reader.user_id))
                    reading = await self._consumers.read(consumer, taken, limit=limit)
                    if reading.given:
                        answering.push_async_exit(answer.pop_all())
            except BaseException:
                reader.put_back(taken)
                raise
            reader.put_back(reading.left)
            if reading.given:
                reader.add(one.place.room_id for one in reading.given)
                return reading
        return NOTHING

    async def _compare(self, reader: _Reader, consumer: Consumer) -> None:
        """Let a reader look at all rooms of the user, and at those in which it has a position."""
        reader.is_doubted = False
        try:
            while not self._rooms.is_known(reader.user_id):
                await self._learn()
            reader.add(await self._consumers.rooms_of(consumer))
        except BaseException:
            reader.is_doubted = True
            raise

    @contextmanager
    def _polling(self, consumer: Consumer, bound: Bound, session_id: str) -> Iterator[_Reader]:
        """Count a poll of a reader, who is remembered from now on."""
        self._forget_old()
        key = (consumer.id, bound)
        if (reader := self._readers.get(key)) is None:
            reader = self._readers[key] = _Reader(consumer, bound)
            self._of_user.setdefault(consumer.user_id, set()).add(reader)
            self._rooms.begin(consumer.user_id)
        elif reader.room_ids != consumer.room_ids:
            reader.room_ids, reader.is_doubted = consumer.room_ids, True
        self._readers.move_to_end(key)
        reader.used_at = self._clock()
        reader.polls += 1
        of_session = self._of_session.setdefault(session_id, [])
        of_session.append(reader)
        try:
            yield reader
        finally:
            reader.polls -= 1
            of_session.remove(reader)
            if not of_session:
                del self._of_session[session_id]

    def _forget_old(self) -> None:
        """Forget the readers that have not polled for long, or are too many."""
        while self._readers:
            key, reader = next(iter(self._readers.items()))
            is_old = self._clock() - reader.used_at >= KEPT_SECONDS
            if reader.polls or not (is_old or len(self._readers) >= MOST_READERS):
                return
            del self._readers[key]
            mine = self._of_user[reader.user_id]
            mine.remove(reader)
            if not mine:
                del self._of_user[reader.user_id]
            self._rooms.end(reader.user_id)
