"""Everything that a user wrote and owns, one record after the other, read in pages and never held whole."""

from collections.abc import AsyncIterator
from typing import Any, Final

from api.errors import Unauthorized
from api.models.accounts import User
from api.protocol.events import entry_event
from api.protocol.fields import timestamp
from api.store.base.store import Store

PAGE: Final = 100


async def export(store: Store, user: User, session_id: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the account, its sessions, its memberships, its entries, and `end`, without which it is not whole.

    Raises `Unauthorized` when the session by which it was asked for has ended, and `Unavailable`.
    """
    yield {
        "type": "account",
        "id": user.id,
        "username": user.username,
        "display_name": user.display_name,
        "created_at": timestamp(user.created_at),
    }
    for session in await store.sessions.of_user(user.id):
        yield {
            "type": "session",
            "id": session.id,
            "created_at": timestamp(session.created_at),
            "last_used_at": timestamp(session.last_used_at),
            "user_agent": session.user_agent,
        }
    async for record in _memberships(store, user.id):
        yield record
    cursor: str | None = None
    while True:
        if await store.sessions.get(session_id) is None:
            raise Unauthorized
        page = await store.erasure.entries_of(user.id, cursor=cursor, limit=PAGE)
        for entry in page.items:
            yield entry_event(entry)
        if (cursor := page.next_cursor) is None:
            break
    yield {"type": "end"}


async def _memberships(store: Store, user_id: str) -> AsyncIterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = await store.rooms.of_user(user_id, cursor=cursor, limit=PAGE)
        found = await store.members.get_many([(view.room.id, user_id) for view in page.items])
        for view in page.items:
            if (member := found.get((view.room.id, user_id))) is not None:
                yield {
                    "type": "membership",
                    "room_id": view.room.id,
                    "room_name": view.room.name,
                    "role": member.role,
                    "joined_at": timestamp(member.joined_at),
                    "read_seq": member.read_seq,
                }
        if (cursor := page.next_cursor) is None:
            return
