"""A reader whose position the server keeps: everything in order, after any absence."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from tailwire_client.drafts import Draft
from tailwire_client.entries import Entry, MessageEntry, entry_of, is_entry
from tailwire_client.errors import Invalid
from tailwire_client.events import Event, Reset, event_of
from tailwire_client.outbox import Sent
from tailwire_client.pace import Pace
from tailwire_client.shape import read
from tailwire_client.web import Web, given, items_of, path

WAIT_SECONDS: Final = 30
"""How long the server holds a request for which there is nothing yet. It allows no more."""
LIMIT: Final = 100
"""The entries of a page."""
REF_CHARACTERS: Final = 64
"""The longest ref."""

Start = Literal["beginning", "now"]


@dataclass(frozen=True)
class ConsumerState:
    """A consumer as the server keeps it. `lag` is how many entries it has not acknowledged yet."""

    name: str
    start: str
    created_at: datetime
    lag: int
    room_ids: tuple[str, ...] | None = None
    acked_at: datetime | None = None


class Consumer:
    """Yields entries: `async for entry in consumer`. `Client.consumer` makes it.

    In each room entries come in order without holes. An entry counts as handled when the next one is asked for, and is
    acknowledged with the others of its page; one that was not comes again. What is no entry is a `Reset`, a
    `Membership` or `Unknown`. Iterate it once at a time.
    """

    def __init__(
        self,
        web: Web,
        send: Callable[[Draft], Awaitable[Sent]],
        name: str,
        *,
        room_ids: Iterable[str] | None,
        start: Start,
        pace: Pace,
    ) -> None:
        self.name = name
        self._web = web
        self._send = send
        self._body = given(room_ids=None if room_ids is None else list(room_ids), start=start)
        self._pace = pace

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events()

    async def answer(self, entry: Entry, body: str, *, as_reply: bool = False) -> Sent:
        """Send a message to the room of an entry: once, however often the entry comes and the program crashes.

        A second answer to the same entry with another body raises RefConflict. `as_reply` makes it a reply to the
        entry, which has to be a message.
        """
        reply_to = entry.seq if as_reply and isinstance(entry, MessageEntry) else None
        epoch = None if reply_to is None else entry.epoch
        return await self._send(Draft(self.ref_of(entry), entry.room_id, body, reply_to, epoch))

    def ref_of(self, entry: Entry) -> str:
        """Return the ref of an answer to an entry: `consumer:room:seq`, or a digest of it where it is too long."""
        ref = f"{self.name}:{entry.room_id}:{entry.seq}"
        if len(ref) <= REF_CHARACTERS:
            return ref
        return hashlib.sha256(ref.encode()).hexdigest()

    async def state(self) -> ConsumerState:
        """Return the consumer as the server keeps it."""
        return read(ConsumerState, await self._web.get(path("consumers", self.name)))

    async def delete(self) -> None:
        """End the consumer. Its position is forgotten."""
        await self._web.call("DELETE", path("consumers", self.name))

    async def _events(self) -> AsyncIterator[Event]:
        await self._ask("PUT", body=self._body)
        epochs: dict[str, str] = {}
        tries = 0
        while True:
            query = {"wait": WAIT_SECONDS, "limit": LIMIT}
            page = await self._ask("GET", "entries", query=query, wait_seconds=WAIT_SECONDS)
            for item in items_of(page):
                event = _event(item)
                if (reset := _reset_before(event, epochs)) is not None:
                    yield reset
                yield event
            token = page.get("token")
            if token is None:
                continue
            try:
                await self._ask("POST", "ack", body={"token": token}, is_safe=True)
                tries = 0
            except Invalid as refusal:
                if refusal.code != "bad_cursor":
                    raise
                # The server was restored, so it gives the page again.
                await asyncio.sleep(self._pace.wait(tries))
                tries += 1

    async def _ask(self, method: str, *what: str, **more: Any) -> Any:
        return await self._web.call(method, path("consumers", self.name, *what), for_ever=True, **more)


def _event(item: Mapping[str, Any]) -> Event:
    if item["type"] == "reset":
        return Reset(item["room_id"], item["epoch"], item["seq"])
    return entry_of(item, item["epoch"]) if is_entry(item) else event_of(item)


def _reset_before(event: Event, epochs: dict[str, str]) -> Reset | None:
    """Return the reset that the server has not told, and note the epoch of the room.

    A server that was restored to before the first ack of a consumer begins again, and does not know what it has given.
    """
    if not isinstance(event, Entry | Reset):
        return None
    before = epochs.get(event.room_id)
    epochs[event.room_id] = event.epoch
    if isinstance(event, Reset) or before in {None, event.epoch}:
        return None
    return Reset(event.room_id, event.epoch, event.seq - 1)
