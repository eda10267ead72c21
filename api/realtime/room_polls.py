"""Lets readers of one room wait for its next messages. While a poll waits it has no part of the store.

A poll that is woken reads the room's history again, so its reader is given what they may read then, and nothing of what
the feed told.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from api.accounts.identity import Identity
from api.errors import EpochChanged
from api.limits.answers import Answers
from api.limits.poll_slots import PollSlots
from api.models.changes import Grown
from api.models.log import History
from api.realtime.hub import Hub
from api.realtime.waiting import Ends, StillAllowed, ended_by, is_woken
from api.rooms.messages import MessageService

_NOTHING_YET: Final = 0


@dataclass(eq=False, slots=True)
class _Wait:
    """One poll that waits."""

    room_id: str
    session_id: str
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class RoomPolls:
    """Gives readers the next messages of a room, or lets them wait for some. It is told of each room that grows."""

    def __init__(
        self,
        messages: MessageService,
        hub: Hub,
        answers: Answers,
        slots: PollSlots,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._messages = messages
        self._answers = answers
        self._slots = slots
        self._clock = clock
        self._by_room: dict[str, set[_Wait]] = {}
        self._by_session: dict[str, set[_Wait]] = {}
        hub.on_session_ended.append(self._end_session)

    async def next_messages(  # noqa: PLR0913  what a poll says
        self,
        reader: Identity,
        room_id: str,
        *,
        after: int | None,
        epoch: str | None,
        limit: int,
        wait_seconds: float,
        gone: Ends,
        still_allowed: StillAllowed,
        answering: AsyncExitStack,
    ) -> History:
        """Return the messages after a seq, or wait for some, for `wait_seconds` at most. None means: after the last.

        `gone` returns when the client has gone or the server is ending, which ends the waiting. `still_allowed` raises
        when the token does not count any more. The answer is counted among those under way until `answering` ends.
        Raises `EpochChanged` if `epoch` is given and is not the room's, what reading the history raises, `RateLimited`,
        and `Overloaded`.
        """
        until = self._clock() + wait_seconds
        with self._slots.taken(reader.user.id), self._waiting(room_id, reader.session_id) as woken:
            if after is None:
                last = await self._messages.history(room_id, reader.user.id, before=None, after=None, limit=1)
                after = last.items[-1].seq if last.items else _NOTHING_YET
            async with ended_by(gone, woken) as ended:
                while True:
                    woken.clear()
                    history = await self._read(reader.user.id, room_id, after, limit, answering)
                    if epoch is not None and history.epoch != epoch:
                        raise EpochChanged
                    if history.items or ended.done() or not await is_woken(woken, until - self._clock()):
                        return history
                    await still_allowed()

    async def _read(
        self, user_id: str, room_id: str, after: int, limit: int, answering: AsyncExitStack
    ) -> History:
        """Read on. An answer with messages is counted until it has been sent, and one without is not kept waiting."""
        async with AsyncExitStack() as answer:
            await answer.enter_async_context(self._answers.under_way(user_id))
            history = await self._messages.history(room_id, user_id, before=None, after=after, limit=limit)
            if history.items:
                answering.push_async_exit(answer.pop_all())
        return history

    @contextmanager
    def _waiting(self, room_id: str, session_id: str) -> Iterator[asyncio.Event]:
        wait = _Wait(room_id, session_id)
        places = ((self._by_room, room_id), (self._by_session, session_id))
        for waits, name in places:
            waits.setdefault(name, set()).add(wait)
        try:
            yield wait.woken
        finally:
            for waits, name in places:
                waits[name].remove(wait)
                if not waits[name]:
                    del waits[name]

    # -- called by the feed and the hub

    def wake(self, grown: Grown) -> None:
        """Take note of a room that has grown."""
        for wait in self._by_room.get(grown.room_id, ()):
            wait.woken.set()

    def compare(self) -> None:
        """Take note that rooms may have grown that nobody has told of."""
        for waits in self._by_room.values():
            for wait in waits:
                wait.woken.set()

    def _end_session(self, session_id: str) -> None:
        """Wake the polls of a session that has ended, so that they find that their token does not count any more."""
        for wait in self._by_session.get(session_id, ()):
            wait.woken.set()
