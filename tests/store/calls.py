"""Calls on a store that the tests of several nouns make."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from api.models.accounts import Account, Rotation, User
from api.models.changes import Change, Quiet, SessionEnded
from api.models.log import Appended, Entry
from api.models.page import Page
from api.models.rooms import LOBBY_ID, Membership, Role, Room, Standing
from api.store.base.store import Store
from tests.store.make import ALICE, message

WAIT_SECONDS = 20.0  # only a failing test waits this long


async def send(store: Store, room: Room, *bodies: str) -> list[int]:
    """Append messages one after the other and return their seqs."""
    return [(await store.log.append(room.id, message(f"ref-{body}", body))).entry.seq for body in bodies]


async def delete_room(store: Store, room: Room, by: User = ALICE) -> None:
    """Delete a room under a rule that allows it."""

    def rule(now: Room, _rights: Role | None) -> Room:
        return now

    await store.rooms.delete(room.id, by, at=1, rule=rule)


async def change(
    store: Store, room: Room, user: User, role: Role | None, *, by: User, at: int = 1
) -> Appended | None:
    """Change a membership under a rule that allows everything."""

    def rule(standing: Standing) -> Membership:
        return standing.now.ended if role is None else Membership(role)

    return await store.members.change(room.id, user, by=by.id, at=at, rule=rule)


async def whole_log(store: Store, room_id: str = LOBBY_ID) -> list[Entry]:
    found: list[Entry] = []
    while page := await store.log.entries(room_id, after=len(found), limit=100_000):
        found += page  # a page may end early, if its entries are long
    return found


async def collect(tail: AsyncIterator[list[Change]], enough: Callable[[list[Change]], bool]) -> list[Change]:
    """Return the changes of a tail until `enough` of them, without `Quiet`."""
    seen: list[Change] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not enough(seen):
            seen += [change for change in await anext(tail) if not isinstance(change, Quiet)]
    return seen


def entries_of(changes: list[Change], room_id: str) -> list[Entry]:
    """Return a room's entries, each once, because a tail may repeat itself."""
    entries = [change for change in changes if isinstance(change, Entry) and change.room_id == room_id]
    return list({entry.seq: entry for entry in entries}.values())


def reaches(room_id: str, seq: int) -> Callable[[list[Change]], bool]:
    return lambda changes: any(
        isinstance(change, Entry) and (change.room_id, change.seq) == (room_id, seq) for change in changes
    )


def ends(session_id: str) -> Callable[[list[Change]], bool]:
    return lambda changes: any(
        isinstance(change, SessionEnded) and change.session_id == session_id for change in changes
    )


async def rotate(store: Store, session_id: str, presented: str, following: str) -> Rotation:
    rotation, _ = await store.sessions.rotate(
        session_id, presented_hash=presented, next_hashes=[following], at=2_000, expires_at=99
    )
    return rotation


async def account(store: Store, user: User) -> Account:
    found = await store.accounts.get(user.id)
    assert found is not None
    return found


async def all_pages(ask: Callable[[str | None], Awaitable[Page[Any]]], *, limit: int) -> list[Any]:
    """Return all items of a list. Require that each page but the last is full."""
    items: list[Any] = []
    cursor: str | None = None
    while True:
        page = await ask(cursor)
        assert len(page.items) <= limit
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items
        assert len(page.items) == limit


async def each_page(ask: Callable[[str | None], Awaitable[Page[Any]]]) -> list[Any]:
    """Return all items of a list, however short its pages are."""
    page = await ask(None)
    items = list(page.items)
    while page.next_cursor is not None:
        page = await ask(page.next_cursor)
        assert page.items
        items += page.items
    return items
