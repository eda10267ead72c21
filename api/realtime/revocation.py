"""Looks again whether those who are connected still may be.

The feed tells of the end of a session or of a membership within milliseconds. This is for when it is late: what a
feed brings late is looked at again before it is delivered, and sessions are looked at now and then whatever the
feed says. So nobody is shown anything for long after what they were shown it by has ended.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from api.errors import Unavailable
from api.realtime.hub import Hub
from api.store.base.store import Store

SESSIONS_SECONDS: Final = 3.0
"""How often sessions are looked at: with a question's time, inside the 5 s that a revocation may take."""
FRESH_SECONDS: Final = 0.5
"""A look this recent counts for what is delivered now."""
MAX_KEYS: Final = 500

T = TypeVar("T")


class Revocation:
    """See the module. `run` is a task for `Tasks`."""

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._checked_at = -FRESH_SECONDS

    async def run(self) -> None:
        """Look at the sessions every `SESSIONS_SECONDS`, for ever."""
        while True:
            await asyncio.sleep(SESSIONS_SECONDS)
            with suppress(Unavailable):  # then nothing new can be delivered either, and the feed says so
                await self._check_sessions()

    async def check(self) -> None:
        """Look at every session and membership that something could be delivered to now. Raises `Unavailable`."""
        if time.monotonic() - self._checked_at < FRESH_SECONDS:
            return
        began = time.monotonic()
        await self._check_sessions()
        for places in _chunks(self._hub.places()):
            found = await self._store.members.get_many(places)
            for place in places:
                if place not in found:
                    self._hub.end_membership(*place)
        self._checked_at = began

    async def _check_sessions(self) -> None:
        for session_ids in _chunks(self._hub.session_ids()):
            found = await self._store.sessions.get_many(session_ids)
            for session_id in session_ids:
                if session_id not in found:
                    self._hub.end_session(session_id)


def _chunks(keys: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(keys), MAX_KEYS):
        yield list(keys[start : start + MAX_KEYS])
