"""Exports everything that a user wrote and owns, record by record, without holding all of it in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from api.errors import Unauthorized
from api.models.accounts import Session, User
from api.models.invites import Invite
from api.models.log import Entry
from api.models.rooms import Member, RoomView
from api.store.base.store import Store

PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class OwnMembership:
    """A room as the user sees it, and their membership of it."""

    view: RoomView
    member: Member


Exported: TypeAlias = User | Session | OwnMembership | Invite | Entry


async def export(store: Store, user: User, session_id: str) -> AsyncIterator[Exported]:
    """Yield the account, its sessions, its memberships, its invites and its entries.

    Raises `Unauthorized` when the session that asked for the export has ended, and `Unavailable`.
    """
    yield user
    for session in await store.sessions.of_user(user.id):
        yield session
    async for membership in _memberships(store, user.id):
        yield membership
    async for invite in _invites(store, user.id):
        yield invite
    cursor: str | None = None
    while True:
        if await store.sessions.get(session_id) is None:
            raise Unauthorized
        page = await store.erasure.entries_of(user.id, cursor=cursor, limit=PAGE)
        rooms = await store.log.heads(list({entry.room_id for entry in page.items}))
        for entry in page.items:
            if entry.room_id in rooms:  # else the room was deleted, and is not taken away yet
                yield entry
        if (cursor := page.next_cursor) is None:
            return


async def _memberships(store: Store, user_id: str) -> AsyncIterator[OwnMembership]:
    cursor: str | None = None
    while True:
        page = await store.rooms.of_user(user_id, cursor=cursor, limit=PAGE)
        found = await store.members.get_many([(view.room.id, user_id) for view in page.items])
        for view in page.items:
            if (member := found.get((view.room.id, user_id))) is not None:
                yield OwnMembership(view, member)
        if (cursor := page.next_cursor) is None:
            return


async def _invites(store: Store, user_id: str) -> AsyncIterator[Invite]:
    cursor: str | None = None
    while True:
        page = await store.invites.of_user(user_id, cursor=cursor, limit=PAGE)
        for invite in page.items:
            yield invite
        if (cursor := page.next_cursor) is None:
            return
