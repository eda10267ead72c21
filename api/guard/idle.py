"""Connections to other servers that wait to be used again."""

import ssl
from collections import deque
from contextlib import suppress
from typing import Final

import httpcore

MAX_IDLE: Final = 500
"""So many connections wait to be used again. Beyond that the one that has waited longest is closed."""

FAILURES: Final = (
    *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpcore.UnsupportedProtocol),
    ssl.SSLError,
)
"""What httpcore raises where a connection fails, or its peer breaks the protocol."""


class IdleConnections:
    """Connections that wait to be used again."""

    def __init__(self) -> None:
        # The origins, and the connections of each, stand in the order in which they were used last.
        self._of: dict[tuple[bytes, bytes, int], deque[httpcore.AsyncHTTPConnection]] = {}
        self._count = 0

    async def take(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection | None:
        """Return a connection that can be used; None if there is none."""
        while self._of.get(_key(origin)):
            connection = self._pop(_key(origin), newest=True)
            if connection.is_available() and not connection.has_expired():
                return connection
            await end_connection(connection)
        return None

    async def put(self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection if it can be used again, and close it otherwise. Closes those that have waited too long."""
        if connection.is_idle() and not connection.is_closed():
            waiting = self._of.pop(_key(origin), deque())
            waiting.append(connection)
            self._of[_key(origin)] = waiting
            self._count += 1
        else:
            await end_connection(connection)
        while self._count and (self._count > MAX_IDLE or self._oldest().has_expired()):
            await end_connection(self._pop(next(iter(self._of))))

    async def close(self) -> None:
        """Close all."""
        while self._count:
            await end_connection(self._pop(next(iter(self._of))))

    def _oldest(self) -> httpcore.AsyncHTTPConnection:
        return next(iter(self._of.values()))[0]

    def _pop(self, key: tuple[bytes, bytes, int], *, newest: bool = False) -> httpcore.AsyncHTTPConnection:
        waiting = self._of[key]
        connection = waiting.pop() if newest else waiting.popleft()
        self._count -= 1
        if not waiting:
            del self._of[key]
        return connection


async def end_connection(connection: httpcore.AsyncHTTPConnection) -> None:
    """Close a connection, whatever state it is in."""
    with suppress(*FAILURES, OSError):
        await connection.aclose()


def _key(origin: httpcore.Origin) -> tuple[bytes, bytes, int]:
    return origin.scheme, origin.host, origin.port
