"""Looks at every connection once a second, for idle ones and for tokens that end; and at the memory.

One task for all of them, for a timer or a task each would be most of what an idle socket costs.
"""

import asyncio
from typing import Final

from api.clock import now_ms
from api.limits.memory import Memory
from api.protocol.close_codes import CloseCode
from api.protocol.events import encode, expiring_event, heartbeat_event
from api.realtime.connection import Connection
from api.realtime.hub import Hub

TICK_SECONDS: Final = 1.0
EXPIRING_MS: Final = 60_000
EXPIRY_GRACE_MS: Final = 25_000
"""A client that renews at the last moment, over a slow link, is not cut off."""


class Heartbeats:
    """See the module. `run` is a task for `Tasks`."""

    def __init__(self, hub: Hub, memory: Memory, *, heartbeat_seconds: int) -> None:
        self._hub = hub
        self._memory = memory
        self._idle_ticks = int(heartbeat_seconds / TICK_SECONDS)

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._memory.measure()
            self.tick(now_ms())

    def tick(self, now: int) -> None:
        """Send a heartbeat to idle connections; warn those whose token ends, close those whose token has ended."""
        heartbeat = encode(heartbeat_event(now))
        for connection in self._hub.connections():
            connection.idle_ticks += 1
            if connection.idle_ticks >= self._idle_ticks:
                connection.offer(heartbeat)
            left = connection.identity.expires_at - now
            if left <= EXPIRING_MS:
                self._expire(connection, left)

    def _expire(self, connection: Connection, left: int) -> None:
        expires_at = connection.identity.expires_at
        if left <= -EXPIRY_GRACE_MS:
            connection.close(CloseCode.UNAUTHORIZED)
        elif connection.warned_of != expires_at:
            connection.warned_of = expires_at
            connection.enqueue(encode(expiring_event(expires_at)))
