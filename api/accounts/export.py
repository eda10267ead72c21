"""Exports everything that a user wrote and owns, record by record, without holding all of it in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, TypeVar

from api.errors import Unauthorized
from api.models.accounts import Session, User
from api.models.attachments import Attachment
from api.models.consumers import Consumer
from api.models.invites import Invite
from api.models.log import Entry, Kind
from api.models.moderation import Report
from api.models.page import Page
from api.models.rooms import Member, RoomView, is_told
from api.store.base.store import Store

PAGE: Final = 100

T = TypeVar("T")


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
    """A file that the user has uploaded, without its bytes."""

    file: Attachment


Exported: TypeAlias = (
    OwnBot | User | Session | OwnMembership | Invite | OwnBlock | Report | Consumer | OwnFile | Entry
)


async def export(store: Store, user: User, session_id: str) -> AsyncIterator[Exported]:
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
    cursor: str | None = None
    while True:
        if await store.sessions.get(session_id) is None:
            raise Unauthorized
        page = await store.erasure.entries_of(user.id, cursor=cursor, limit=PAGE)
        rooms = await store.log.heads(list({entry.room_id for entry in page.items}))
        for entry in page.items:
            # Else the room was deleted, and is not taken away yet.
            if entry.room_id in rooms and _is_known(entry):
                yield entry
        if (cursor := page.next_cursor) is None:
            return


def _is_known(entry: Entry) -> bool:
    """Say whether a user may know of an entry of theirs. Of the rooms of others there are entries about them, too."""
    return entry.kind != Kind.MEMBER or is_told(entry.room_id, entry.data.get("role"), entry.data.get("was"))


async def _accesses(store: Store, user_id: str) -> AsyncIterator[Session | OwnBot]:
    for session in await store.sessions.of_user(user_id):
        yield session
    async for bot in _each(partial(store.accounts.bots_of, user_id)):
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


async def _made(store: Store, user_id: str) -> AsyncIterator[Invite | OwnBlock | Report | Consumer | OwnFile]:
    async for invite in _each(partial(store.invites.of_user, user_id)):
        yield invite
    async for blocked in _each(partial(store.blocks.of_user, user_id)):
        yield OwnBlock(blocked)
    async for report in _each(partial(store.reports.of_user, user_id)):
        yield report
    for consumer in await store.consumers.of_user(user_id):
        yield consumer
    async for file in _each(partial(store.attachments.of_user, user_id)):
        yield OwnFile(file)


async def _each(list_: Callable[..., Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """Yield the items of all pages of a list."""
    cursor: str | None = None
    while True:
        page = await list_(cursor=cursor, limit=PAGE)
        for item in page.items:
            yield item
        if (cursor := page.next_cursor) is None:
            return
