"""Exports everything that a user wrote and owns, record by record, without holding all of it in memory."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from api.errors import NotFound, Unauthorized
from api.models.accounts import Session, User
from api.models.attachments import Attachment
from api.models.consumers import Consumer
from api.models.invites import Invite
from api.models.log import Entry, Kind
from api.models.moderation import Report
from api.models.page import items_of
from api.models.rooms import Member, RoomView, is_told
from api.store.base.store import Store

PAGE: Final = 100
LINE_BYTES: Final = 192 * 1024
"""A line has at least so many bytes of a file, but for the last one of it: 256 KiB in base64."""


@dataclass(frozen=True, slots=True)
class OwnMembership:
    """A room as the user sees it, and their membership of it."""

    view: RoomView
    member: Member


@dataclass(frozen=True, slots=True)
class OwnBlock:
    """A user whom the user has blocked."""

    blocked: User


@dataclass(frozen=True, slots=True)
class OwnBot:
    """A bot that belongs to the user."""

    bot: User


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file that the user has uploaded. Its bytes follow."""

    file: Attachment


@dataclass(frozen=True, slots=True)
class FileBytes:
    """Some bytes of a file, from `offset` on."""

    file_id: str
    offset: int
    data: bytes


Exported: TypeAlias = (
    OwnBot
    | User
    | Session
    | OwnMembership
    | Invite
    | OwnBlock
    | Report
    | Consumer
    | OwnFile
    | FileBytes
    | Entry
)
ReadFile: TypeAlias = Callable[[str, int, int], AsyncGenerator[bytes]]
"""Yields the bytes of a file from one place up to another. Raises `NotFound` where they are not all there."""


async def export(
    store: Store, user: User, session_id: str, read_file: ReadFile | None
) -> AsyncIterator[Exported]:
    """Yield the account, its sessions, tokens, bots, memberships, invites, blocks, reports, consumers, files, entries.

    Raises `Unauthorized` when the session that asked for the export has ended, and `Unavailable`.
    """
    yield user
    async for access in _accesses(store, user.id):
        yield access
    async for membership in _memberships(store, user.id):
        yield membership
    async for own in _made(store, user.id):
        yield own
    async for part in _files(store, user.id, session_id, read_file):
        yield part
    async for entry in _entries(store, user.id, session_id):
        yield entry


async def _require(store: Store, session_id: str) -> None:
    if await store.sessions.get(session_id) is None:
        raise Unauthorized


async def _entries(store: Store, user_id: str, session_id: str) -> AsyncIterator[Entry]:
    cursor: str | None = None
    while True:
        await _require(store, session_id)
        page = await store.erasure.entries_of(user_id, cursor=cursor, limit=PAGE)
        rooms = await store.log.heads(list({entry.room_id for entry in page.items}))
        for entry in page.items:
            # Else the room was deleted, and is not taken away yet.
            if entry.room_id in rooms and _is_known(entry):
                yield entry
        if (cursor := page.next_cursor) is None:
            return


async def _files(
    store: Store, user_id: str, session_id: str, read_file: ReadFile | None
) -> AsyncIterator[OwnFile | FileBytes]:
    async for file in items_of(partial(store.attachments.of_user, user_id), limit=PAGE):
        await _require(store, session_id)
        yield OwnFile(file)
        if read_file is not None and file.is_whole:
            async for some in _bytes(read_file, file):
                yield some


def _is_known(entry: Entry) -> bool:
    """Say whether a user may know of an entry of theirs. Of the rooms of others there are entries about them, too."""
    return entry.kind != Kind.MEMBER or is_told(entry.room_id, entry.data.get("role"), entry.data.get("was"))


async def _accesses(store: Store, user_id: str) -> AsyncIterator[Session | OwnBot]:
    for session in await store.sessions.of_user(user_id):
        yield session
    async for bot in items_of(partial(store.accounts.bots_of, user_id), limit=PAGE):
        yield OwnBot(bot.user)
        for token in await store.sessions.of_user(bot.user.id):
            yield token


async def _memberships(store: Store, user_id: str) -> AsyncIterator[OwnMembership]:
    cursor: str | None = None
    while True:
        page = await store.rooms.of_user(user_id, cursor=cursor, limit=PAGE)
        found = await store.members.get_many([(view.room.id, user_id) for view in page.items])
        for view in page.items:
            if (member := found.get((view.room.id, user_id))) is not None and not view.is_untold:
                yield OwnMembership(view, member)
        if (cursor := page.next_cursor) is None:
            return


async def _bytes(read_file: ReadFile, file: Attachment) -> AsyncIterator[FileBytes]:
    """Yield the bytes of a file. Of one that was removed, or damaged, only those that are there."""
    offset, waiting = 0, bytearray()
    try:
        async with aclosing(read_file(file.id, 0, file.size)) as chunks:
            async for chunk in chunks:
                waiting += chunk
                if len(waiting) >= LINE_BYTES:
                    yield FileBytes(file.id, offset, bytes(waiting))
                    offset, waiting = offset + len(waiting), bytearray()
    except NotFound:
        pass
    if waiting:
        yield FileBytes(file.id, offset, bytes(waiting))


async def _made(store: Store, user_id: str) -> AsyncIterator[Invite | OwnBlock | Report | Consumer]:
    async for invite in items_of(partial(store.invites.of_user, user_id), limit=PAGE):
        yield invite
    async for blocked in items_of(partial(store.blocks.of_user, user_id), limit=PAGE):
        yield OwnBlock(blocked)
    async for report in items_of(partial(store.reports.of_user, user_id), limit=PAGE):
        yield report
    for consumer in await store.consumers.of_user(user_id):
        yield consumer
