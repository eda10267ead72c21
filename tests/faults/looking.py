"""Looks at what the store holds and what everybody shows when a round is over, and notes it for the checker."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx

from tests.faults.client import Account, Client
from tests.faults.history import Fields, History, What, fields_of
from tests.faults.machine import Api
from tests.faults.outbox import Position
from tests.faults.states import COMPARED

T = TypeVar("T")

PAGE: Final = 500
TRIES: Final = 200
AGAIN_SECONDS: Final = 0.1
WHOLE_SECONDS: Final = 60.0
COUNTED: Final = 4
"""The unread messages of so many users are counted."""
LOOKED_AT: Final = 3
"""The edits of so many messages of a room are read."""
LISTED: Final = 2
"""The threads, and the users who reacted, of so many messages of a room are read, and the mentions of so many users."""
LIST_PAGE: Final = 20
"""Lists are read in pages of this size, so that most have several."""
MENTION_PAGES: Final = 3
"""So much is read of what mentions a user."""


@dataclass(frozen=True)
class Bounds:
    """Where a history begins in the logs. By room."""

    floors: Mapping[str, int]
    """The last seq of before."""
    starts: Mapping[str, int]
    """The log is read after this seq, so that all that is known of the messages that clients still show is read."""

    @classmethod
    def of(cls, clients: Sequence[Client]) -> "Bounds":
        """Return where the clients are now."""
        floors: dict[str, int] = {}
        starts: dict[str, int] = {}
        for client in clients:
            for room_id in client.rooms:
                seq = client.positions[room_id].seq
                floors[room_id] = min(floors.get(room_id, seq), seq)
                first = min(client.timelines[room_id].seqs(), default=seq + 1) - 1
                starts[room_id] = min(starts.get(room_id, seq), first)
        return cls(floors, starts)


class Looker:
    """Looks for the clients of a case. It is given what it notes by all nodes."""

    def __init__(
        self, nodes: Sequence[Api], clients: Sequence[Client], rooms: Sequence[str], rng: random.Random
    ) -> None:
        self._nodes = nodes
        self._clients = clients
        self._rooms = rooms
        self._rng = rng

    @property
    def _reader(self) -> Account:
        return self._clients[0].account

    async def heads(self) -> dict[str, Position]:
        """Return the heads of the rooms' logs, from the first node that answers."""
        found: dict[str, Position] = {}
        for room_id in self._rooms:
            room = await self._ask(self._nodes, f"/rooms/{room_id}")
            found[room_id] = Position(room["epoch"], room["seq"])
        return found

    async def mark_read(self, bounds: Bounds) -> None:
        """Let some users have read up to somewhere, so that there is something to count."""
        for account in self._some_accounts(COUNTED):
            for room_id in self._rooms:
                start, floor = bounds.starts[room_id], bounds.floors[room_id]
                body = {"seq": self._rng.randint(max(1, start), max(1, floor)), "back": True}
                await self._nodes[0].ask("PUT", f"/rooms/{room_id}/read", account, json=body)

    async def look_at_the_log(self, history: History, starts: Mapping[str, int]) -> None:
        """Note the logs, as the first node that answers has them."""
        for room_id in self._rooms:
            async for entry, epoch in self._log(self._nodes, room_id, starts.get(room_id, 0)):
                history.note(What.STORED, room=room_id, epoch=epoch, **_of(entry))
            head = await self._ask(self._nodes, f"/rooms/{room_id}")
            history.note(What.HEAD, room=room_id, epoch=head["epoch"], seq=head["seq"])

    async def look_at_messages(self, history: History, starts: Mapping[str, int]) -> None:
        """Note what all clients, all nodes and a fresh client of each node make of the logs that have been noted."""
        heads = await self.heads()
        for client in self._clients:
            _note_shown(history, client)
        targets = {room_id: _targets(history, room_id) for room_id in self._rooms}
        for node in self._nodes:
            await self._follow(history, node, starts, heads)
            for room_id in self._rooms:
                await self._look_at_room(history, node, room_id, starts[room_id])
                await self._look_at_targets(history, node, room_id, targets[room_id])
            for account in self._some_accounts(LISTED):
                await self._look_at_mentions(history, node, account)
            for account in self._some_accounts(COUNTED):
                rooms = await self._ask([node], f"/rooms?ids={','.join(self._rooms)}", account)
                for room in rooms["items"]:
                    history.note(What.UNREAD, _name(node), room["id"], user=account.user_id, fields=room)

    async def _look_at_room(self, history: History, node: Api, room_id: str, start: int) -> None:
        name, path = _name(node), f"/rooms/{room_id}"
        async for entry, epoch in self._log([node], room_id, start):
            history.note(What.READ, name, room_id, epoch=epoch, **_of(entry))
        page = await self._ask([node], f"{path}/messages?limit={2 * COMPARED}")
        for message in page["items"]:
            history.note(What.PAGE, name, room_id, seq=message["seq"], fields=message)
        pins = await self._ask([node], f"{path}/pins")
        history.note(What.PINS, name, room_id, fields={"seqs": [one["seq"] for one in pins["items"]]})

    async def _look_at_targets(self, history: History, node: Api, room_id: str, targets: "Targets") -> None:
        name, path = _name(node), f"/rooms/{room_id}/messages"
        for seq in self._some(targets.changed, LOOKED_AT):
            edits = await self._ask([node], f"{path}/{seq}/edits?limit=100")
            history.note(What.EDITS, name, room_id, seq=seq, fields=edits)
        for seq in self._some(targets.roots, LISTED):
            items = await self._thread(node, f"{path}/{seq}/thread?limit={LIST_PAGE}")
            history.note(What.THREAD, name, room_id, seq=seq, fields={"items": items})
        for seq, emoji in [*targets.reactions[:1], *self._some(targets.reactions[1:], LISTED - 1)]:
            items, _ = await self._list(node, f"{path}/{seq}/reactions/{quote(emoji)}")
            history.note(What.REACTORS, name, room_id, seq=seq, fields={"emoji": emoji, "items": items})

    async def _look_at_mentions(self, history: History, node: Api, account: Account) -> None:
        items, is_whole = await self._list(node, "/mentions", account, MENTION_PAGES)
        fields = {"items": items, "is_whole": is_whole}
        history.note(What.MENTIONS, _name(node), user=account.user_id, fields=fields)

    async def _thread(self, node: Api, path: str) -> list[Fields]:
        """Return the replies of a thread, read page by page."""
        items: list[Fields] = []
        while True:
            after = items[-1]["seq"] if items else 0
            page = await self._ask([node], f"{path}&after={after}")
            items += page["items"]
            if not page["has_more"]:
                return items

    async def _list(
        self, node: Api, path: str, account: Account | None = None, most_pages: int | None = None
    ) -> tuple[list[Fields], bool]:
        """Return what a list has, read page by page, and whether that is all of it."""
        items: list[Fields] = []
        cursor = ""
        for _ in count() if most_pages is None else range(most_pages):
            page = await self._ask([node], f"{path}?limit={LIST_PAGE}{cursor}", account)
            items += page["items"]
            if page["next_cursor"] is None:
                return items, True
            cursor = f"&cursor={quote(page['next_cursor'])}"
        return items, False

    async def _follow(
        self, history: History, node: Api, starts: Mapping[str, int], heads: Mapping[str, Position]
    ) -> None:
        """Let a fresh client follow the logs from their starts."""
        client = Client(
            f"fresh at {_name(node)}",
            self._reader,
            self._rooms,
            lambda: node.ws_url,
            random.Random(self._rng.random()),
        )
        client.history = history
        client.positions = {room_id: Position(head.epoch, starts[room_id]) for room_id, head in heads.items()}
        task = asyncio.create_task(client.run())
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                await client.until_whole(heads)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        _note_shown(history, client)

    def _some_accounts(self, most: int) -> list[Account]:
        accounts = {client.account.user_id: client.account for client in self._clients}
        return self._some(list(accounts.values()), most)

    def _some(self, ones: Sequence[T], most: int) -> list[T]:
        return self._rng.sample(ones, min(most, len(ones)))

    async def _log(self, nodes: Sequence[Api], room_id: str, after: int) -> Any:
        """Yield the entries of a log with their epoch."""
        while True:
            page = await self._ask(nodes, f"/rooms/{room_id}/log?after={after}&limit={PAGE}")
            for entry in page["items"]:
                yield entry, page["epoch"]
                after = entry["seq"]
            if after >= page["seq"]:
                return

    async def _ask(self, nodes: Sequence[Api], path: str, account: Account | None = None) -> Fields:
        for _ in range(TRIES):
            for node in nodes:
                with suppress(httpx.HTTPError):  # the node is down, or not ready yet
                    answer: Fields = await node.ask("GET", path, account or self._reader)
                    return answer
                await asyncio.sleep(AGAIN_SECONDS)
        raise TimeoutError(path)


