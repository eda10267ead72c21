"""What every store promises of all lists that come in pages."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from api.errors import BadCursor
from api.models.accounts import Audited, AuditEvent, User
from api.models.log import PREVIEW_CHARACTERS, Entry, Message
from api.models.page import PAGE_BYTES, Page
from api.models.rooms import LOBBY_ID, Role, Room
from api.store import paging
from api.store.base.store import Store
from tests.store.calls import all_pages, each_page, send, whole_log
from tests.store.make import BEGUN, account_of, delete, edit, make_room, make_user, message, reaction

pytestmark = pytest.mark.anyio


async def test_what_is_added_or_leaves_between_two_pages_hides_nothing_and_repeats_nothing(
    store: Store, alice: User
) -> None:
    rooms = [make_room(n) for n in range(6)]
    for room in rooms:
        await store.rooms.create(room, alice)
    first = await store.rooms.of_user(alice.id, cursor=None, limit=3)
    seen = [view.room.id for view in first.items]
    await store.members.leave(seen[0], alice, at=9)
    await store.rooms.create(make_room(50), alice)
    rest = await all_pages(
        lambda cursor: store.rooms.of_user(alice.id, cursor=cursor or first.next_cursor, limit=3), limit=3
    )
    seen += [view.room.id for view in rest]
    assert len(seen) == len(set(seen))
    assert {room.id for room in rooms} <= set(seen)


GARBAGE = [
    "",
    "x",
    "💥",
    "bm90IG91cnM",
    "W10",
    "bnVsbA",
    "eyJhIjoxfQ",
    "WyJqb2luZWQiLDFd",
    "A" * 100_000,
    "\x00",
    "=",
]


@pytest.mark.parametrize("cursor", GARBAGE)
async def test_a_cursor_that_we_never_gave_is_refused(
    store: Store, den: Room, alice: User, cursor: str
) -> None:
    for ask in (
        store.rooms.of_user(alice.id, cursor=cursor, limit=3),
        store.rooms.public(alice.id, cursor=cursor, limit=3),
        store.members.of_room(den.id, cursor=cursor, limit=3),
    ):
        with pytest.raises(BadCursor):
            await ask


async def test_a_cursor_of_another_list_is_refused(store: Store, alice: User) -> None:
    for number in range(3):
        await store.rooms.create(make_room(number), alice)
    of_mine = (await store.rooms.of_user(alice.id, cursor=None, limit=1)).next_cursor
    with pytest.raises(BadCursor):
        await store.rooms.public(alice.id, cursor=of_mine, limit=1)


async def test_a_cursor_of_another_list_or_one_that_was_changed_is_refused(
    store: Store, alice: User, bob: User
) -> None:
    for number in range(3):
        await store.rooms.create(make_room(number), alice)
        await store.members.join(f"room-{number:03}", bob, Role.MEMBER, number)
    mine = (await store.rooms.of_user(alice.id, cursor=None, limit=1)).next_cursor
    members = (await store.members.of_room("room-000", cursor=None, limit=1)).next_cursor
    assert mine is not None
    assert members is not None
    assert len((await store.rooms.of_user(alice.id, cursor=mine, limit=1)).items) == 1
    for cursor in (mine[:-1], mine + "A", mine.swapcase(), mine + "=", members, ""):
        with pytest.raises(BadCursor):
            await store.rooms.of_user(alice.id, cursor=cursor, limit=1)
    with pytest.raises(BadCursor):
        await store.rooms.of_user(bob.id, cursor=mine, limit=1)
    with pytest.raises(BadCursor):
        await store.members.of_room("room-001", cursor=members, limit=1)


# -- pages end by bytes too

LONGEST = "\x01" * 3_999 + "x"  # 24 KB as JSON


async def test_a_page_of_long_entries_ends_early_and_hides_none(store: Store, den: Room) -> None:
    count = 50
    for number in range(count):
        await store.log.append(den.id, message(f"r{number}", LONGEST))
    await store.log.append(den.id, delete("d", BEGUN + 9))
    pages: list[list[Entry]] = []
    after = 0
    while page := await store.log.entries(den.id, after=after, limit=500):
        pages.append(page)
        after = page[-1].seq
    assert [entry.seq for page in pages for entry in page] == list(range(1, BEGUN + count + 2))
    assert [entry.data["body"] for page in pages for entry in page if entry.kind == "message"] == [
        "" if number == 8 else LONGEST for number in range(count)
    ]
    assert len(pages) == 3
    assert all(size(page) <= PAGE_BYTES for page in pages)


async def test_a_page_of_long_messages_ends_early_in_both_directions(store: Store, den: Room) -> None:
    count = 50
    for number in range(count):
        await store.log.append(den.id, message(f"r{number}", LONGEST))
    whole = await whole_history(store, den.id, limit=100)
    assert [one.seq for one in whole] == list(range(BEGUN + 1, BEGUN + count + 1))
    newest = await store.log.history(den.id, limit=100)
    assert newest.items[-1].seq == BEGUN + count
    assert newest.has_more
    assert size(newest.items) <= PAGE_BYTES
    older = await store.log.history(den.id, before=newest.items[0].seq, limit=len(newest.items))
    assert older.has_more
    assert older.items[-1].seq == newest.items[0].seq - 1


async def test_every_list_is_whole_where_a_page_holds_one_item(
    store: Store, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [make_user(number) for number in range(4)]
    for number, other in enumerate(others):
        await store.accounts.create(account_of(other))
        await store.members.join(LOBBY_ID, other, Role.MEMBER, number)
        await store.rooms.create(make_room(number), alice)
        await store.audit.record(
            AuditEvent(number, f"e{number}", Audited.LOGGED_IN, "a", None, "::1"), forget_before=0
        )
    for number in range(4):
        await store.log.append("room-000", message(f"r{number}", f"body {number}"))
        await store.log.append("room-000", reaction(f"x{number}", BEGUN + 1, "+1"))
    await store.log.append("room-000", edit("e", BEGUN + 1, "edited"))

    async def lists() -> list[list[Any]]:
        asked: list[Callable[[str | None], Awaitable[Page[Any]]]] = [
            lambda cursor: store.rooms.of_user(alice.id, cursor=cursor, limit=50),
            lambda cursor: store.rooms.public(bob.id, cursor=cursor, limit=50),
            lambda cursor: store.members.of_room(LOBBY_ID, cursor=cursor, limit=50),
            lambda cursor: store.accounts.all(cursor=cursor, limit=50),
            lambda cursor: store.accounts.named("name", cursor=cursor, limit=50),
            lambda cursor: store.audit.all(cursor=cursor, limit=50),
            lambda cursor: store.erasure.entries_of(alice.id, cursor=cursor, limit=50),
        ]
        found = [await each_page(ask) for ask in asked]
        found.append(await whole_log(store, "room-000"))
        found.append(await whole_history(store, "room-000", limit=50))
        return found

    expected = await lists()
    assert all(len(one) >= 4 for one in expected)
    monkeypatch.setattr(paging, "PAGE_BYTES", 1)
    assert len((await store.members.of_room(LOBBY_ID, cursor=None, limit=50)).items) == 1
    assert len(await store.log.entries("room-000", after=0, limit=50)) == 1
    assert len((await store.log.history("room-000", limit=50)).items) == 1
    assert await lists() == expected


async def test_a_list_of_rooms_shows_the_beginning_of_their_last_messages(
    store: Store, den: Room, alice: User
) -> None:
    for number, body in enumerate(["\U0001f600" * 4_000, "a\n\r\u2028b" * 700, "short"]):
        (seq,) = await send(store, den, body)
        for edited in (body, body[::-1]):
            if edited != body:
                await store.log.append(den.id, edit(f"e{number}", seq, edited))
            view = (await store.rooms.of_user(alice.id, cursor=None, limit=5)).items[0]
            assert view.last_message is not None
            assert view.last_message.body == edited[:PREVIEW_CHARACTERS]
        found = await store.log.message(den.id, seq)
        assert found is not None
        assert found.body == body[::-1]


def size(items: list[Any]) -> int:
    return sum(len(orjson.dumps(one)) for one in items)


async def whole_history(store: Store, room_id: str, *, limit: int) -> list[Message]:
    """Return all messages of a room. Require that reading from either end gives the same."""
    page = await store.log.history(room_id, after=0, limit=limit)
    forwards = list(page.items)
    while page.has_more:
        page = await store.log.history(room_id, after=forwards[-1].seq, limit=limit)
        forwards += page.items
    page = await store.log.history(room_id, limit=limit)
    backwards = list(page.items)
    while page.has_more:
        page = await store.log.history(room_id, before=backwards[0].seq, limit=limit)
        backwards = [*page.items, *backwards]
    assert forwards == backwards
    return forwards
