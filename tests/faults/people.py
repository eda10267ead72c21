"""Users who ask two nodes at once, and what comes to them."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx

from tests.faults.checker import outsiders
from tests.faults.ear import Ear, Heard, listening
from tests.faults.history import History, What
from tests.faults.machine import Api
from tests.faults.secrecy import HERE_SECONDS, OUT_SECONDS
from tests.node import Event, Node, Person, http_client, is_entry

LATE_SECONDS: Final = 0.01
"""What is raced begins within this time."""
ASK_SECONDS: Final = 30.0


class People:
    """Users who ask either of two nodes. `people` makes it."""

    def __init__(self, nodes: Sequence[Node], persons: Sequence[Person], stack: AsyncExitStack) -> None:
        self.nodes = nodes
        self.persons = persons
        self._stack = stack
        self._doors: dict[tuple[str, int], httpx.AsyncClient] = {}

    async def at(self, side: int, person: Person) -> httpx.AsyncClient:
        """Return a client with which a person asks the node `side`."""
        key = (person.id, side)
        if key not in self._doors:
            token = {"Authorization": f"Bearer {person.access_token}"}
            client = http_client(self.nodes[side].url, headers=token, timeout=ASK_SECONDS)
            self._doors[key] = await self._stack.enter_async_context(client)
        return self._doors[key]

    async def ask(
        self, side: int, person: Person, method: str, path: str, body: Event | None = None
    ) -> httpx.Response:
        """Let a person ask the node `side`."""
        return await (await self.at(side, person)).request(method, path, json=body)

    async def room(self, owner: Person, visibility: str = "private") -> str:
        """Make a room."""
        made = await self.ask(0, owner, "POST", "/rooms", {"name": "Den", "visibility": visibility})
        return str(made.raise_for_status().json()["id"])

    async def add(self, owner: Person, room_id: str, person: Person, role: str = "member") -> None:
        """Let the owner of a room add somebody."""
        path = f"/rooms/{room_id}/members/{person.id}"
        (await self.ask(0, owner, "PUT", path, {"role": role})).raise_for_status()

    async def logs(self, room_id: str, reader: Person) -> list[list[Event]]:
        """Return the log of a room, as each node has it."""
        path = f"/rooms/{room_id}/log?limit=500"
        answers = [await self.ask(side, reader, "GET", path) for side in (0, 1)]
        return [answer.raise_for_status().json()["items"] for answer in answers]

    async def members(self, room_id: str, reader: Person) -> list[set[str]]:
        """Return the members of a room, as each node has them."""
        path = f"/rooms/{room_id}/members"
        answers = [await self.ask(side, reader, "GET", path) for side in (0, 1)]
        return [{one["user_id"] for one in answer.raise_for_status().json()["items"]} for answer in answers]


@asynccontextmanager
async def people(nodes: Sequence[Api], count: int) -> AsyncIterator[People]:
    """Sign up some users."""
    async with AsyncExitStack() as stack:
        theirs = [Node(node.url) for node in nodes]
        persons = [await theirs[0].sign_up(f"p{number}") for number in range(count)]
        for one in theirs[0].clients:
            stack.push_async_callback(one.aclose)
        yield People(theirs, persons, stack)


async def raced(
    rng: random.Random, acts: Iterable[Awaitable[Any]], seconds: float = LATE_SECONDS
) -> list[Any]:
    """Do everything within `seconds`, in any order. Return what came of it, in the order of `acts`."""

    async def later(act: Awaitable[Any], late: float) -> Any:
        await asyncio.sleep(late)
        return await act

    return await asyncio.gather(*(later(one, rng.choice((0, rng.uniform(0, seconds)))) for one in acts))


class Witnessed:
    """The sockets of some people on both nodes, and the history of what comes to them from one room."""

    def __init__(self, room_id: str) -> None:
        self.room_id = room_id
        self.history = History()
        self.told: dict[str, Event] = {}
        """The `membership` that ended it, by client."""
        self._told_at = self._out_at = 0.0
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def listening(self, all_of_them: People, person: Person) -> AsyncIterator[list[Ear]]:
        """Let somebody listen at both nodes."""
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(
                    listening(person, node, self._hears(f"{person.username} at {side}"))
                )
                for side, node in enumerate(all_of_them.nodes)
            ]

    def _hears(self, name: str) -> Heard:
        def heard(event: Event) -> None:
            if event.get("room_id") != self.room_id:
                return
            if is_entry(event):
                self.history.note(What.RECEIVE, name, self.room_id, seq=event["seq"], kind=event["type"])
            elif event["type"] == "membership" and event["role"] is None:
                self.told[name] = event
                self._told_at = time.monotonic()
                self.history.note(What.OUT, name, self.room_id, grace=0.0)
                self._changed.set()

        return heard

    def is_out(self, person: Person, *, side: int) -> None:
        """Note that somebody is out of the room, by an answer of the node `side`. The other may be late."""
        self._out_at = time.monotonic()
        for other in (0, 1):
            grace = HERE_SECONDS if other == side else OUT_SECONDS
            self.history.note(What.OUT, f"{person.username} at {other}", self.room_id, grace=grace)

    async def all_told(self, person: Person) -> float:
        """Wait until both sockets of a member have been told that it is over.

        Return how much later than the answer all were that have been told. Raises `TimeoutError`.
        """
        async with asyncio.timeout(4 * OUT_SECONDS):
            while not {f"{person.username} at {side}" for side in (0, 1)} <= self.told.keys():
                self._changed.clear()
                await self._changed.wait()
        return max(0.0, self._told_at - self._out_at)

    def leaks(self) -> list[str]:
        """Return what has come to somebody who was out."""
        return [str(violation) for violation in outsiders(self.history)]
