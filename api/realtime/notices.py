"""Tells connections that rooms without a subscription have new messages, so that their clients ask for these rooms.

A notice is made from the growth of a room's log, which the feed tells of every room. It goes to those who are known to
be members of the room by what the feed has told before, and is stored nowhere.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from api.errors import Unavailable
from api.limits.spacing import Spacing
from api.models.changes import Grown
from api.protocol.events import encode
from api.protocol.signal_events import notice_event
from api.realtime.connection import Connection
from api.realtime.hub import Hub
from api.store.base.blocks import BlockStore
from api.store.base.members import MemberStore

SPACING_SECONDS: Final = 1.0
"""A connection is given at most one notice of a room in this time."""
TICK_SECONDS: Final = 0.5
"""Notices that had to wait are given up to this much later."""
MAX_USERS: Final = 50
"""The rooms of this many users are asked for together."""


class Notices:
    """Makes notices. `run` is a task for `Tasks`, which asks for the rooms of users and tells what had to wait."""

    def __init__(
        self,
        members: MemberStore,
        blocks: BlockStore,
        hub: Hub,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._members = members
        self._blocks = blocks
        self._hub = hub
        self._rooms = hub.user_rooms
        self._clock = clock
        self._spacing: Spacing[str, Grown] = Spacing(SPACING_SECONDS, _merged)
        self._unheard: dict[str, Grown] = {}  # by room: what has grown while some users' rooms were unknown
        self._called: dict[
            str, Grown
        ] = {}  # by room: what mentions everybody, until it is known whom it does not
        self._is_wanted = asyncio.Event()
        self.offer_count = 0
        hub.listeners.append(self)

    async def run(self) -> None:
        """Ask for what is unknown, and tell what is due, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._is_wanted.wait()
            self._is_wanted.clear()
            with suppress(Unavailable):  # it is asked again after the next tick
                await self.learn()
                await self.tell_all()
            self.tell_due()

    async def learn(self) -> None:
        """Ask for the rooms of all users of whom they are unknown. Raises `Unavailable`."""
        while asked := self._rooms.unknown(MAX_USERS):
            rooms = await self._members.rooms_of(list(asked))
            for user_id in self._rooms.learn(asked, rooms):
                # What has grown meanwhile is told to the whole room, or now or later within the spacing.
                for room_id in self._unheard.keys() & self._rooms.rooms_of(user_id):
                    self._put(self._unheard[room_id])
        self._unheard.clear()

    async def tell_all(self) -> None:
        """Tell what mentions everybody, but for those who have blocked its author. Raises `Unavailable`."""
        while self._called:
            asked = frozenset[str]().union(*(grown.callers for grown in self._called.values()))
            blockers = await self._blocks.blockers_of([*asked])
            for room_id in [room_id for room_id, grown in self._called.items() if grown.callers <= asked]:
                self._give(self._called.pop(room_id), blockers)

    def tell_due(self) -> None:
        """Tell what has waited for long enough."""
        for _, grown in self._spacing.due(self._clock()):
            self._tell(grown)

    # -- called by the feed

    def wake(self, grown: Grown) -> None:
        """Take note of a room that has grown."""
        if not grown.messages:
            return
        if not self._rooms.is_complete:
            before = self._unheard.get(grown.room_id)
            self._unheard[grown.room_id] = grown if before is None else _merged(before, grown)
        if self._rooms.users_of(grown.room_id):
            self._put(grown)

    def compare(self) -> None:
        """Take note that memberships may have changed that nobody has told of."""
        self._rooms.doubt()
        self._is_wanted.set()

    # -- called by the hub

    def added(self, _connection: Connection) -> None:
        """Take note of a new connection."""
        if not self._rooms.is_complete:
            self._is_wanted.set()

    def removed(self, _connection: Connection) -> None:
        """Do nothing: the hub knows who is connected."""

    def _put(self, grown: Grown) -> None:
        told = self._spacing.put(grown.room_id, grown, self._clock())
        if told is not None:
            self._tell(told)

    def _tell(self, grown: Grown) -> None:
        if grown.callers:
            before = self._called.get(grown.room_id)
            self._called[grown.room_id] = grown if before is None else _merged(before, grown)
            self._is_wanted.set()
        else:
            self._give(grown, {})

    def _give(self, grown: Grown, blockers: Mapping[str, frozenset[str]]) -> None:
        room_id, callers = grown.room_id, grown.callers
        plain, mentioning = (encode(notice_event(grown, mention=mention)) for mention in (False, True))
        for user_id in self._rooms.users_of(room_id):
            is_called = any(user_id != one and user_id not in blockers.get(one, ()) for one in callers)
            is_mentioned = is_called or user_id in grown.mentioned
            frames = mentioning if is_mentioned else plain
            for connection in self._hub.connections_reaching(user_id, room_id):
                if room_id not in connection.rooms:
                    connection.offer(frames)
                    self.offer_count += 1


def _merged(before: Grown, grown: Grown) -> Grown:
    """Return two growths of a room as one."""
    if before.epoch != grown.epoch:
        return grown
    return replace(
        grown,
        seq=max(before.seq, grown.seq),
        messages=before.messages + grown.messages,
        mentioned=before.mentioned | grown.mentioned,
    )
