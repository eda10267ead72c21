"""Messages as they are now: history, changes, reactions, pins, threads, mentions."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tailwire_client.entries import Entry, ShownAs, entry_of
from tailwire_client.errors import BrokenContract
from tailwire_client.files import File
from tailwire_client.position import Position
from tailwire_client.shape import read, read_all
from tailwire_client.web import Web, given, items_of, path

PAGE = 50
"""The messages of a page where the caller does not say."""


@dataclass(frozen=True)
class Reaction:
    """How many users reacted with one emoji, and the first 20 of them."""

    emoji: str
    count: int
    user_ids: tuple[str, ...]


@dataclass(frozen=True)
class LinkPreview:
    """What the page behind a link says of itself. `url` is the link as it stands in the text of the message."""

    url: str
    title: str
    description: str = ""
    site_name: str = ""
    picture: File | None = None


@dataclass(frozen=True)
class Message:
    """A message as it is now, after its edits, deletion, reactions and pins. A deleted one has an empty body.

    `epoch` is the life of the room's numbering to which its seq belongs, or None where the server did not say it.
    """

    room_id: str
    seq: int
    at: datetime
    user_id: str
    username: str
    body: str
    ref: str | None = None
    reply_to: int | None = None
    thread: int | None = None
    edited_at: datetime | None = None
    deleted: bool = False
    pinned: bool = False
    reactions: tuple[Reaction, ...] = ()
    reply_count: int = 0
    last_reply_at: datetime | None = None
    mentions: tuple[str, ...] = ()
    mentions_all: bool = False
    is_bot: bool = False
    shown_as: ShownAs | None = None
    files: tuple[File, ...] = ()
    previews: tuple[LinkPreview, ...] = ()
    epoch: str | None = None


@dataclass(frozen=True)
class Page:
    """Messages of a room, oldest first. Whether there are more before and after is None where it was not asked."""

    items: tuple[Message, ...]
    epoch: str
    has_more_before: bool | None = None
    has_more_after: bool | None = None


@dataclass(frozen=True)
class Edit:
    """A body that a message had, or was given."""

    seq: int
    at: datetime
    user_id: str
    username: str
    body: str


@dataclass(frozen=True)
class Edits:
    """The edits of a message, oldest first, and what was sent at first. A deleted message has none, and no original."""

    original: Edit | None
    items: tuple[Edit, ...]
    has_more: bool


@dataclass(frozen=True)
class Reactor:
    """Who has reacted, and when."""

    user_id: str
    username: str
    at: datetime


class Messages:
    """`Client.messages`. Give the `epoch` of a seq wherever you know it: after a restore it is refused then.

    What changes a message raises NotFound where there is none, Deleted where it was deleted before, and Restored under
    another epoch. All of it may be repeated.
    """

    def __init__(self, web: Web) -> None:
        self._web = web

    async def newest(self, room_id: str, limit: int = PAGE) -> Page:
        """Return the newest messages of a room."""
        return await self._page(room_id, limit)

    async def before(self, room_id: str, seq: int, limit: int = PAGE) -> Page:
        """Return the messages before a seq, those that are nearest to it."""
        return await self._page(room_id, limit, before=seq)

    async def after(self, room_id: str, seq: int, limit: int = PAGE) -> Page:
        """Return the messages after a seq, those that are nearest to it."""
        return await self._page(room_id, limit, after=seq)

    async def around(self, room_id: str, seq: int, limit: int = PAGE) -> Page:
        """Return the page that has this seq in its middle."""
        return await self._page(room_id, limit, around=seq)

    async def history(self, room_id: str) -> AsyncIterator[Message]:
        """Yield all messages of a room, newest first. Raises BrokenContract where it is restored meanwhile."""
        page = await self.newest(room_id)
        epoch = page.epoch
        while True:
            for message in reversed(page.items):
                yield message
            if not page.has_more_before or not page.items:
                return
            page = await self.before(room_id, page.items[0].seq)
            if page.epoch != epoch:
                raise BrokenContract("The room was restored while it was read: begin again")

    async def log(self, room_id: str, since: Position | None = None) -> AsyncIterator[Entry]:
        """Yield all entries of a room after a position, oldest first, to the end of its log as it is when asked.

        Without a position it begins with the first. Raises Restored where the position is of another epoch.
        """
        after, epoch = (0, None) if since is None else (since.seq, since.epoch)
        while True:
            query = {"after": after, "limit": 500, "epoch": epoch}
            page = await self._web.get(path("rooms", room_id, "log"), query)
            items = items_of(page)
            epoch = str(page["epoch"])
            for item in items:
                yield entry_of(item, epoch)
                after = int(item["seq"])
            if not items or after >= page["seq"]:
                return

    async def get(self, room_id: str, seq: int) -> Message:
        """Return one message."""
        return read(Message, await self._web.get(path("rooms", room_id, "messages", seq)))

    async def edit(
        self, room_id: str, seq: int, body: str, *, ref: str | None = None, epoch: str | None = None
    ) -> Message:
        """Give your own message another body."""
        place = path("rooms", room_id, "messages", seq)
        fields = given(body=body, ref=ref, epoch=epoch)
        return self._changed(await self._web.call("PATCH", place, body=fields, is_safe=True), epoch)

    async def delete(self, room_id: str, seq: int, *, epoch: str | None = None) -> None:
        """Delete a message, also from where it was before."""
        place = path("rooms", room_id, "messages", seq)
        await self._web.call("DELETE", place, query={"epoch": epoch})

    async def edits(self, room_id: str, seq: int, *, after: int = 0, limit: int = PAGE) -> Edits:
        """Return the edits of a message after a seq."""
        place = path("rooms", room_id, "messages", seq, "edits")
        return read(Edits, await self._web.get(place, {"after": after, "limit": limit}))

    async def thread(self, room_id: str, seq: int) -> AsyncIterator[Message]:
        """Yield the replies below a message, oldest first."""
        after = 0
        while True:
            place = path("rooms", room_id, "messages", seq, "thread")
            page = await self._web.get(place, {"after": after, "limit": 100})
            for message in read_all(Message, page["items"], epoch=page["epoch"]):
                yield message
                after = message.seq
            if not page["has_more"]:
                return

    async def react(self, room_id: str, seq: int, emoji: str, *, epoch: str | None = None) -> Message:
        """React to a message with an emoji."""
        return await self._put(room_id, seq, "reactions", emoji, epoch=epoch)

    async def unreact(self, room_id: str, seq: int, emoji: str, *, epoch: str | None = None) -> Message:
        """Take a reaction back."""
        return await self._put(room_id, seq, "reactions", emoji, epoch=epoch, method="DELETE")

    def reactors(self, room_id: str, seq: int, emoji: str) -> AsyncIterator[Reactor]:
        """Yield who has reacted with an emoji, in that order."""
        return self._web.pages(Reactor, path("rooms", room_id, "messages", seq, "reactions", emoji))

    async def pin(self, room_id: str, seq: int, *, epoch: str | None = None) -> Message:
        """Pin a message in its room."""
        return await self._put(room_id, seq, "pin", epoch=epoch)

    async def unpin(self, room_id: str, seq: int, *, epoch: str | None = None) -> Message:
        """Unpin a message."""
        return await self._put(room_id, seq, "pin", epoch=epoch, method="DELETE")

    async def remove_previews(self, room_id: str, seq: int, *, epoch: str | None = None) -> Message:
        """Take away the previews of links in a message, so that none come any more."""
        return await self._put(room_id, seq, "previews", epoch=epoch, method="DELETE")

    async def pins(self, room_id: str) -> tuple[Message, ...]:
        """Return the pinned messages of a room, that which was pinned last first."""
        return read_all(Message, items_of(await self._web.get(path("rooms", room_id, "pins"))))

    def mentions(self) -> AsyncIterator[Message]:
        """Yield the messages of others that mention you, newest first, of all your rooms."""
        return self._web.pages(Message, "/mentions")

    def search(self, q: str, *, room_id: str | None = None) -> AsyncIterator[Message]:
        """Yield the messages that you search for, newest first, of all your rooms or of one.

        docs/protocol.md, *Search*, says what `q` may be. Raises Invalid for what cannot be understood.
        """
        return self._web.pages(Message, "/search", {"q": q, "room_id": room_id})

    async def read_up_to(
        self, room_id: str, seq: int, *, epoch: str | None = None, back: bool = False
    ) -> None:
        """Say that you have read everything up to a seq; with `back` also where you had read further."""
        body = given(seq=seq, epoch=epoch, back=back or None)
        await self._web.call("PUT", path("rooms", room_id, "read"), body=body)

    async def report(self, room_id: str, seq: int, reason: str, *, epoch: str | None = None) -> None:
        """Report a message to the administrators. Reporting it again changes nothing."""
        place = path("rooms", room_id, "messages", seq, "report")
        await self._web.call("POST", place, body=given(reason=reason, epoch=epoch), is_safe=True)

    async def _page(self, room_id: str, limit: int, **where: int) -> Page:
        page = await self._web.get(path("rooms", room_id, "messages"), {"limit": limit, **where})
        items = read_all(Message, items_of(page), epoch=page["epoch"])
        if "around" in where:
            return Page(items, page["epoch"], page["has_more_before"], page["has_more_after"])
        if "after" in where:
            return Page(items, page["epoch"], has_more_after=page["has_more"])
        return Page(items, page["epoch"], has_more_before=page["has_more"])

    async def _put(
        self, room_id: str, seq: int, *what: str, epoch: str | None, method: str = "PUT"
    ) -> Message:
        place = path("rooms", room_id, "messages", seq, *what)
        return self._changed(await self._web.call(method, place, query={"epoch": epoch}), epoch)

    @staticmethod
    def _changed(fields: Any, epoch: str | None) -> Message:
        return read(Message, fields, epoch=epoch)
