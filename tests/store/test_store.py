"""What every store promises as a whole: opening and closing, and odd texts and ids in every part."""

import asyncio
import time
from collections.abc import Awaitable

import pytest

from api.errors import NotFound, Unavailable
from api.models.accounts import Account, Profile, Rotation, User
from api.models.log import Reaction
from api.models.rooms import LOBBY_ID, Role, Room, RoomPlace, Visibility
from api.store import open_store
from api.store.base.store import Store
from tests.store.calls import WAIT_SECONDS, collect, entries_of, reaches, rotate, whole_log
from tests.store.make import ALICE, BEGUN, DEN, account_of, message, reaction, session_of

pytestmark = pytest.mark.anyio

ODD_IDS = [
    "",
    " ",
    "nobody",
    "x" * 10_000,
    "../../etc/passwd",
    "' OR 1=1 --",
    "💥",
    "a/b?c#d",
    "\u202eid",
    "%00",
]

ODD_TEXTS = [
    '{"$reql_type$":"TIME","epoch_time":1e15,"timezone":"+00:00"}',
    "$reql_type$",
    "👩‍👩‍👧‍👦 🇨🇭 é e\u0301",
    "مرحبا \u202eabc\u202c שלום",
    "\x01\x02\x07\x1b[31m\x7f\u0085\u2028\ufeff",
    "line\r\nline\ttab\\ \" ' ` $1 ? :x %s {}",
    "null",
    "  leading and trailing  ",
    "\uffff\ufffe\U0010ffff",
]


# -- opening and closing


async def test_a_new_store_answers_and_knows_the_time(store: Store) -> None:
    await store.check()
    assert abs(await store.clock() - time.time() * 1_000) < 60_000


async def test_the_lobby_is_there_from_the_first_start(store: Store, alice: User) -> None:
    lobby = await store.rooms.get(LOBBY_ID)
    assert lobby is not None
    assert (lobby.id, lobby.name, lobby.visibility) == (LOBBY_ID, "Lobby", Visibility.PUBLIC)
    view = await store.rooms.view(LOBBY_ID, alice.id)
    assert view is not None
    assert (view.seq, view.role, view.last_message) == (0, None, None)


async def test_what_was_stored_is_there_after_reopening(store_url: str) -> None:
    first = await open_store(store_url)
    await first.accounts.create(account_of(ALICE))
    await first.sessions.create(session_of(ALICE), most=20)
    created = await first.rooms.create(DEN, ALICE)
    acked = await first.log.append(DEN.id, message("r1"))
    await first.members.mark_read(DEN.id, ALICE.id, 1)
    view = await first.rooms.view(DEN.id, ALICE.id)
    lobby = await first.log.heads([LOBBY_ID])
    await first.close()

    again = await open_store(store_url)
    try:
        assert await again.accounts.by_name("alice") == account_of(ALICE)
        assert await again.sessions.get("session-1") == session_of(ALICE)
        assert await again.rooms.view(DEN.id, ALICE.id) == view
        assert (await whole_log(again, DEN.id))[-1] == acked.entry
        retry = await again.log.append(DEN.id, message("r1"))
        assert (retry.entry, retry.epoch, retry.is_new) == (acked.entry, created.epoch, False)
        assert await again.log.heads([LOBBY_ID]) == lobby
    finally:
        await again.close()


async def test_a_closed_store_says_that_it_is_unavailable(store_url: str) -> None:
    closed = await open_store(store_url)
    await closed.accounts.create(account_of(ALICE))
    await closed.close()
    calls: list[Awaitable[object]] = [
        closed.check(),
        closed.log.append(LOBBY_ID, message("r1")),
        closed.log.entries(LOBBY_ID, after=0, limit=1),
        closed.accounts.get(ALICE.id),
    ]
    for call in calls:
        with pytest.raises(Unavailable):
            await call


