"""Webhooks: addresses to which what is written to a room is posted."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tailwire_client.shape import read, read_all
from tailwire_client.web import Web, given, items_of, path


@dataclass(frozen=True)
class Replay:
    """The entries that are sent once more, before the webhook goes on."""

    epoch: str
    from_seq: int
    to_seq: int


@dataclass(frozen=True)
class Webhook:
    """A webhook. `kinds` are the kinds of entries that it is sent, or None for all; `state` is an open set of names.

    `url` is None for who does not manage the room. `secret` signs what is sent; it is told once, when it is made.
    """

    webhook_id: str
    room_id: str
    host: str
    made_by: str
    created_at: datetime
    state: str
    url: str | None = field(default=None, repr=False)
    kinds: tuple[str, ...] | None = None
    paused_by: str | None = None
    waiting_since: datetime | None = None
    next_attempt_at: datetime | None = None
    attempts: int = 0
    last_status: int | None = None
    replay: Replay | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RenewedSecret:
    """A new secret, told once. The one before it signs until `earlier_until`, too."""

    secret: str = field(repr=False)
    earlier_until: datetime


@dataclass(frozen=True)
class Delivery:
    """One attempt to send an entry, or an entry that was given up. `status` is None where no answer came."""

    delivery_id: str
    type: str
    epoch: str
    seq: int
    at: datetime
    attempt: int
    outcome: str
    milliseconds: int
    status: int | None = None


class Webhooks:
    """`Client.webhooks`. Owners of a room make, change and end its webhooks."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def create(
        self, room_id: str, url: str, *, kinds: Iterable[str] | None = None, paused: bool = False
    ) -> Webhook:
        """Make a webhook, which begins with what is new. Without `kinds` it is sent all entries."""
        body = {"url": url, "kinds": _list(kinds), "paused": paused}
        return read(Webhook, await self._web.call("POST", _place(room_id), body=body))

    async def of(self, room_id: str) -> tuple[Webhook, ...]:
        """Return the webhooks of a room, oldest first, without their secrets."""
        return read_all(Webhook, items_of(await self._web.get(_place(room_id))))

    async def paused(self) -> tuple[Webhook, ...]:
        """Return the webhooks that you have made in rooms that you own, and that the server has paused."""
        return read_all(Webhook, items_of(await self._web.get(path("users", "me", "webhooks", "paused"))))

    async def change(
        self, room_id: str, webhook_id: str, *, url: str | None = None, paused: bool | None = None
    ) -> Webhook:
        """Give a webhook another address, pause it, or let it go on from where it stands."""
        return await self._change(room_id, webhook_id, given(url=url, paused=paused))

    async def choose(self, room_id: str, webhook_id: str, kinds: Iterable[str] | None) -> Webhook:
        """Choose the kinds of entries that a webhook is sent, or all by None."""
        return await self._change(room_id, webhook_id, {"kinds": _list(kinds)})

    async def renew_secret(self, room_id: str, webhook_id: str) -> RenewedSecret:
        """Make a new secret."""
        return read(RenewedSecret, await self._web.call("POST", _place(room_id, webhook_id, "secret")))

    async def end(self, room_id: str, webhook_id: str) -> None:
        """End a webhook."""
        await self._web.call("DELETE", _place(room_id, webhook_id))

    def deliveries(self, room_id: str, webhook_id: str, *, dead: bool = False) -> AsyncIterator[Delivery]:
        """Yield the latest attempts of a webhook, newest first, or the entries that were given up as `dead`."""
        return self._web.pages(Delivery, _place(room_id, webhook_id, "deliveries"), {"dead": dead})

    async def replay(
        self,
        room_id: str,
        webhook_id: str,
        from_seq: int,
        to_seq: int | None = None,
        *,
        epoch: str | None = None,
    ) -> Replay:
        """Send entries once more, up to `to_seq` or up to the last that was sent."""
        body = given(from_seq=from_seq, to_seq=to_seq, epoch=epoch)
        place = _place(room_id, webhook_id, "replay")
        return read(Replay, await self._web.call("POST", place, body=body))

    async def _change(self, room_id: str, webhook_id: str, body: dict[str, Any]) -> Webhook:
        answer = await self._web.call("PATCH", _place(room_id, webhook_id), body=body, is_safe=True)
        return read(Webhook, answer)


def _place(room_id: str, *rest: str) -> str:
    return path("rooms", room_id, "webhooks", *rest)


def _list(kinds: Iterable[str] | None) -> list[str] | None:
    return None if kinds is None else list(kinds)
