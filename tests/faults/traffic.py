"""Many clients that talk in a few rooms while a case breaks something; their history is checked."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpx

from tests.faults.checker import check
from tests.faults.client import Account, Client
from tests.faults.history import History, What
from tests.faults.looking import Bounds, Looker
from tests.faults.machine import Api
from tests.faults.mixing import Mix
from tests.faults.outbox import Position
from tests.faults.web import Web

WHOLE_SECONDS: Final = 90.0
"""Clients that are not whole after this time are broken, not slow."""


class Traffic:
    """The clients of a case. `traffic` makes it. With `mix` they also change messages."""

    def __init__(
        self,
        nodes: Sequence[Api],
        clients: Sequence[Client],
        rooms: Sequence[str],
        rng: random.Random,
        mix: Mix | None = None,
    ) -> None:
        self.nodes = nodes
        self.clients = list(clients)
        self.rooms = rooms
        self.history = History()
        self.mix = mix
        self._rng = rng
        self._looker = Looker(nodes, clients, rooms, rng)
        self._bounds = Bounds({}, {})

    @asynccontextmanager
    async def watched(self, *, has_begun: bool = False) -> AsyncIterator[list[str]]:
        """Keep a history of the block and check it at the end. The yielded list then holds the violations.

        With `has_begun` it goes on with the history that `begin` has made.
        """
        violations: list[str] = []
        if not has_begun:
            self.begin()
            if self.mix is not None:
                await self._looker.mark_read(self._bounds)
        yield violations
        await self.look()
        violations += map(str, check(self.history))

    async def look(self) -> None:
        """End the history: note what is stored and shown, as soon as all are whole."""
        await self.whole()
        await self._looker.look_at_the_log(self.history, self._bounds.starts)
        if self.mix is not None:
            await self._looker.look_at_messages(self.history, self._bounds.starts)

    def bounds(self) -> Bounds:
        """Return where the clients are now."""
        return Bounds.of(self.clients)

    def begin(self, bounds: Bounds | None = None) -> None:
        """Begin a new history at the current positions of all clients, or at `bounds` when the store is set back."""
        self.history = History()
        self._bounds = bounds or self.bounds()
        for client in self.clients:
            client.history = self.history
            client.close_codes.clear()
            for room_id in client.rooms:
                position = client.positions[room_id]
                self.history.note(
                    What.SUBSCRIBE, client.name, room_id, epoch=position.epoch, seq=position.seq
                )
        for room_id, seq in self._bounds.floors.items():
            self.history.note(What.FLOOR, room=room_id, seq=seq)

    @asynccontextmanager
    async def flowing(
        self,
        per_second: float = 50,
        senders: Sequence[Client] | None = None,
        body: Callable[[], str] | None = None,
        rooms: Sequence[str] | None = None,
    ) -> AsyncIterator[None]:
        """Send messages during the block, or whatever the mix has; in these rooms, or in all."""
        task = asyncio.create_task(self._flow(per_second, senders or self.clients, body, rooms or self.rooms))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def whole(self) -> float:
        """Wait until every command is answered and every client has everything; return how long that took.

        Raises `TimeoutError`, which says who is not.
        """
        began = time.monotonic()
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                while True:
                    await asyncio.gather(*(client.until_whole() for client in self.clients))
                    heads = await self.heads()
                    await asyncio.gather(*(client.until_whole(heads) for client in self.clients))
                    if not any(client.pending for client in self.clients if not client.is_gone):
                        break
        except TimeoutError:
            states = [
                f"{client.name} is live in {len(client.live)}, waits for {list(client.pending.values())[:2]}"
                for client in self.clients
                if client.pending or not client.is_live
            ]
            raise TimeoutError("; ".join(states)) from None
        for client in self.clients:
            for room_id in client.rooms:
                if not client.is_gone:
                    self.history.note(What.WHOLE, client.name, room_id, seq=heads[room_id].seq)
        return time.monotonic() - began

    async def heads(self) -> dict[str, Position]:
        """Return the heads of the rooms' logs, from the first node that answers."""
        return await self._looker.heads()

    async def post(self, node: Api, room_id: str, ref: str) -> None:
        """Write a message over HTTP at one node, and note it as others."""
        account = self.clients[0].account
        fields = {"body": f"body of {ref}"}
        entry = {"user": account.user_id, "ref": ref, "kind": "message", "fields": fields}
        self.history.note(What.INVOKE, "post", room_id, **entry)
        made = await node.ask("POST", f"/rooms/{room_id}/messages", account, json=fields | {"ref": ref})
        self.history.note(What.ACK, "post", room_id, seq=made["seq"], **entry)

    async def is_used(self, node: Api, room_id: str, ref: str) -> bool:
        """Whether a node refuses a ref in this room, because it stands for something in another."""
        body = {"ref": ref, "body": f"body of {ref}"}
        try:
            await node.ask("POST", f"/rooms/{room_id}/messages", self.clients[0].account, json=body)
        except httpx.HTTPStatusError as error:
            return bool(error.response.json()["code"] == "ref_conflict")
        return False

    async def _flow(
        self,
        per_second: float,
        senders: Sequence[Client],
        body: Callable[[], str] | None,
        rooms: Sequence[str],
    ) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        count = 0
        while True:
            client = self._rng.choice(senders)
            mine = [room_id for room_id in client.rooms if room_id in rooms]
            if mine and self.mix is not None:
                self.mix.step(client, self._rng.choice(mine))
            elif mine:
                client.send(self._rng.choice(mine), body and body())
            count += 1
            await asyncio.sleep(max(0, begin + count / per_second - loop.time()))


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
    mixed: bool = False,
) -> AsyncIterator[Traffic]:
    """Let `people` make rooms and follow all of them with `clients` sockets, spread over the nodes.

    With `alone` each client follows only one of the rooms, in turn. `url` returns where the n-th client connects.
    Without it a client connects to the next node at each attempt. With `mixed` they also change
    messages, over both roads.
    """
    accounts = [await nodes[0].sign_up(f"p{rng.randrange(2**40):x}") for _ in range(min(people, clients))]
    room_ids = [await _room(nodes[0], f"Room {number}", accounts) for number in range(rooms)]

    def address(number: int) -> Callable[[], str]:
        if url is not None:
            return lambda: url(number)
        turns = itertools.cycle([*nodes[number % len(nodes) :], *nodes[: number % len(nodes)]])
        return lambda: next(turns).ws_url

    def web(number: int) -> Web | None:
        turns = itertools.cycle([*nodes[number % len(nodes) :], *nodes[: number % len(nodes)]])
        token = accounts[number % len(accounts)].access_token
        return Web(lambda: next(turns).url, token) if mixed else None

    webs = [web(n) for n in range(clients)]
    made = [
        Client(
            f"c{n}",
            accounts[n % len(accounts)],
            [room_ids[n % rooms]] if alone else room_ids,
            address(n),
            random.Random(rng.random()),
            web=webs[n],
        )
        for n in range(clients)
    ]
    tasks = [asyncio.create_task(client.run(), name=client.name) for client in made]
    try:
        async with asyncio.timeout(WHOLE_SECONDS):
            await asyncio.gather(*(client.until_live() for client in made))
        mix = (
            Mix(accounts[0].user_id, [one.username for one in accounts], random.Random(rng.random()))
            if mixed
            else None
        )
        yield Traffic(nodes, made, room_ids, rng, mix)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(one.close() for one in webs if one is not None))


async def _room(node: Api, name: str, accounts: Sequence[Account]) -> str:
    made = await node.ask("POST", "/rooms", accounts[0], json={"name": name, "visibility": "public"})
    room_id = str(made["id"])
    for account in accounts[1:]:
        await node.ask("POST", f"/rooms/{room_id}/join", account)
    return room_id