def _name(node: Api) -> str:
    return f"node {node.port}"


def _of(entry: Fields) -> Fields:
    """Return the fields of a record about an entry."""
    return {
        "seq": entry["seq"],
        "user": entry.get("user_id"),
        "ref": entry.get("ref"),
        "kind": entry["type"],
        "fields": fields_of(entry),
    }


def _note_shown(history: History, client: Client) -> None:
    for room_id in client.rooms:
        for message in client.timelines[room_id].messages()[-COMPARED:]:
            history.note(What.SHOWN, client.name, room_id, seq=message["seq"], fields=message)


@dataclass(frozen=True)
class Targets:
    """The messages of a room about which there is more than the messages themselves."""

    changed: Sequence[int]
    """Those that were edited or deleted."""
    roots: Sequence[int]
    """Those that were answered."""
    reactions: Sequence[tuple[int, str]]
    """Those to which somebody reacted, with the emoji, also where it was taken back. The most told of comes first."""


def _targets(history: History, room_id: str) -> Targets:
    """Return the targets in a log that has been noted. Of messages that are older nothing is known."""
    log = [record for record in history if record.what is What.STORED and record.room == room_id]
    seqs = {record.seq for record in log}
    entries = [(record.kind, record.fields or {}) for record in log]
    return Targets(
        changed=sorted({fields["target"] for kind, fields in entries if kind in {"edit", "delete"}}),
        roots=sorted(
            {
                fields["thread"]
                for kind, fields in entries
                if kind == "message" and fields.get("thread") in seqs
            }
        ),
        reactions=[
            reaction
            for reaction, _ in Counter(
                (fields["target"], fields["emoji"])
                for kind, fields in entries
                if kind == "reaction" and fields["target"] in seqs
            ).most_common()
        ],
    )
