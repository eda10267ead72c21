"""Messages on their way: each is sent under its ref until it has an answer, in each room one after the other."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from tailwire_client.drafts import Draft, Drafts
from tailwire_client.errors import (
    BrokenContract,
    Closed,
    Problem,
    RateLimited,
    Unavailable,
    Unreachable,
)
from tailwire_client.pace import Pace

log = logging.getLogger("tailwire_client")


@dataclass(frozen=True)
class Sent:
    """A message that is stored. `epoch` is None where the server did not say it: over HTTP it does not."""

    ref: str
    room_id: str
    seq: int
    at: datetime
    epoch: str | None = None


Carry = Callable[[Draft], Awaitable[Sent]]
"""Sends a message once. Raises what the server answered, or Unreachable."""


class Outbox:
    """Takes messages and sends them in order. `drafts` keep what has no ack when it is closed, for the next time."""

    def __init__(self, carry: Carry, drafts: Drafts, pace: Pace) -> None:
        self._carry = carry
        self._drafts = drafts
        self._pace = pace
        self._rooms: dict[str, deque[tuple[Draft, asyncio.Future[Sent]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._adding = asyncio.Lock()
        self._end: Exception | None = None

    @property
    def waiting(self) -> tuple[Draft, ...]:
        """What has no ack yet."""
        return tuple(draft for room in self._rooms.values() for draft, _ in room)

    async def begin(self) -> None:
        """Send what had no ack when the program ended."""
        for draft in await self._drafts.load():
            self._enqueue(draft)

    async def send(self, draft: Draft) -> Sent:
        """Send a message and wait until it is stored.

        Raises Problem where the server refuses it for good, and Ended or Closed where it may be stored or not: it
        stays in the drafts. Whoever stops waiting does not take it back.
        """
        async with self._adding:  # in the order of the calls, also where a disk is slow
            self._check()
            await self._drafts.add(draft)
            self._check()  # it may have ended meanwhile
            sent = self._enqueue(draft)
        return await sent

    async def close(self) -> None:
        """Send nothing more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fail(Closed("The client was closed before the message had an ack"))

    def _check(self) -> None:
        if self._end is not None:
            raise self._end

    def _enqueue(self, draft: Draft) -> asyncio.Future[Sent]:
        sent: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        sent.add_done_callback(_looked_at)
        room = self._rooms.setdefault(draft.room_id, deque())
        room.append((draft, sent))
        if len(room) == 1:
            task = asyncio.create_task(self._empty(draft.room_id), name="tailwire outbox")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return sent

    async def _empty(self, room_id: str) -> None:
        """Send what waits for a room, the oldest first, each until it has its answer."""
        room = self._rooms[room_id]
        try:
            while room:
                await self._settle(*room[0])
                room.popleft()
        except Exception as failure:  # noqa: BLE001 - a session that ended, or drafts that cannot be written
            self._fail(failure)
        else:
            del self._rooms[room_id]

    async def _settle(self, draft: Draft, sent: asyncio.Future[Sent]) -> None:
        """Tell whoever waits for a message that it is stored, or why not. Raises what ends the outbox."""
        try:
            ack = await self._deliver(draft)
        except Problem as refusal:
            log.warning("a message was refused: %s", refusal)
            await self._drafts.remove(draft.ref)
            if not sent.done():
                sent.set_exception(refusal)
        else:
            await self._drafts.remove(draft.ref)
            if not sent.done():
                sent.set_result(ack)

    async def _deliver(self, draft: Draft) -> Sent:
        tries = 0
        while True:
            try:
                return await self._carry(draft)
            except (RateLimited, Unavailable) as later:
                wait = (later.retry_after_seconds or 0.0) + self._pace.wait(tries)
            except (Unreachable, BrokenContract) as failure:
                log.debug("a message has no ack: %s", failure)
                wait = self._pace.wait(tries)
            tries += 1
            await asyncio.sleep(wait)

    def _fail(self, error: Exception) -> None:
        """Tell all who wait that nothing more is sent."""
        self._end = error
        for room in self._rooms.values():
            for _, sent in room:
                if not sent.done():
                    sent.set_exception(error)


def _looked_at(sent: asyncio.Future[Sent]) -> None:
    """Take the error of a message for which nobody waits, such as one of the run before: it was logged."""
    if not sent.cancelled():
        sent.exception()
