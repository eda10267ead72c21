"""The client: everything else hangs on it."""

import ssl
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Self

import httpx

from tailwire_client.absence import Absence
from tailwire_client.account import Account
from tailwire_client.admin import Admin
from tailwire_client.avatars import Avatars
from tailwire_client.consumer import Consumer, Start
from tailwire_client.credentials import Credentials, ProgramToken
from tailwire_client.drafts import Draft, Drafts, MemoryDrafts
from tailwire_client.errors import Closed
from tailwire_client.events import Event
from tailwire_client.files import Files
from tailwire_client.hooks import Hooks
from tailwire_client.invites import Invites
from tailwire_client.members import Members
from tailwire_client.messages import Message, Messages
from tailwire_client.outbox import Outbox, Sent
from tailwire_client.pace import Pace
from tailwire_client.position import Position
from tailwire_client.positions import MemoryPositions, Positions
from tailwire_client.rooms import Rooms
from tailwire_client.shape import read
from tailwire_client.stream import Stream
from tailwire_client.tokens import Bots, Tokens
from tailwire_client.track import Track
from tailwire_client.version import USER_AGENT
from tailwire_client.web import PATIENCE_SECONDS, Web, given, path
from tailwire_client.webhooks import Webhooks

TIMEOUT_SECONDS: Final = 30.0
"""A request that has no answer after so long counts as lost."""


class Client:
    """A client of one server, as one user. Use it with `async with`.

    `url` is the address of the server. `credentials` are the token of a program, `twt_...`, or a `Session`. `drafts`
    keep messages without an ack over a restart. Requests are tried again for `patience_seconds`; messages, streams and
    consumers for ever. `tls` is for servers whose certificate the system does not know. With `trust_env` the proxies of
    the environment are used.
    """

    def __init__(
        self,
        url: str,
        credentials: str | Credentials,
        *,
        drafts: Drafts | None = None,
        pace: Pace | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        tls: ssl.SSLContext | None = None,
        trust_env: bool = True,
    ) -> None:
        address = httpx.URL(url)
        if address.scheme not in {"http", "https"} or not address.host:
            raise ValueError("the address of a server begins with http:// or https://")
        self._socket_url = f"{url.rstrip('/').replace('http', 'ws', 1)}/ws/messages"
        self._pace = Pace() if pace is None else pace
        self._tls = tls
        self._trust_env = trust_env
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            timeout=TIMEOUT_SECONDS,
            verify=True if tls is None else tls,
            trust_env=trust_env,
            headers={"User-Agent": USER_AGENT},
        )
        shown = ProgramToken(credentials) if isinstance(credentials, str) else credentials
        self._web = Web(self._http, shown, self._pace, patience_seconds)
        self._outbox = Outbox(self._carry, MemoryDrafts() if drafts is None else drafts, self._pace)
        self._streams: set[Stream] = set()
        self._is_closed = False
        self.account = Account(self._web)
        self.admin = Admin(self._web)
        self.avatars = Avatars(self._web)
        self.bots = Bots(self._web)
        self.files = Files(self._web, self._pace)
        self.hooks = Hooks(self._web)
        self.invites = Invites(self._web)
        self.members = Members(self._web)
        self.messages = Messages(self._web)
        self.rooms = Rooms(self._web)
        self.tokens = Tokens(self._web)
        self.webhooks = Webhooks(self._web)

    async def __aenter__(self) -> Self:
        """Send what the run before has left in the drafts."""
        await self._outbox.begin()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all streams and requests. Messages without an ack stay in the drafts."""
        self._is_closed = True
        await self._outbox.close()
        for stream in list(self._streams):
            await stream.aclose()
        await self._http.aclose()

    async def send(
        self,
        room_id: str,
        body: str,
        *,
        reply_to: int | None = None,
        epoch: str | None = None,
        ref: str | None = None,
        files: Iterable[str] = (),
    ) -> Sent:
        """Send a message, and return when the server has stored it: once, however often it had to be sent.

        Messages to a room are stored in the order of the calls. `epoch` is that of `reply_to`. `files` are the ids of
        up to 10 files that were uploaded to the room. `ref` names the message for ever: a second one under the same is
        not stored. Raises Problem where the server refuses it.
        """
        return await self._send(
            Draft(uuid.uuid4().hex if ref is None else ref, room_id, body, reply_to, epoch, tuple(files))
        )

    @property
    def waiting(self) -> tuple[Draft, ...]:
        """The messages that have no ack yet."""
        return self._outbox.waiting

    def events(self, *room_ids: str, positions: Positions | None = None) -> Stream:
        """Return the events of these rooms, or without one of all rooms of the user, also of those that they join.

        It begins with what is new, or in rooms that have one at their position in `positions`, which are kept as events
        are handled. Each stream has a socket of its own; close it, or the client, when you are done.
        """
        if self._is_closed:
            raise Closed("The client is closed")
        stream = Stream(
            self._web,
            self._socket_url,
            room_ids or None,
            MemoryPositions() if positions is None else positions,
            self._pace,
            tls=self._tls,
            trust_env=self._trust_env,
            ended=self._streams.discard,
        )
        self._streams.add(stream)
        return stream

    def missed(self, positions: Mapping[str, Position], *, others: bool = True) -> AsyncIterator[Event]:
        """Yield what has changed in your rooms since these positions, by one request for up to 500 rooms.

        It is what a stream from there would bring before `Live`, the room with the newest entry first. Of rooms in
        which nothing has changed there is nothing. With `others` it is also told where your other rooms stand.
        """
        tracks = {room_id: Track(room_id, position) for room_id, position in positions.items()}
        return Absence(self._web, tracks).events(others=others)

    def consumer(
        self, name: str, *, room_ids: Iterable[str] | None = None, start: Start = "beginning"
    ) -> Consumer:
        """Return the reader of this name, whose position the server keeps, of all rooms of the user or of these.

        `start` says where it begins in a room that it does not know: at the `beginning`, or with what is new `now`.
        """
        return Consumer(self._web, self._send, name, room_ids=room_ids, start=start, pace=self._pace)

    async def server(self) -> dict[str, Any]:
        """Return what the server says of itself: `name`, `version`, `signup`, `features`, `limits`."""
        fields: dict[str, Any] = await self._web.get("/server")
        return fields

    async def _send(self, draft: Draft) -> Sent:
        return await self._outbox.send(draft)

    async def _carry(self, draft: Draft) -> Sent:
        """Send a message over an open socket, else over HTTP. Under its ref both are the same message."""
        files = list(draft.files) or None
        fields = given(
            ref=draft.ref, body=draft.body, reply_to=draft.reply_to, epoch=draft.epoch, files=files
        )
        for stream in self._streams:
            if stream.is_open:
                ack = await stream.call({"type": "send", "room_id": draft.room_id, **fields})
                return Sent(
                    draft.ref, ack["room_id"], ack["seq"], datetime.fromisoformat(ack["at"]), ack["epoch"]
                )
        message = read(
            Message, await self._web.once("POST", path("rooms", draft.room_id, "messages"), body=fields)
        )
        return Sent(draft.ref, message.room_id, message.seq, message.at)