async def test_closing_while_calls_are_in_flight_answers_every_one(store_url: str) -> None:
    closing = await open_store(store_url)
    calls = [asyncio.ensure_future(closing.log.append(LOBBY_ID, message(f"r{n}"))) for n in range(100)]
    await asyncio.sleep(0)
    async with asyncio.timeout(WAIT_SECONDS):
        await closing.close()
        answers = await asyncio.gather(*calls, return_exceptions=True)
    acked = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert all(isinstance(answer, Unavailable) for answer in answers if isinstance(answer, BaseException))

    again = await open_store(store_url)
    try:
        stored = await whole_log(again, LOBBY_ID)
        assert {answer.entry.seq for answer in acked} <= {entry.seq for entry in stored}
        assert [entry.seq for entry in stored] == list(range(1, len(stored) + 1))
    finally:
        await again.close()


async def test_the_first_to_keep_a_value_is_kept(store: Store, other: Store) -> None:
    stores = [store, other] * 10
    kept = await asyncio.gather(*(each.keep("key", f"value-{n}") for n, each in enumerate(stores)))
    assert len(set(kept)) == 1
    assert await store.keep("key", "late") == kept[0]
    assert await store.keep("another key", "late") == "late"


# -- odd input


@pytest.mark.parametrize("text", ODD_TEXTS)
async def test_every_text_survives_a_round_trip(store: Store, text: str) -> None:
    user = User("user-odd", text, text, created_at=1)
    await store.accounts.create(Account(user, text, text))
    await store.sessions.create(session_of(user, user_agent=text), most=20)
    room = Room("room-odd", text, text, Visibility.PUBLIC, created_at=1)
    await store.rooms.create(room, user)
    async with store.changes.open() as tail:
        appended = await store.log.append(room.id, message(text, text, by=user))
        changes = await collect(tail, reaches(room.id, appended.entry.seq))
    await store.log.append(room.id, reaction("r", appended.entry.seq, text, by=user))

    assert await store.accounts.by_name(text) == Account(user, text, text)
    assert await store.sessions.get("session-1") == session_of(user, user_agent=text)
    assert await store.rooms.get(room.id) == room
    assert await store.keep(text, text) == text
    assert appended.entry.data == {"body": text, "reply_to": None}
    assert entries_of(changes, room.id) == [appended.entry]
    assert (await whole_log(store, room.id))[BEGUN] == appended.entry
    folded = await store.log.message(room.id, appended.entry.seq)
    assert folded is not None
    assert (folded.body, folded.ref, folded.username) == (text, text, text)
    assert folded.reactions == (Reaction(text, 1, (user.id,)),)
    retry = await store.log.append(room.id, message(text, text, by=user))
    assert (retry.entry, retry.is_new) == (appended.entry, False)


@pytest.mark.parametrize("odd", ODD_IDS)
async def test_an_id_that_nothing_has_is_just_not_found(
    store: Store, den: Room, alice: User, odd: str
) -> None:
    assert await store.accounts.get(odd) is None
    assert await store.accounts.by_name(odd) is None
    assert await store.sessions.get(odd) is None
    assert await store.rooms.get(odd) is None
    assert await store.rooms.view(odd, alice.id) is None
    assert await store.members.get(odd, alice.id) is None
    assert await store.members.get(den.id, odd) is None
    assert await store.log.message(odd, 1) is None
    assert await store.log.entries(odd, after=0, limit=5) == []
    assert await store.log.heads([odd]) == {}
    assert not await store.sessions.end(odd)
    assert (await store.rooms.of_user(odd, cursor=None, limit=5)).items == []
    assert await rotate(store, odd, "h1", "h2") is Rotation.UNKNOWN
    for missing in (
        store.log.append(odd, message("r1")),
        store.log.history(odd, limit=5),
        store.members.mark_read(odd, alice.id, 1),
        store.members.mark_read(den.id, odd, 1),
        store.members.join(odd, alice, Role.MEMBER, at=1),
        store.members.leave(odd, alice, at=1),
        store.accounts.set_profile(odd, Profile("x")),
        store.members.set_place(odd, alice.id, RoomPlace()),
        store.members.set_place(den.id, odd, RoomPlace()),
    ):
        with pytest.raises(NotFound):
            await missing
