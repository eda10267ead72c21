"""Checks all connections once a second: sends `heartbeat` events, handles expiring tokens, and measures memory.

One task serves all connections, because a timer or a task for each would be most of the cost of an idle socket.
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
"""A connection is closed this long after its token expired, so that a client on a slow link can still renew it."""


class Heartbeats:
    """Checks all connections once a second. `run` is a task for `Tasks`."""

    def __init__(self, hub: Hub, memory: Memory, *, heartbeat_seconds: int) -> None:
        self._hub = hub
        self._memory = memory
        self._idle_ticks = int(heartbeat_seconds / TICK_SECONDS)

    async def run(self) -> None:
        """Measure the memory and call `tick` once a second, for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._memory.measure()
            self.tick(now_ms())

    def tick(self, now: int) -> None:
        """Send heartbeats to idle connections, warn of tokens that expire soon, and close where they have expired."""
        heartbeat = encode(heartbeat_event(now))
        for connection in self._hub.connections():
            connection.idle_ticks += 1
            if connection.idle_ticks >= self._idle_ticks:
                connection.offer(heartbeat)
            expires_at = connection.identity.expires_at
            if expires_at is not None and expires_at - now <= EXPIRING_MS:
                self._expire(connection, expires_at, expires_at - now)

    def _expire(self, connection: Connection, expires_at: int, left: int) -> None:
        if left <= -EXPIRY_GRACE_MS:
            connection.close(CloseCode.UNAUTHORIZED)
        elif connection.warned_of != expires_at:
            connection.warned_of = expires_at
            connection.enqueue(encode(expiring_event(expires_at)))
