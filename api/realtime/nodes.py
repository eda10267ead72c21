"""Tells the other nodes through the store how this one is, and knows from there how they are."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from api.clock import now_ms
from api.errors import Unavailable
from api.limits.memory import Memory
from api.models.followers import LeaseState
from api.models.nodes import Node, NodeState
from api.realtime.admission import Admission
from api.realtime.hub import Hub
from api.store.base.store import Store

SAY_SECONDS: Final = 10.0
"""A node says this often how it is. What others know of it is at most so old."""
SAY_SOON_SECONDS: Final = 1.0
"""A node whose feed is not live says this often how it is."""
LEAVE_SECONDS: Final = 1.0
"""A node that ends waits at most this long to say so. Then the others see that it was not heard of."""


class FeedReading(Protocol):
    """The state of the feed."""

    is_live: bool
    lag_ms: int

    def silent_seconds(self) -> float:
        """Return the seconds since the feed last received anything."""


class TaskReading(Protocol):
    """The state of one task that runs as long as the server does."""

    name: str

    @property
    def is_well(self) -> bool:
        """Whether the task runs, and has not been restarted again and again."""


class FollowerReading(Protocol):
    """A follower, and how far it has come, if this process runs it."""

    name: str

    @property
    def lag(self) -> int:
        """The number of entries that it has still to handle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """The parts of a node that know how it is. `leases` returns 1 for each that this process holds."""

    version: str
    hub: Hub
    admission: Admission
    memory: Memory
    feed: FeedReading
    tasks: Sequence[TaskReading]
    followers: Sequence[FollowerReading]
    leases: Callable[[], Mapping[str, int]]
    clock_skew_ms: Callable[[], int]


class Nodes:
    """This node and the others on its database. `run` is a task for `Tasks`; the caller must `close` it."""

    def __init__(self, store: Store, parts: NodeParts) -> None:
        self._store = store
        self._parts = parts
        self._id = secrets.token_urlsafe(16)
        self._started_at = now_ms()

    async def run(self) -> None:
        """Say every `SAY_SECONDS` how this node is, for ever. While the store is away nobody hears it.

        A node without a live feed has just started, or will soon be well again: it says so more often.
        """
        while True:
            with suppress(Unavailable):
                await self._store.nodes.say(self._id, self._state())
            await asyncio.sleep(SAY_SECONDS if self._parts.feed.is_live else SAY_SOON_SECONDS)

    async def all(self) -> list[Node]:
        """Return this node as it is now, and then the others as they were when they were last heard of.

        While the store is away, only this node is known.
        """
        own = Node(self._id, self._state(), 0)
        with suppress(Unavailable):
            return [own, *(node for node in await self._store.nodes.all() if node.id != self._id)]
        return [own]

    async def leases(self) -> list[LeaseState]:
        """Return the leases of all nodes, or none while the store is away."""
        with suppress(Unavailable):
            return await self._store.leases.all()
        return []

    async def close(self) -> None:
        """Let the other nodes forget this one."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._store.nodes.leave(self._id)

    def _state(self) -> NodeState:
        parts = self._parts
        held = [name for name, count in parts.leases().items() if count]
        return NodeState(
            host=socket.gethostname(),
            process=os.getpid(),
            version=parts.version,
            started_at=self._started_at,
            connections=parts.hub.connection_count,
            sockets=parts.admission.open_count,
            subscriptions=parts.hub.subscription_count,
            rooms=len(parts.hub.positions()),
            feed_is_live=parts.feed.is_live,
            lag_ms=parts.feed.lag_ms,
            silent_ms=round(1000 * parts.feed.silent_seconds()),
            memory_is_short=parts.memory.is_short,
            clock_skew_ms=parts.clock_skew_ms(),
            ailing=tuple(task.name for task in parts.tasks if not task.is_well),
            leases=tuple(held),
            followers={one.name: one.lag for one in parts.followers if one.name in held},
        )
