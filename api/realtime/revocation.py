"""Checks that the sessions and memberships of connections have not ended, and stores that the sessions are in use.

The feed normally reports such an end within milliseconds. This is for the times when the feed is late. Sessions and
memberships are checked again before late entries are delivered, and sessions are also checked every few seconds. So
nobody receives a room's events for long after their session or membership has ended.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from api.accounts.uses import is_stale
from api.clock import now_ms
from api.errors import Unavailable
from api.models.accounts import Session, SessionUse
from api.realtime.hub import Hub
from api.store.base.store import Store

SESSIONS_SECONDS: Final = 3.0
"""The time between two checks of sessions. With the time of the query it is below the 5 s for a revocation."""
FRESH_SECONDS: Final = 0.5
"""A check is not repeated within this time."""
MAX_KEYS: Final = 500

T = TypeVar("T")


class Revocation:
    """Checks sessions and memberships. `run` is a task for `Tasks`."""

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._checked_at = -FRESH_SECONDS

    async def run(self) -> None:
        """Check the sessions every `SESSIONS_SECONDS`, for ever."""
        while True:
            await asyncio.sleep(SESSIONS_SECONDS)
            with suppress(Unavailable):  # then the feed delivers nothing either, and reports it
                await self._note_uses(await self._check_sessions())

    async def check(self) -> None:
        """Check every session and membership that could receive events now. Raises `Unavailable`."""
        if time.monotonic() - self._checked_at < FRESH_SECONDS:
            return
        began = time.monotonic()
        await asyncio.gather(self._check_sessions(), self._check_memberships())
        self._checked_at = began

    async def _check_memberships(self) -> None:
        """End the subscriptions of users who are no longer members."""
        for subscribers in _chunks(self._hub.subscribers()):
            found = await self._store.members.get_many(subscribers)
            for room_id, user_id in subscribers:
                if (room_id, user_id) not in found:
                    self._hub.end_membership(room_id, user_id)

    async def _check_sessions(self) -> list[Session]:
        """Close the connections of sessions that have ended, and return the others."""
        going_on: list[Session] = []
        for session_ids in _chunks(self._hub.session_ids()):
            found = await self._store.sessions.get_many(session_ids)
            going_on += found.values()
            for session_id in session_ids:
                if session_id not in found:
                    self._hub.end_session(session_id)
        return going_on

    async def _note_uses(self, sessions: Sequence[Session]) -> None:
        """Store that these sessions are in use, for an open socket is a use."""
        for stale in _chunks([SessionUse(one.id) for one in sessions if is_stale(one)]):
            await self._store.sessions.use(stale, at=now_ms())


def _chunks(keys: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(keys), MAX_KEYS):
        yield list(keys[start : start + MAX_KEYS])
