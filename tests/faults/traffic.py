"""Many clients that talk in a few rooms while a case breaks something; their history is checked."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import httpx

from tests.faults.checker import check
from tests.faults.client import Account, Client, Position
from tests.faults.history import History, What
from tests.faults.machine import Api

PAGE: Final = 500
WHOLE_SECONDS: Final = 90.0
"""Clients that are not whole after this time are broken, not slow."""


class Traffic:
    """The clients of a case. `traffic` makes it."""

    def __init__(
        self, nodes: Sequence[Api], clients: Sequence[Client], rooms: Sequence[str], rng: random.Random
    ) -> None:
        self.nodes = nodes
        self.clients = list(clients)
        self.rooms = rooms
        self.history = History()
        self._rng = rng

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[list[str]]:
        """Keep a history of the block and check it at the end. The yielded list then holds the violations."""
        violations: list[str] = []
        self.begin()
        yield violations
        await self.whole()
        await self._look_at_the_store()
        violations += map(str, check(self.history))

    def begin(self) -> None:
        """Begin a new history at the current positions of all clients."""
        self.history = History()
        floors: dict[str, int] = {}
        for client in self.clients:
            client.history = self.history
            client.close_codes.clear()
            for room_id in client.rooms:
                position = client.positions[room_id]
                self.history.note(
                    What.SUBSCRIBE, client.name, room_id, epoch=position.epoch, seq=position.seq
                )
                floors[room_id] = min(floors.get(room_id, position.seq), position.seq)
        for room_id, seq in floors.items():
            self.history.note(What.FLOOR, room=room_id, seq=seq)

    @asynccontextmanager
    async def flowing(
        self,
        per_second: float = 50,
        senders: Sequence[Client] | None = None,
        body: Callable[[], str] | None = None,
    ) -> AsyncIterator[None]:
        """Send messages during the block."""
        task = asyncio.create_task(self._flow(per_second, senders or self.clients, body))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def whole(self) -> float:
        """Wait until every message is acked and every client has everything; return how long that took."""
        began = time.monotonic()
        async with asyncio.timeout(WHOLE_SECONDS):
            while True:
                await asyncio.gather(*(client.until_whole() for client in self.clients))
                heads = await self.heads()
                await asyncio.gather(*(client.until_whole(heads) for client in self.clients))
                if not any(client.pending for client in self.clients if not client.is_gone):
                    break
        for client in self.clients:
            for room_id in client.rooms:
                if not client.is_gone:
                    self.history.note(What.WHOLE, client.name, room_id, seq=heads[room_id].seq)
        return time.monotonic() - began

    async def heads(self) -> dict[str, Position]:
        """Return the heads of the rooms' logs, from the first node that answers."""
        found: dict[str, Position] = {}
        for room_id in self.rooms:
            room = await self._ask("GET", f"/rooms/{room_id}")
            found[room_id] = Position(room["epoch"], room["seq"])
        return found

    async def _ask(self, method: str, path: str) -> dict[str, Any]:
        for _ in range(200):
            for node in self.nodes:
                with suppress(httpx.HTTPError):  # the node is down, or not ready yet
                    answer: dict[str, Any] = await node.ask(method, path, self.clients[0].account)
                    return answer
                await asyncio.sleep(0.1)
        raise TimeoutError(path)

    async def _flow(
        self, per_second: float, senders: Sequence[Client], body: Callable[[], str] | None
    ) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        count = 0
        while True:
            client = self._rng.choice(senders)
            if client.rooms:
                client.send(self._rng.choice(client.rooms), body and body())
            count += 1
            await asyncio.sleep(max(0, begin + count / per_second - loop.time()))

    async def _look_at_the_store(self) -> None:
        floors = {record.room: record.seq or 0 for record in self.history if record.what is What.FLOOR}
        for room_id in self.rooms:
            after = floors.get(room_id, 0)
            while True:
                page = await self._ask("GET", f"/rooms/{room_id}/log?after={after}&limit={PAGE}")
                for entry in page["items"]:
                    self.history.note(
                        What.STORED,
                        room=room_id,
                        epoch=page["epoch"],
                        seq=entry["seq"],
                        user=entry.get("user_id"),
                        ref=entry.get("ref"),
                        body=entry.get("body"),
                    )
                    after = entry["seq"]
                if after >= page["seq"]:
                    break
            self.history.note(What.HEAD, room=room_id, epoch=page["epoch"], seq=page["seq"])


@asynccontextmanager
async def traffic(
    nodes: Sequence[Api],
    rng: random.Random,
    *,
    clients: int = 50,
    rooms: int = 5,
    people: int = 10,
    alone: bool = False,
    url: Callable[[int], str] | None = None,
) -> AsyncIterator[Traffic]:
    """Let `people` make rooms and follow all of them with `clients` sockets, spread over the nodes.

    With `alone` each client follows only one of the rooms, in turn. `url` returns where the n-th client connects.
    Without it a client connects to the next node at each attempt.
    """
    accounts = [await nodes[0].sign_up(f"p{rng.randrange(2**40):x}") for _ in range(min(people, clients))]
    room_ids = [await _room(nodes[0], f"Room {number}", accounts) for number in range(rooms)]

    def address(number: int) -> Callable[[], str]:
        if url is not None:
            return lambda: url(number)
        turns = itertools.cycle([*nodes[number % len(nodes) :], *nodes[: number % len(nodes)]])
        return lambda: next(turns).ws_url

    made = [
        Client(
            f"c{n}",
            accounts[n % len(accounts)],
            [room_ids[n % rooms]] if alone else room_ids,
            address(n),
            random.Random(rng.random()),
        )
        for n in range(clients)
    ]
    tasks = [asyncio.create_task(client.run(), name=client.name) for client in made]
    try:
        async with asyncio.timeout(WHOLE_SECONDS):
            await asyncio.gather(*(client.until_live() for client in made))
        yield Traffic(nodes, made, room_ids, rng)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _room(node: Api, name: str, accounts: Sequence[Account]) -> str:
    made = await node.ask("POST", "/rooms", accounts[0], json={"name": name, "visibility": "public"})
    room_id = str(made["id"])
    for account in accounts[1:]:
        await node.ask("POST", f"/rooms/{room_id}/join", account)
    return room_id
