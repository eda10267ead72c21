"""Looks at every connection once a second: who has heard nothing for long, and whose token ends. And at the memory.

One task for all of them, for a timer or a task each would be most of what an idle socket costs.
"""

import asyncio
from typing import Final

import structlog

from api.clock import now_ms
from api.limits.memory import Memory
from api.protocol.close_codes import CloseCode
from api.protocol.events import encode, expiring_event, heartbeat_event
from api.realtime.connection import Connection
from api.realtime.hub import Hub

BEAT_SECONDS: Final = 1.0
EXPIRING_MS: Final = 60_000
EXPIRY_GRACE_MS: Final = 25_000
"""A client that renews at the last moment, over a slow link, is not cut off."""

log = structlog.get_logger("api.pulse")


class Pulse:
    """See the module. `run` is a task; its owner is the lifespan."""

    def __init__(self, hub: Hub, memory: Memory, *, heartbeat_seconds: int) -> None:
        self._hub = hub
        self._memory = memory
        self._silent_beats = int(heartbeat_seconds / BEAT_SECONDS)

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                self._memory.look()
                self.beat(now_ms())
            except Exception:
                # A bug must not end the heartbeats of every client: say so loudly and go on.
                log.exception("pulse_failed")

    def beat(self, now: int) -> None:
        """Give a heartbeat to whom has been silent, warn whose token ends, close whose token has ended."""
        heartbeat = encode(heartbeat_event(now))
        for connection in self._hub.connections():
            connection.silent_beats += 1
            if connection.silent_beats >= self._silent_beats:
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
