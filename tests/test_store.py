"""What every store promises, on each of them. The promises stand in api/store/base.py."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from api.errors import (
    BadCursor,
    Conflict,
    Forbidden,
    Invalid,
    MembershipChanged,
    NotFound,
    RefConflict,
    Unavailable,
    UsernameTaken,
)
from api.models import (
    LOBBY_ID,
    Account,
    Appended,
    Audited,
    AuditEvent,
    Change,
    Draft,
    Entry,
    EntryData,
    Kind,
    Member,
    Page,
    Quiet,
    Reaction,
    Role,
    Room,
    Rotation,
    Session,
    SessionEnded,
    Standing,
    User,
    Visibility,
)
from api.store import open_store
from api.store.base import QUIET_SECONDS, USED_KEPT, Store

pytestmark = pytest.mark.anyio

WAIT_SECONDS = 20.0  # generous: only a failing test waits as long

ALICE = User("user-alice", "alice", "Alice", created_at=1_000)
BOB = User("user-bob", "bob", "Bob", created_at=2_000)
DEN = Room("room-den", "Den", "for us", Visibility.PRIVATE, created_at=3_000)

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


def message(ref: str | None, body: str = "hello", *, by: User = ALICE, reply_to: int | None = None) -> Draft:
    return draft(Kind.MESSAGE, ref, {"body": body, "reply_to": reply_to}, by=by)


def edit(ref: str, target: int, body: str, *, by: User = ALICE) -> Draft:
    return draft(Kind.EDIT, ref, {"target": target, "body": body}, by=by)


def delete(ref: str, target: int, *, by: User = ALICE) -> Draft:
    return draft(Kind.DELETE, ref, {"target": target}, by=by)


def reaction(ref: str, target: int, emoji: str, *, added: bool = True, by: User = ALICE) -> Draft:
    return draft(Kind.REACTION, ref, {"target": target, "emoji": emoji, "added": added}, by=by)


def draft(kind: Kind, ref: str | None, data: EntryData, *, by: User) -> Draft:
    return Draft(kind, by.id, by.username, at=5_000, ref=ref, data=data)


def account_of(user: User) -> Account:
    return Account(user, username_key=user.username, password_hash=f"hash of {user.username}")


def make_user(number: int) -> User:
    return User(f"user-{number:03}", f"name{number:03}", f"Name {number}", created_at=number)


def make_room(number: int, visibility: Visibility = Visibility.PUBLIC) -> Room:
    return Room(f"room-{number:03}", f"Room {number}", "", visibility, created_at=10_000 + number)


def session_of(user: User, session_id: str = "session-1", **changes: Any) -> Session:
    session = Session(
        session_id,
        user.id,
        created_at=1,
        last_used_at=1,
        expires_at=9,
        user_agent="a browser",
        refresh_hash="h1",
    )
    return replace(session, **changes)


@pytest.fixture
async def alice(store: Store) -> User:
    await store.create_account(account_of(ALICE))
    return ALICE


@pytest.fixture
async def bob(store: Store) -> User:
    await store.create_account(account_of(BOB))
    return BOB


@pytest.fixture
async def den(store: Store, alice: User) -> Room:
    """A private room of alice's. Its seq 1 is her membership."""
    await store.create_room(DEN, alice)
    return DEN


@pytest.fixture
async def other(store: Store, store_url: str) -> AsyncIterator[Store]:
    """A second store on the same database, as another process has it."""
    opened = await open_store(store_url)
    try:
        yield opened
    finally:
        await opened.close()


async def user_of(store: Store, user_id: str) -> User | None:
    account = await store.account(user_id)
    return None if account is None else account.user


async def send(store: Store, room: Room, *bodies: str) -> list[int]:
    """Append messages one after the other and return their seqs."""
    return [(await store.append(room.id, message(f"ref-{body}", body))).entry.seq for body in bodies]


async def change(
    store: Store, room: Room, user: User, role: Role | None, *, by: User, at: int = 1
) -> Appended | None:
    """Change a membership, whatever the roles."""
    return await store.change_member(room.id, user, role, by=by.id, at=at, rule=lambda _standing: True)


async def whole_log(store: Store, room_id: str) -> list[Entry]:
    return await store.log(room_id, after=0, limit=100_000)


async def collect(tail: AsyncIterator[list[Change]], enough: Callable[[list[Change]], bool]) -> list[Change]:
    """Return what the tail gives until it is enough, without the beats in which nothing happened."""
    seen: list[Change] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not enough(seen):
            seen += [change for change in await anext(tail) if not isinstance(change, Quiet)]
    return seen


def entries_of(changes: list[Change], room_id: str) -> list[Entry]:
    """Return a room's entries, each once: a feed may repeat itself."""
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


# -- life


async def test_a_new_store_answers_and_knows_the_time(store: Store) -> None:
    await store.check()
    assert abs(await store.clock() - time.time() * 1_000) < 60_000


async def test_the_lobby_is_there_from_the_first_start(store: Store, alice: User) -> None:
    lobby = await store.room(LOBBY_ID)
    assert lobby is not None
    assert (lobby.id, lobby.name, lobby.visibility) == (LOBBY_ID, "Lobby", Visibility.PUBLIC)
    view = await store.room_view(LOBBY_ID, alice.id)
    assert view is not None
    assert (view.seq, view.role, view.last_message) == (0, None, None)


async def test_what_was_stored_is_there_after_reopening(store_url: str) -> None:
    first = await open_store(store_url)
    await first.create_account(account_of(ALICE))
    await first.create_session(session_of(ALICE), most=20)
    created = await first.create_room(DEN, ALICE)
    acked = await first.append(DEN.id, message("r1"))
    await first.mark_read(DEN.id, ALICE.id, 1)
    view = await first.room_view(DEN.id, ALICE.id)
    lobby = await first.heads([LOBBY_ID])
    await first.close()

    again = await open_store(store_url)
    try:
        assert await again.account_by_name("alice") == account_of(ALICE)
        assert await again.session("session-1") == session_of(ALICE)
        assert await again.room_view(DEN.id, ALICE.id) == view
        assert (await whole_log(again, DEN.id))[-1] == acked.entry
        retry = await again.append(DEN.id, message("r1"))
        assert (retry.entry, retry.epoch, retry.is_new) == (acked.entry, created.epoch, False)
        assert await again.heads([LOBBY_ID]) == lobby
    finally:
        await again.close()


async def test_a_closed_store_says_that_it_is_unavailable(store_url: str) -> None:
    closed = await open_store(store_url)
    await closed.create_account(account_of(ALICE))
    await closed.close()
    calls: list[Awaitable[object]] = [
        closed.check(),
        closed.append(LOBBY_ID, message("r1")),
        closed.log(LOBBY_ID, after=0, limit=1),
        closed.account(ALICE.id),
    ]
    for call in calls:
        with pytest.raises(Unavailable):
            await call


async def test_closing_while_calls_are_in_flight_answers_every_one(store_url: str) -> None:
    closing = await open_store(store_url)
    calls = [asyncio.ensure_future(closing.append(LOBBY_ID, message(f"r{n}"))) for n in range(100)]
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


# -- accounts


async def test_an_account_is_found_by_its_unique_name(store: Store, alice: User) -> None:
    assert await store.account_by_name("alice") == account_of(alice)
    assert await store.account_by_name("Alice") is None
    assert await user_of(store, alice.id) == alice


async def test_a_username_is_taken_once_however_many_want_it(store: Store, other: Store) -> None:
    wanting = [Account(make_user(n), "wanted", f"hash {n}") for n in range(20)]
    stores = [store, other] * 10
    answers = await asyncio.gather(
        *(each.create_account(account) for each, account in zip(stores, wanting, strict=True)),
        return_exceptions=True,
    )
    winners = [account for account, answer in zip(wanting, answers, strict=True) if answer is None]
    assert len(winners) == 1
    assert all(isinstance(answer, UsernameTaken) for answer in answers if answer is not None)
    assert await store.account_by_name("wanted") == winners[0]
    losers = [account for account in wanting if account not in winners]
    assert await store.account(losers[0].user.id) is None


async def test_storing_an_account_or_a_session_again_is_safe(store: Store, alice: User) -> None:
    await store.create_account(account_of(alice))
    for _ in range(2):
        await store.create_session(session_of(alice), most=20)
    assert await store.account_by_name("alice") == account_of(alice)
    assert await store.session("session-1") == session_of(alice)


async def test_a_display_name_changes_wherever_it_is_shown(store: Store, den: Room, alice: User) -> None:
    changed = await store.set_display_name(alice.id, "Alicia")
    assert changed == replace(alice, display_name="Alicia")
    assert await user_of(store, alice.id) == changed
    (member,) = (await store.members(den.id, cursor=None, limit=10)).items
    assert member.display_name == "Alicia"


async def test_a_password_hash_is_replaced(store: Store, alice: User) -> None:
    await store.set_password_hash(alice.id, "stronger")
    account = await store.account_by_name("alice")
    assert account is not None
    assert account.password_hash == "stronger"


async def test_changing_an_account_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.set_display_name("nobody", "Nobody")
    with pytest.raises(NotFound):
        await store.set_password_hash("nobody", "hash")


# -- sessions


ROTATED = {"used": (("h0", 1_000), ("g9", 900))}


@pytest.mark.parametrize(
    ("stored", "presented", "following", "at", "rotation"),
    [
        pytest.param({}, "h1", "h2", 1_000, Rotation.ROTATED, id="current-first-time"),
        pytest.param(ROTATED, "h1", "h2", 1_001, Rotation.ROTATED, id="current-later"),
        pytest.param(ROTATED, "h0", "h1", 1_000, Rotation.GRACE, id="previous-at-once"),
        pytest.param(ROTATED, "h0", "h1", 1_500, Rotation.GRACE, id="previous-at-the-end-of-grace"),
        pytest.param(ROTATED, "h0", "h1", 1_501, Rotation.REUSED, id="previous-after-grace"),
        pytest.param(ROTATED, "g9", "h0", 1_400, Rotation.GRACE, id="the-one-before-the-previous"),
        pytest.param(
            ROTATED, "g9", "h0", 1_401, Rotation.REUSED, id="the-one-before-the-previous-after-grace"
        ),
        pytest.param(ROTATED, "h7", "h1", 1_100, Rotation.REUSED, id="never-a-token-of-it"),
        pytest.param({}, "h7", "h1", 1_100, Rotation.REUSED, id="never-a-token-before-any-rotation"),
    ],
)
async def test_a_refresh_token_is_judged(  # noqa: PLR0917 - one row of the table
    store: Store,
    alice: User,
    stored: dict[str, Any],
    presented: str,
    following: str,
    at: int,
    rotation: Rotation,
) -> None:
    session = session_of(alice, **stored)
    await store.create_session(session, most=20)
    answer = await store.rotate_refresh(
        session.id, presented_hash=presented, next_hash=following, at=at, grace_ms=500, expires_at=99
    )
    assert answer is rotation
    after = {
        Rotation.GRACE: session,
        Rotation.REUSED: None,
        Rotation.ROTATED: replace(
            session,
            refresh_hash=following,
            used=((presented, at), *(one for one in session.used if at - one[1] <= 500)),
            last_used_at=at,
            expires_at=99,
        ),
    }
    assert await store.session(session.id) == after[rotation]


async def rotate(store: Store, session_id: str, presented: str, following: str) -> Rotation:
    return await store.rotate_refresh(
        session_id, presented_hash=presented, next_hash=following, at=2_000, grace_ms=500, expires_at=99
    )


async def test_a_refresh_token_of_no_session_is_unknown(store: Store, alice: User) -> None:
    await store.create_session(session_of(alice), most=20)
    assert await rotate(store, "another", "h1", "h2") is Rotation.UNKNOWN
    await store.end_session("session-1")
    assert await rotate(store, "session-1", "h1", "h2") is Rotation.UNKNOWN


async def test_a_refresh_token_raced_for_the_same_next_is_used_up_once(
    store: Store, other: Store, alice: User
) -> None:
    for round_number in range(10):
        session = session_of(alice, f"session-{round_number}")
        await store.create_session(session, most=20)
        answers = await asyncio.gather(
            *(rotate(each, session.id, "h1", "h2") for each in (store, other, store, other))
        )
        assert sorted(answers) == sorted([Rotation.ROTATED, *[Rotation.GRACE] * 3])


async def test_only_so_many_used_refresh_tokens_are_remembered(store: Store, alice: User) -> None:
    await store.create_session(session_of(alice, refresh_hash="h0"), most=20)
    for number in range(USED_KEPT + 1):
        assert await rotate(store, "session-1", f"h{number}", f"h{number + 1}") is Rotation.ROTATED
    assert await rotate(store, "session-1", "h1", "h2") is Rotation.GRACE
    assert await rotate(store, "session-1", "h0", "h1") is Rotation.REUSED
    assert await store.session("session-1") is None


async def test_a_session_ends_once(store: Store, other: Store, alice: User) -> None:
    await store.create_session(session_of(alice), most=20)
    await store.create_session(session_of(alice, "session-2"), most=20)
    answers = await asyncio.gather(*(each.end_session("session-1") for each in (store, other) * 5))
    assert sorted(answers) == [False] * 9 + [True]
    assert await store.session("session-1") is None
    assert await store.session("session-2") is not None


def created(number: int, **changes: Any) -> dict[str, Any]:
    return {"session_id": f"session-{number}", "created_at": number, "expires_at": 1_000} | changes


async def test_the_session_too_many_ends_the_oldest(
    store: Store, other: Store, alice: User, bob: User
) -> None:
    await store.create_session(session_of(bob, "session-bob", expires_at=1_000), most=3)
    async with other.changes() as tail:
        for number in (2, 1, 3, 4):
            await store.create_session(session_of(alice, **created(number)), most=3)
        assert SessionEnded("session-1", alice.id) in await collect(tail, ends("session-1"))
    assert [one.id for one in await store.sessions_of(alice.id)] == ["session-4", "session-3", "session-2"]
    assert [one.id for one in await store.sessions_of(bob.id)] == ["session-bob"]


async def test_a_new_session_ends_those_that_have_expired(store: Store, alice: User) -> None:
    await store.create_session(session_of(alice, **created(1, expires_at=5)), most=3)
    await store.create_session(session_of(alice, **created(6)), most=3)
    assert [one.id for one in await store.sessions_of(alice.id)] == ["session-6"]


async def test_sessions_made_at_once_are_not_too_many(store: Store, other: Store, alice: User) -> None:
    making = (
        each.create_session(session_of(alice, **created(number + 10 * (each is other))), most=3)
        for number in range(8)
        for each in (store, other)
    )
    await asyncio.gather(*making)
    assert len(await store.sessions_of(alice.id)) == 3


async def test_all_sessions_but_one_end_and_every_feed_tells_of_each(
    store: Store, other: Store, alice: User, bob: User
) -> None:
    await store.create_session(session_of(bob, "session-bob"), most=20)
    for number in range(3):
        await store.create_session(session_of(alice, **created(number)), most=20)
    async with store.changes() as mine, other.changes() as theirs:
        assert sorted(await store.end_sessions(alice.id, but="session-1")) == ["session-0", "session-2"]
        for tail in (mine, theirs):
            await collect(tail, lambda seen: ends("session-0")(seen) and ends("session-2")(seen))
    assert [one.id for one in await other.sessions_of(alice.id)] == ["session-1"]
    assert await store.end_sessions(alice.id) == ["session-1"]
    assert await store.end_sessions(alice.id) == []
    assert await store.session("session-bob") is not None


# -- flags, passwords, the list of accounts


async def test_a_flag_is_changed_and_the_other_left(store: Store, other: Store, alice: User) -> None:
    assert await store.set_flags(alice.id, disabled=True) == replace(account_of(alice), disabled=True)
    assert await store.set_flags(alice.id, admin=True) == replace(
        account_of(alice), disabled=True, admin=True
    )
    assert await store.set_flags(alice.id, disabled=False) == replace(account_of(alice), admin=True)
    assert await other.account(alice.id) == replace(account_of(alice), admin=True)
    for user_id in ("nobody", ""):
        with pytest.raises(NotFound):
            await store.set_flags(user_id, admin=True)


async def test_a_password_hash_is_replaced_over_the_one_that_is_known_only(store: Store, alice: User) -> None:
    before = account_of(alice).password_hash
    await store.set_password_hash(alice.id, "h2", over="another")
    assert (await account(store, alice)).password_hash == before
    await store.set_password_hash(alice.id, "h2", over=before)
    await store.set_password_hash(alice.id, "h3", over=before)
    assert (await account(store, alice)).password_hash == "h2"


async def account(store: Store, user: User) -> Account:
    found = await store.account(user.id)
    assert found is not None
    return found


async def test_all_accounts_come_in_pages(store: Store) -> None:
    accounts = [account_of(make_user(number)) for number in range(5)]
    for one in accounts:
        await store.create_account(one)
    seen: list[Account] = []
    cursor: str | None = None
    for _ in range(3):
        page = await store.all_accounts(cursor=cursor, limit=2)
        seen, cursor = [*seen, *page.items], page.next_cursor
    assert (seen, cursor) == (accounts, None)
    with pytest.raises(BadCursor):
        await store.all_accounts(cursor="x", limit=2)


async def test_users_come_in_pages_in_the_order_of_their_names_by_what_these_begin_with(store: Store) -> None:
    names = ["kim.z", "kim", "kin", "kima", "ki", "Kimb", "kim-é", "kim日本", "akim", "kim.gone", "kim.off"]
    users = {name: User(f"user-{n}", name, name, created_at=n) for n, name in enumerate(names)}
    for user in users.values():
        await store.create_account(Account(user, user.username.lower(), "hash"))
    await store.begin_erasing(users["kim.gone"].id)
    await store.set_flags(users["kim.off"].id, disabled=True)
    seen: list[User] = []
    cursor: str | None = None
    for _ in range(3):
        page = await store.users_named("kim", cursor=cursor, limit=2)
        seen, cursor = [*seen, *page.items], page.next_cursor
    assert (seen, cursor) == (
        [users[name] for name in ("kim", "kim-é", "kim.z", "kima", "Kimb", "kim日本")],
        None,
    )
    await store.set_flags(users["kim.off"].id, disabled=False)
    first = await store.users_named("kim.", cursor=None, limit=1)
    assert first.items == [users["kim.off"]]
    assert (await store.users_named("kim.", cursor=first.next_cursor, limit=1)).items == [users["kim.z"]]
    for bad in ("x", first.next_cursor):
        with pytest.raises(BadCursor):
            await store.users_named("kim", cursor=bad, limit=2)
    for odd in ("%", "_i", "k*", "ki\0", "\U0010ffff", "x" * 300, "KIM"):
        assert await store.users_named(odd, cursor=None, limit=2) == Page([], None)


# -- audit


async def test_the_audit_log_is_read_from_its_end_and_forgets(store: Store, other: Store) -> None:
    events = [AuditEvent(number, f"e{number}", Audited.LOGGED_IN, "a", None, "::1") for number in range(1, 6)]
    for one in events:
        await store.record(one, forget_before=0)
    first = await other.audit(cursor=None, limit=3)
    assert first.items == events[:1:-1]
    assert (await store.audit(cursor=first.next_cursor, limit=3)).items == events[1::-1]
    await store.record(AuditEvent(9, "e9", Audited.ERASED, None, None, None), forget_before=5)
    assert [one.id for one in (await store.audit(cursor=None, limit=9)).items] == ["e9", "e5"]


# -- taking an account out


async def written_by(store: Store, user: User) -> list[Entry]:
    found: list[Entry] = []
    cursor: str | None = None
    while True:
        page = await store.entries_of(user.id, cursor=cursor, limit=2)
        found += page.items
        if (cursor := page.next_cursor) is None:
            return sorted(found, key=lambda entry: (entry.room_id, entry.seq))


async def test_all_that_a_user_wrote_is_found_and_nothing_else(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await store.join(den.id, bob, Role.MEMBER, 4_000)
    await store.join(LOBBY_ID, alice, Role.MEMBER, 4_000)
    for number in range(3):
        await store.append(den.id, message(f"a{number}"))
        await store.append(den.id, message(f"b{number}", by=bob))
        await store.append(LOBBY_ID, message(f"l{number}"))
    await store.append(den.id, edit("e1", 3, "changed"))
    await store.append(den.id, reaction("x1", 4, "👍"))
    logs = [*await whole_log(store, LOBBY_ID), *await whole_log(store, den.id)]
    assert await written_by(store, alice) == [entry for entry in logs if entry.user_id == alice.id]
    assert await written_by(store, User("nobody", "x", "x", 0)) == []


async def test_an_anonymised_entry_bears_another_name_wherever_it_is_read(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    await store.join(den.id, bob, Role.MEMBER, 4_000)
    hers = [(await store.append(den.id, message(f"a{n}"))).entry.seq for n in range(40)]
    his = (await store.append(den.id, message("b1", by=bob))).entry.seq
    await store.leave(den.id, bob, 6_000)
    await store.anonymise(await written_by(store, alice), "erased")
    await store.append(den.id, message("a-last"))
    for each in (store, other):
        log = {entry.seq: entry for entry in await whole_log(each, den.id)}
        assert {log[seq].username for seq in hers} == {"erased"}
        assert {log[seq].data["body"] for seq in hers} == {"hello"}
        assert log[his].username == bob.username
        assert {one.username for one in (await each.history(den.id, limit=50)).items} == {
            "erased",
            "bob",
            "alice",
        }


async def test_an_account_that_is_taken_out_is_disabled_first_and_its_name_free_at_last(
    store: Store, other: Store, alice: User
) -> None:
    await store.begin_erasing(alice.id)
    await store.begin_erasing(alice.id)
    assert await other.erasing() == [alice.id]
    assert (await account(store, alice)).disabled
    with pytest.raises(NotFound):
        await store.set_flags(alice.id, disabled=False)
    with pytest.raises(UsernameTaken):
        await store.create_account(replace(account_of(BOB), username_key="alice"))
    await store.finish_erasing(alice.id)
    await store.finish_erasing(alice.id)
    assert await other.erasing() == []
    assert await store.account(alice.id) is None
    assert await store.account_by_name("alice") is None
    await store.create_account(replace(account_of(BOB), username_key="alice"))
    for user_id in ("nobody", "", alice.id):
        with pytest.raises(NotFound):
            await store.begin_erasing(user_id)


# -- rooms and members


async def test_a_new_room_has_its_owner_and_says_so_at_seq_one(store: Store, alice: User) -> None:
    view = await store.create_room(DEN, alice)
    assert (view.room, view.seq, view.role, view.unread_count) == (DEN, 1, Role.OWNER, 0)
    assert (view.read_seq, view.last_message) == (1, None)
    assert await store.room(DEN.id) == DEN
    assert await store.room_view(DEN.id, alice.id) == view
    (entry,) = await whole_log(store, DEN.id)
    assert (entry.kind, entry.user_id, entry.seq) == (Kind.MEMBER, alice.id, 1)
    assert entry.data == {"role": "owner", "by": alice.id}
    member = Member(DEN.id, alice.id, "alice", "Alice", Role.OWNER, DEN.created_at, read_seq=1)
    assert await store.member(DEN.id, alice.id) == member


async def test_making_a_room_again_is_safe_but_never_takes_it_over(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    again = await store.create_room(den, alice)
    assert again == await store.room_view(den.id, alice.id)
    with pytest.raises(Conflict):
        await store.create_room(replace(den, name="Mine now"), bob)
    assert await store.room(den.id) == den
    assert len(await whole_log(store, den.id)) == 1


async def test_every_room_has_its_own_epoch_which_stays(store: Store, other: Store, den: Room) -> None:
    heads = await store.heads([den.id, LOBBY_ID])
    assert heads[den.id].epoch != heads[LOBBY_ID].epoch
    appended = await other.append(den.id, message("r1"))
    history = await other.history(den.id, limit=1)
    assert {appended.epoch, history.epoch} == {heads[den.id].epoch}


async def test_who_is_no_member_sees_a_room_without_role_and_counts(
    store: Store, den: Room, bob: User
) -> None:
    await send(store, den, "one")
    view = await store.room_view(den.id, bob.id)
    assert view is not None
    assert (view.room, view.seq, view.role, view.read_seq, view.unread_count) == (den, 2, None, 0, 0)


async def test_joining_and_leaving_are_one_fact_with_their_entries(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    joined = await store.join(den.id, bob, Role.READER, at=7_000)
    assert joined is not None
    assert (joined.entry.seq, joined.entry.kind, joined.is_new) == (2, Kind.MEMBER, True)
    assert joined.entry.data == {"role": "reader", "by": bob.id}
    member = await store.member(den.id, bob.id)
    assert member == Member(den.id, bob.id, "bob", "Bob", Role.READER, 7_000, read_seq=2)

    left = await store.leave(den.id, bob, at=8_000)
    assert left is not None
    assert (left.entry.seq, left.entry.data) == (3, {"role": None, "by": bob.id})
    assert await store.member(den.id, bob.id) is None
    assert (await whole_log(store, den.id))[1:] == [joined.entry, left.entry]


async def test_joining_or_leaving_twice_changes_nothing(store: Store, den: Room, bob: User) -> None:
    assert await store.leave(den.id, bob, at=1) is None
    assert await store.join(den.id, bob, Role.READER, at=2) is not None
    assert await store.join(den.id, bob, Role.OWNER, at=3) is None
    member = await store.member(den.id, bob.id)
    assert member is not None
    assert (member.role, member.joined_at) == (Role.READER, 2)
    assert len(await whole_log(store, den.id)) == 2


async def test_joining_raced_on_two_stores_is_one_entry(
    store: Store, other: Store, den: Room, bob: User
) -> None:
    answers = await asyncio.gather(
        *(each.join(den.id, bob, Role.MEMBER, at=1) for each in (store, other) * 5)
    )
    assert sum(answer is not None for answer in answers) == 1
    assert len(await whole_log(store, den.id)) == 2


async def test_a_role_is_changed_by_somebody_as_one_fact_with_its_entry(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice, at=7_000)
    await send(store, den, "one", "two")
    await store.mark_read(den.id, bob.id, 3)
    before = await store.member(den.id, bob.id)
    changed = await change(store, den, bob, Role.MODERATOR, by=alice, at=8_000)
    removed = await change(store, den, bob, None, by=alice, at=9_000)
    assert changed is not None
    assert removed is not None
    assert changed.entry.data == {"role": "moderator", "by": alice.id}
    assert (removed.entry.user_id, removed.entry.data) == (bob.id, {"role": None, "by": alice.id})
    assert before is not None
    assert (before.joined_at, before.read_seq) == (7_000, 3)
    assert await store.member(den.id, bob.id) is None
    assert (await whole_log(store, den.id))[-2:] == [changed.entry, removed.entry]


async def test_another_role_changes_nothing_else_of_a_membership(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice, at=7_000)
    await send(store, den, "one", "two")
    await store.mark_read(den.id, bob.id, 3)
    before = await store.member(den.id, bob.id)
    await change(store, den, bob, Role.READER, by=alice, at=8_000)
    assert before is not None
    assert await store.member(den.id, bob.id) == replace(before, role=Role.READER)
    view = await store.room_view(den.id, bob.id)
    assert view is not None
    assert (view.role, view.unread_count) == (Role.READER, 1)


async def test_a_new_member_has_read_what_was_said_before_they_came(
    store: Store, den: Room, bob: User
) -> None:
    await send(store, den, "one", "two")
    await store.join(den.id, bob, Role.MEMBER, at=7_000)
    await send(store, den, "three")
    view = await store.room_view(den.id, bob.id)
    assert view is not None
    assert (view.read_seq, view.unread_count) == (4, 1)


async def test_a_rule_is_told_how_things_stand(store: Store, den: Room, alice: User, bob: User) -> None:
    told: list[Standing] = []

    def watch(standing: Standing) -> bool:
        told.append(standing)
        return False

    async def ask(about: User, by: User) -> Standing:
        assert await store.change_member(den.id, about, None, by=by.id, at=1, rule=watch) is None
        return told[-1]

    assert await ask(bob, alice) == Standing(None, Role.OWNER, is_last_owner=False)
    assert await ask(alice, bob) == Standing(Role.OWNER, None, is_last_owner=True)
    await change(store, den, bob, Role.READER, by=alice)
    assert await ask(bob, alice) == Standing(Role.READER, Role.OWNER, is_last_owner=False)
    assert await ask(alice, alice) == Standing(Role.OWNER, Role.OWNER, is_last_owner=True)
    await change(store, den, bob, Role.OWNER, by=alice)
    assert await ask(alice, bob) == Standing(Role.OWNER, Role.OWNER, is_last_owner=False)
    assert len(await whole_log(store, den.id)) == 3


async def test_what_a_rule_raises_is_raised_and_nothing_is_stored(store: Store, den: Room, bob: User) -> None:
    def refuse(_standing: Standing) -> bool:
        raise Forbidden

    with pytest.raises(Forbidden):
        await store.change_member(den.id, bob, Role.MEMBER, by=bob.id, at=1, rule=refuse)
    assert await store.member(den.id, bob.id) is None
    assert len(await whole_log(store, den.id)) == 1


@pytest.mark.parametrize("round_", range(5))
async def test_of_owners_who_leave_at_once_on_two_stores_one_stays(
    store: Store, other: Store, den: Room, alice: User, round_: int
) -> None:
    owners = [alice, *map(make_user, range(1 + round_))]
    for user in owners[1:]:
        await store.create_account(account_of(user))
        await change(store, den, user, Role.OWNER, by=alice)

    def rule(standing: Standing) -> bool:
        if standing.is_last_owner:
            raise Forbidden
        return True

    answers = await asyncio.gather(
        *(
            each.change_member(den.id, user, None, by=user.id, at=1, rule=rule)
            for each, user in zip((store, other) * len(owners), owners, strict=False)
        ),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(Forbidden) == 1
    assert len((await store.members(den.id, cursor=None, limit=100)).items) == 1


async def test_an_owner_demoted_meanwhile_changes_nobody(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    """Each of two owners makes the other a reader at once: whoever comes second is an owner no more."""
    await change(store, den, bob, Role.OWNER, by=alice)

    def rule(standing: Standing) -> bool:
        if standing.by_role is not Role.OWNER:
            raise Forbidden
        return True

    answers = await asyncio.gather(
        store.change_member(den.id, bob, Role.READER, by=alice.id, at=1, rule=rule),
        other.change_member(den.id, alice, Role.READER, by=bob.id, at=1, rule=rule),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(Forbidden) == 1


async def test_joining_or_leaving_a_room_that_is_not_there_is_not_found(store: Store, bob: User) -> None:
    with pytest.raises(NotFound):
        await store.join("nowhere", bob, Role.MEMBER, at=1)
    with pytest.raises(NotFound):
        await store.leave("nowhere", bob, at=1)


async def test_unread_messages_are_those_above_what_was_read(store: Store, den: Room, alice: User) -> None:
    one, two, three = await send(store, den, "one", "two", "three")
    await store.append(den.id, reaction("r", one, "👍"))
    (four,) = await send(store, den, "four")

    async def unread() -> int:
        view = await store.room_view(den.id, alice.id)
        assert view is not None
        return view.unread_count

    assert await unread() == 4
    for seq, left in [(one - 1, 4), (one, 3), (two, 2), (three + 1, 1), (four, 0)]:
        await store.mark_read(den.id, alice.id, seq)
        assert await unread() == left
    await send(store, den, "five")
    assert await unread() == 1


@pytest.mark.parametrize(("marked", "read_seq"), [(2, 3), (0, 3), (-5, 3), (4, 4), (5, 4), (2**60, 4)])
async def test_what_was_read_never_falls_and_never_passes_the_head(
    store: Store, den: Room, alice: User, marked: int, read_seq: int
) -> None:
    await send(store, den, "two", "three", "four")
    await store.mark_read(den.id, alice.id, 3)
    await store.mark_read(den.id, alice.id, marked)
    member = await store.member(den.id, alice.id)
    assert member is not None
    assert member.read_seq == read_seq


async def test_marking_read_without_membership_is_not_found(store: Store, den: Room, bob: User) -> None:
    with pytest.raises(NotFound):
        await store.mark_read(den.id, bob.id, 1)
    with pytest.raises(NotFound):
        await store.mark_read("nowhere", bob.id, 1)


async def test_the_last_message_of_a_room_is_shown_folded(store: Store, den: Room, alice: User) -> None:
    async def last() -> tuple[int, str, bool] | None:
        view = await store.room_view(den.id, alice.id)
        assert view is not None
        shown = view.last_message
        return None if shown is None else (shown.seq, shown.body, shown.deleted)

    assert await last() is None
    await send(store, den, "one", "two")
    await store.append(den.id, edit("e", 3, "two, edited"))
    assert await last() == (3, "two, edited", False)
    await store.append(den.id, delete("d", 3))
    assert await last() == (3, "", True)


# -- pages


async def all_pages(ask: Callable[[str | None], Awaitable[Page[Any]]], *, limit: int) -> list[Any]:
    """Return all items of a list, making sure that each page but the last is full."""
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


async def test_the_rooms_of_a_user_are_listed_page_by_page(store: Store, alice: User, bob: User) -> None:
    rooms = [make_room(n, Visibility.PRIVATE) for n in range(7)]
    for room in rooms:
        await store.create_room(room, alice)
    await store.create_room(make_room(99), bob)
    for limit in (1, 3, 7, 100):
        views = await all_pages(
            lambda cursor, limit=limit: store.rooms_of(alice.id, cursor=cursor, limit=limit),  # type: ignore[misc]
            limit=limit,
        )
        assert sorted(view.room.id for view in views) == [room.id for room in rooms]
        assert views == [await store.room_view(view.room.id, alice.id) for view in views]


async def test_public_rooms_are_listed_page_by_page_without_private_ones(
    store: Store, alice: User, bob: User, den: Room
) -> None:
    public = [make_room(n) for n in range(5)]
    for room in public:
        await store.create_room(room, alice)
    views = await all_pages(lambda cursor: store.public_rooms(bob.id, cursor=cursor, limit=2), limit=2)
    assert sorted(view.room.id for view in views) == sorted([LOBBY_ID, *(room.id for room in public)])
    assert {view.role for view in views} == {None}
    mine = await all_pages(lambda cursor: store.public_rooms(alice.id, cursor=cursor, limit=2), limit=2)
    assert {view.role for view in mine if view.room.id != LOBBY_ID} == {Role.OWNER}


async def test_members_are_listed_page_by_page(store: Store, den: Room, alice: User) -> None:
    users = [make_user(n) for n in range(6)]
    for user in users:
        await store.create_account(account_of(user))
        await store.join(den.id, user, Role.MEMBER, at=7)
    members = await all_pages(lambda cursor: store.members(den.id, cursor=cursor, limit=3), limit=3)
    assert sorted(member.user_id for member in members) == sorted([alice.id, *(user.id for user in users)])
    assert members == [await store.member(den.id, member.user_id) for member in members]
    assert (await store.members("nowhere", cursor=None, limit=3)).items == []


async def test_what_is_added_or_leaves_between_two_pages_hides_nothing_and_repeats_nothing(
    store: Store, alice: User
) -> None:
    rooms = [make_room(n) for n in range(6)]
    for room in rooms:
        await store.create_room(room, alice)
    first = await store.rooms_of(alice.id, cursor=None, limit=3)
    seen = [view.room.id for view in first.items]
    await store.leave(seen[0], alice, at=9)
    await store.create_room(make_room(50), alice)
    rest = await all_pages(
        lambda cursor: store.rooms_of(alice.id, cursor=cursor or first.next_cursor, limit=3), limit=3
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
        store.rooms_of(alice.id, cursor=cursor, limit=3),
        store.public_rooms(alice.id, cursor=cursor, limit=3),
        store.members(den.id, cursor=cursor, limit=3),
    ):
        with pytest.raises(BadCursor):
            await ask


async def test_a_cursor_of_another_list_is_refused(store: Store, alice: User) -> None:
    for number in range(3):
        await store.create_room(make_room(number), alice)
    of_mine = (await store.rooms_of(alice.id, cursor=None, limit=1)).next_cursor
    with pytest.raises(BadCursor):
        await store.public_rooms(alice.id, cursor=of_mine, limit=1)


# -- appending


async def test_an_entry_is_stored_as_it_was_drafted(store: Store, den: Room) -> None:
    sent = message("r1", "hello", reply_to=None)
    appended = await store.append(den.id, sent)
    assert appended.is_new
    assert appended.entry == Entry(
        den.id, 2, sent.kind, sent.user_id, sent.username, sent.at, sent.ref, sent.data
    )
    assert (await whole_log(store, den.id))[-1] == appended.entry


async def test_seqs_are_dense_and_agreed_on_by_fifty_senders_on_two_stores(
    store: Store, other: Store, alice: User
) -> None:
    async def sender(number: int, via: Store) -> dict[int, str]:
        """Send ten messages; return the body that was acked at each seq."""
        acked = {}
        for n in range(10):
            body = f"{number}/{n}"
            acked[(await via.append(LOBBY_ID, message(f"ref-{body}", body))).entry.seq] = body
        assert list(acked) == sorted(acked), "who waits for each ack is numbered in that order"
        return acked

    answers = await asyncio.gather(*(sender(n, via) for n, via in enumerate([store, other] * 25)))
    acked = {seq: body for answer in answers for seq, body in answer.items()}
    assert sorted(acked) == list(range(1, 501))
    for reader in (store, other):
        stored = {entry.seq: entry.data["body"] for entry in await whole_log(reader, LOBBY_ID)}
        assert stored == acked


async def test_a_read_sees_every_write_that_was_acked_anywhere(store: Store, other: Store, den: Room) -> None:
    for n in range(30):
        writer, reader = (store, other) if n % 2 else (other, store)
        acked = await writer.append(den.id, message(f"r{n}"))
        assert (await reader.heads([den.id]))[den.id].seq == acked.entry.seq
        assert await reader.log(den.id, after=acked.entry.seq - 1, limit=1) == [acked.entry]


async def test_a_ref_raced_on_two_stores_has_one_seq(store: Store, other: Store, den: Room) -> None:
    for n in range(20):
        answers = await asyncio.gather(
            *(each.append(den.id, message(f"r{n}", f"body {n}")) for each in (store, other) * 3)
        )
        assert len({answer.entry.seq for answer in answers}) == 1
        assert [answer.entry for answer in answers] == [answers[0].entry] * 6
        assert sum(answer.is_new for answer in answers) == 1
    assert [entry.seq for entry in await whole_log(store, den.id)] == list(range(1, 22))


async def test_a_retry_gets_the_same_ack_after_a_thousand_later_entries(
    store: Store, other: Store, den: Room
) -> None:
    acked = await store.append(den.id, message("first", "once"))
    for batch in range(11):
        await asyncio.gather(*(store.append(den.id, message(f"r{batch}-{n}")) for n in range(100)))
    for again in (store, other):
        retry = await again.append(den.id, message("first", "once"))
        assert (retry.entry, retry.epoch, retry.is_new) == (acked.entry, acked.epoch, False)
    assert (await store.heads([den.id]))[den.id].seq == acked.entry.seq + 1_100


async def test_a_retry_counts_as_one_whatever_its_time_and_spelling_of_the_name(
    store: Store, den: Room
) -> None:
    acked = await store.append(den.id, message("r1"))
    retry = await store.append(den.id, replace(message("r1"), at=99_999, username="Alice"))
    assert (retry.entry, retry.is_new) == (acked.entry, False)


@pytest.mark.parametrize(
    ("room_id", "second"),
    [
        pytest.param(DEN.id, message("r1", "another body"), id="body"),
        pytest.param(DEN.id, message("r1", "hello", reply_to=2), id="reply"),
        pytest.param(LOBBY_ID, message("r1", "hello"), id="room"),
        pytest.param(DEN.id, edit("r1", 2, "hello"), id="kind"),
    ],
)
async def test_a_ref_used_for_something_else_is_a_conflict(
    store: Store, den: Room, room_id: str, second: Draft
) -> None:
    acked = await store.append(den.id, message("r1", "hello"))
    with pytest.raises(RefConflict):
        await store.append(room_id, second)
    assert (await store.append(den.id, message("r1", "hello"))).entry == acked.entry
    heads = await store.heads([den.id, LOBBY_ID])
    assert (heads[den.id].seq, heads[LOBBY_ID].seq) == (2, 0)


async def test_a_ref_is_its_users_own(store: Store, den: Room, bob: User) -> None:
    first = await store.append(den.id, message("r1"))
    second = await store.append(den.id, message("r1", by=bob))
    assert (first.entry.seq, second.entry.seq, second.is_new) == (2, 3, True)


async def test_without_a_ref_every_append_is_new(store: Store, den: Room) -> None:
    acked = [await store.append(den.id, message(None)) for _ in range(3)]
    assert [answer.entry.seq for answer in acked] == [2, 3, 4]
    assert acked[0].entry.ref is None


async def test_a_caller_who_gives_up_leaves_the_numbering_whole(store: Store, den: Room) -> None:
    callers = [asyncio.ensure_future(store.append(den.id, message(f"r{n}"))) for n in range(60)]
    await asyncio.sleep(0)
    for caller in callers[::3]:
        caller.cancel()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    acked = [answer.entry for answer in answers if not isinstance(answer, BaseException)]
    assert len(acked) >= 40
    stored = await whole_log(store, den.id)
    assert [entry.seq for entry in stored] == list(range(1, len(stored) + 1))
    assert all(stored[entry.seq - 1] == entry for entry in acked)
    retried = [await store.append(den.id, message(f"r{n}")) for n in range(60)]
    assert sorted(answer.entry.seq for answer in retried) == list(range(2, 62))


async def test_appending_to_a_room_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.append("nowhere", message("r1"))


async def test_an_author_whose_membership_has_changed_is_not_let_in_by_what_it_was(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    for role in (None, Role.READER):
        await change(store, den, bob, Role.MEMBER, by=alice)
        was = await other.member(den.id, bob.id)
        assert was is not None
        await change(store, den, bob, role, by=alice)
        head = await store.heads([den.id])
        with pytest.raises(MembershipChanged):
            await other.append(den.id, message(f"1-{role}", by=BOB), author=was)
        assert await store.heads([den.id]) == head


async def test_an_author_whose_membership_stands_is_let_in_within_two_looks(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    """The second look is for a node that knew too little of the room."""
    await change(store, den, bob, Role.MEMBER, by=alice)
    await send(store, den, *(f"{n}" for n in range(100)))
    await change(store, den, bob, Role.MODERATOR, by=alice)
    for attempt in range(2):
        now = await other.member(den.id, bob.id)
        try:
            appended = await other.append(den.id, message("mine", by=BOB), author=now)
        except MembershipChanged:
            assert attempt == 0
        else:
            assert appended.is_new
            return


async def test_a_look_at_a_membership_holds_however_much_is_said_meanwhile(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    was = await store.member(den.id, bob.id)
    for _ in range(4):
        await asyncio.gather(*(store.append(den.id, message(None)) for _ in range(50)))
    assert (await store.append(den.id, message("mine", by=BOB), author=was)).is_new


async def test_an_author_is_let_in_within_two_looks_however_many_come_meanwhile(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    was = await store.member(den.id, bob.id)
    for number in range(70):
        await store.create_account(account_of(make_user(number)))
        await store.join(den.id, make_user(number), Role.READER, at=1)
    with suppress(MembershipChanged):  # more of them than are remembered
        await store.append(den.id, message("mine", by=BOB), author=was)
    now = await store.member(den.id, bob.id)
    await store.append(den.id, message("mine", by=BOB), author=now)
    assert [entry.ref for entry in await whole_log(store, den.id)].count("mine") == 1


async def test_nothing_of_an_author_is_stored_after_their_removal_however_it_races(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    for round_ in range(10):
        await change(store, den, bob, Role.MEMBER, by=alice)

        async def write(via: Store, name: str) -> None:
            for n in range(100):
                member = await via.member(den.id, bob.id)
                if member is None:
                    return
                with suppress(MembershipChanged):
                    await via.append(den.id, message(f"{name}-{n}", by=BOB), author=member)

        writing = [write(via, f"{round_}-{n}") for n, via in enumerate((store, other, store, other))]
        await asyncio.gather(*writing, change(other, den, bob, None, by=alice))
    is_member = False
    for entry in await whole_log(store, den.id):
        if entry.user_id == bob.id and entry.kind is Kind.MEMBER:
            is_member = entry.data["role"] is not None
        elif entry.user_id == bob.id:
            assert is_member, entry


async def test_members_are_not_appended(store: Store, den: Room, alice: User) -> None:
    with pytest.raises(Invalid):
        await store.append(den.id, draft(Kind.MEMBER, "r1", {"role": "owner", "by": alice.id}, by=alice))


@pytest.mark.parametrize("target", [1, 3, 4, 99, 0, -1, 2**53])
async def test_what_changes_a_message_needs_one(store: Store, den: Room, target: int) -> None:
    """Seq 1 is a member entry, 3 an edit; the others do not exist. 2 is the one message."""
    await send(store, den, "two")
    await store.append(den.id, edit("e1", 2, "edited"))
    for change in (edit("e", target, "x"), delete("d", target), reaction("r", target, "👍")):
        with pytest.raises(NotFound):
            await store.append(den.id, change)
    assert (await store.heads([den.id]))[den.id].seq == 3
    for change in (edit("e", 2, "x"), reaction("r", 2, "👍"), delete("d", 2)):
        await store.append(den.id, change)


async def test_a_room_entry_is_logged(store: Store, den: Room, alice: User) -> None:
    data: EntryData = {"name": "Cellar", "topic": "", "visibility": "private"}
    appended = await store.append(den.id, draft(Kind.ROOM, "r1", data, by=alice))
    assert (await whole_log(store, den.id))[-1] == appended.entry


# -- reading the log


@pytest.mark.parametrize(
    ("after", "limit", "seqs"),
    [
        (0, 3, [1, 2, 3]),
        (2, 2, [3, 4]),
        (0, 100, [1, 2, 3, 4, 5]),
        (4, 3, [5]),
        (5, 3, []),
        (99, 3, []),
        (2**60, 3, []),
    ],
)
async def test_a_log_is_read_in_ranges(
    store: Store, den: Room, after: int, limit: int, seqs: list[int]
) -> None:
    await send(store, den, "two", "three", "four", "five")
    entries = await store.log(den.id, after=after, limit=limit)
    assert [entry.seq for entry in entries] == seqs
    assert {entry.room_id for entry in entries} <= {den.id}


async def test_heads_leave_out_rooms_that_are_not_there(store: Store, den: Room) -> None:
    await send(store, den, "two")
    heads = await store.heads([den.id, "nowhere", LOBBY_ID, den.id])
    assert {room_id: head.seq for room_id, head in heads.items()} == {den.id: 2, LOBBY_ID: 0}
    assert heads[den.id].room_id == den.id
    assert await store.heads([]) == {}


async def test_history_is_paged_backwards_from_the_newest(store: Store, den: Room) -> None:
    await send(store, den, *"abcdefg")
    pages, before, more = [], None, True
    while more:
        history = await store.history(den.id, before=before, limit=3)
        pages.append("".join(item.body for item in history.items))
        before, more = history.items[0].seq, history.has_more
    assert pages == ["efg", "bcd", "a"]


async def test_history_is_paged_forwards_from_a_seq(store: Store, den: Room) -> None:
    await send(store, den, *"abcdef")
    pages, after, more = [], 0, True
    while more:
        history = await store.history(den.id, after=after, limit=3)
        pages.append("".join(item.body for item in history.items))
        after, more = history.items[-1].seq, history.has_more
    assert pages == ["abc", "def"]


async def test_history_beyond_either_end_is_empty(store: Store, den: Room) -> None:
    assert (await store.history(den.id, limit=3)).items == []
    await send(store, den, "two")
    for bounds in ({"before": 2}, {"before": 0}, {"before": -1}, {"after": 2}, {"after": 2**60}):
        history = await store.history(den.id, limit=3, **bounds)
        assert (history.items, history.has_more) == ([], False)
    assert len((await store.history(den.id, before=2**60, limit=3)).items) == 1
    with pytest.raises(NotFound):
        await store.history("nowhere", limit=3)


async def test_a_page_of_history_is_full_however_much_else_lies_between(store: Store, den: Room) -> None:
    (first,) = await send(store, den, "first")
    for n in range(30):
        await store.append(den.id, reaction(f"r{n}", first, "👍", added=n % 2 == 0))
    await send(store, den, "last")
    history = await store.history(den.id, limit=2)
    assert [item.body for item in history.items] == ["first", "last"]
    assert not history.has_more


async def test_later_changes_are_folded_into_the_page_of_their_message(
    store: Store, den: Room, bob: User
) -> None:
    one, two, three, four = await send(store, den, "one", "two", "three", "four")
    await store.append(den.id, edit("e1", one, "eins"))
    await store.append(den.id, edit("e2", one, "uno"))
    await store.append(den.id, reaction("r1", two, "👍", by=bob))
    await store.append(den.id, reaction("r2", two, "👍"))
    await store.append(den.id, reaction("r3", two, "🎉"))
    await store.append(den.id, reaction("r4", two, "🎉", added=False))
    await store.append(den.id, delete("d1", three))
    history = await store.history(den.id, before=four, limit=10)
    first, second, third = history.items
    assert (first.body, first.edited_at) == ("uno", 5_000)
    assert second.reactions == (Reaction("👍", (bob.id, ALICE.id)),)
    assert (third.body, third.deleted) == ("", True)
    assert [await store.message(den.id, seq) for seq in (one, two, three)] == history.items


async def test_only_a_messages_seq_gives_a_message(store: Store, den: Room) -> None:
    await send(store, den, "two")
    await store.append(den.id, edit("e", 2, "edited"))
    found = {seq: await store.message(den.id, seq) for seq in (-1, 0, 1, 2, 3, 4, 2**60)}
    assert [seq for seq, item in found.items() if item is not None] == [2]
    assert await store.message("nowhere", 1) is None


# -- erasing


async def test_a_deleted_body_is_erased_with_those_of_its_edits_and_no_others(
    store: Store, den: Room
) -> None:
    kept, secret = await send(store, den, "kept", "secret")
    await store.append(den.id, edit("e1", secret, "secret, edited"))
    await store.append(den.id, edit("e2", kept, "kept, edited"))
    await store.append(den.id, reaction("r1", secret, "👍"))
    await store.append(den.id, delete("d1", secret))
    entries = await whole_log(store, den.id)
    bodies = [entry.data["body"] for entry in entries if "body" in entry.data]
    assert bodies == ["kept", "", "", "kept, edited"]
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[-1].data == {"target": secret}


async def test_a_retry_of_what_was_erased_since_still_gets_its_ack(store: Store, den: Room) -> None:
    sent = await store.append(den.id, message("r1", "secret"))
    edited = await store.append(den.id, edit("e1", sent.entry.seq, "secret, edited"))
    deleted = await store.append(den.id, delete("d1", sent.entry.seq))
    for again, acked in [
        (message("r1", "secret"), sent),
        (edit("e1", sent.entry.seq, "secret, edited"), edited),
        (delete("d1", sent.entry.seq), deleted),
    ]:
        retry = await store.append(den.id, again)
        assert (retry.entry.seq, retry.is_new) == (acked.entry.seq, False)
    with pytest.raises(RefConflict):
        await store.append(den.id, message("r1", "something else"))


async def test_an_edit_that_comes_after_the_delete_leaves_no_body_behind(store: Store, den: Room) -> None:
    seq = (await store.append(den.id, message("r1", "secret"))).entry.seq
    await store.append(den.id, delete("d1", seq))
    await store.append(den.id, edit("e1", seq, "secret again"))
    assert "secret" not in str(await whole_log(store, den.id))
    folded = await store.message(den.id, seq)
    assert folded is not None
    assert (folded.body, folded.deleted) == ("", True)


# -- odd input


@pytest.mark.parametrize("text", ODD_TEXTS)
async def test_every_text_survives_a_round_trip(store: Store, text: str) -> None:
    user = User("user-odd", text, text, created_at=1)
    await store.create_account(Account(user, text, text))
    await store.create_session(session_of(user, user_agent=text), most=20)
    room = Room("room-odd", text, text, Visibility.PUBLIC, created_at=1)
    await store.create_room(room, user)
    async with store.changes() as tail:
        appended = await store.append(room.id, message(text, text, by=user))
        changes = await collect(tail, reaches(room.id, 2))
    await store.append(room.id, reaction("r", 2, text, by=user))

    assert await store.account_by_name(text) == Account(user, text, text)
    assert await store.session("session-1") == session_of(user, user_agent=text)
    assert await store.room(room.id) == room
    assert await store.keep(text, text) == text
    assert appended.entry.data == {"body": text, "reply_to": None}
    assert entries_of(changes, room.id) == [appended.entry]
    assert (await whole_log(store, room.id))[1] == appended.entry
    folded = await store.message(room.id, 2)
    assert folded is not None
    assert (folded.body, folded.ref, folded.username) == (text, text, text)
    assert folded.reactions == (Reaction(text, (user.id,)),)
    retry = await store.append(room.id, message(text, text, by=user))
    assert (retry.entry, retry.is_new) == (appended.entry, False)


async def test_the_longest_body_of_the_widest_characters_is_kept_whole(store: Store, den: Room) -> None:
    body = "😀" * 4_000
    appended = await store.append(den.id, message("r1", body))
    assert (await whole_log(store, den.id))[-1].data["body"] == body
    assert appended.entry.data["body"] == body


@pytest.mark.parametrize("odd", ODD_IDS)
async def test_an_id_that_nothing_has_is_just_not_found(
    store: Store, den: Room, alice: User, odd: str
) -> None:
    assert await store.account(odd) is None
    assert await store.account_by_name(odd) is None
    assert await store.session(odd) is None
    assert await store.room(odd) is None
    assert await store.room_view(odd, alice.id) is None
    assert await store.member(odd, alice.id) is None
    assert await store.member(den.id, odd) is None
    assert await store.message(odd, 1) is None
    assert await store.log(odd, after=0, limit=5) == []
    assert await store.heads([odd]) == {}
    assert not await store.end_session(odd)
    assert (await store.rooms_of(odd, cursor=None, limit=5)).items == []
    assert await rotate(store, odd, "h1", "h2") is Rotation.UNKNOWN
    for missing in (
        store.append(odd, message("r1")),
        store.history(odd, limit=5),
        store.mark_read(odd, alice.id, 1),
        store.mark_read(den.id, odd, 1),
        store.join(odd, alice, Role.MEMBER, at=1),
        store.leave(odd, alice, at=1),
        store.set_display_name(odd, "x"),
    ):
        with pytest.raises(NotFound):
            await missing


# -- changes


async def test_changes_come_in_the_order_of_seq_whoever_makes_them(
    store: Store, other: Store, den: Room
) -> None:
    async with store.changes() as tail:
        await asyncio.gather(
            *(
                via.append(room_id, message(f"{room_id}-{n}", by=BOB))
                for n, via in enumerate([store, other] * 50)
                for room_id in (den.id, LOBBY_ID)
            )
        )
        last = {den.id: 101, LOBBY_ID: 100}
        changes = await collect(tail, lambda seen: all(reaches(*end)(seen) for end in last.items()))
    for room_id, first in ((den.id, 2), (LOBBY_ID, 1)):
        entries = entries_of(changes, room_id)
        assert [entry.seq for entry in entries] == list(range(first, last[room_id] + 1))
        assert entries == (await whole_log(store, room_id))[first - 1 :]


async def test_every_kind_of_entry_is_a_change(store: Store, den: Room, bob: User) -> None:
    async with store.changes() as tail:
        await store.join(den.id, bob, Role.MEMBER, at=1)
        await store.append(den.id, message("m"))
        await store.append(den.id, edit("e", 3, "x"))
        await store.append(den.id, reaction("r", 3, "👍"))
        await store.append(den.id, delete("d", 3))
        await store.leave(den.id, bob, at=2)
        changes = await collect(tail, reaches(den.id, 7))
    kinds = [entry.kind for entry in entries_of(changes, den.id)]
    assert kinds == [Kind.MEMBER, Kind.MESSAGE, Kind.EDIT, Kind.REACTION, Kind.DELETE, Kind.MEMBER]


async def test_what_was_there_before_is_no_change(store: Store, other: Store, den: Room, alice: User) -> None:
    await send(store, den, "before")
    await store.create_session(session_of(alice), most=20)
    await store.end_session("session-1")
    async with other.changes() as tail:
        await send(store, den, "after")
        changes = await collect(tail, reaches(den.id, 3))
    assert [change for change in changes if isinstance(change, SessionEnded)] == []
    assert [entry.data["body"] for entry in entries_of(changes, den.id)] == ["after"]


async def test_a_retry_is_no_change(store: Store, den: Room) -> None:
    async with store.changes() as tail:
        await send(store, den, "two", "two", "two", "three")
        changes = await collect(tail, reaches(den.id, 3))
    assert [entry.seq for entry in entries_of(changes, den.id)] == [2, 3]


async def test_the_end_of_a_session_is_a_change_on_every_store(
    store: Store, other: Store, alice: User
) -> None:
    await store.create_session(session_of(alice), most=20)
    await store.create_session(session_of(alice, "session-2"), most=20)
    async with store.changes() as near, other.changes() as far:
        await store.end_session("session-1")
        assert await rotate(store, "session-2", "stolen", "h2") is Rotation.REUSED
        for tail in (near, far):
            changes = await collect(tail, lambda seen: ends("session-1")(seen) and ends("session-2")(seen))
            assert SessionEnded("session-1", alice.id) in changes
            assert SessionEnded("session-2", alice.id) in changes


async def test_several_tails_each_see_everything(store: Store, den: Room) -> None:
    async with store.changes() as first, store.changes() as second:
        await send(store, den, "two", "three")
        for tail in (first, second):
            changes = await collect(tail, reaches(den.id, 3))
            assert [entry.seq for entry in entries_of(changes, den.id)] == [2, 3]


async def test_what_happened_between_two_tails_is_found_by_heads_and_log(
    store: Store, other: Store, den: Room
) -> None:
    async with store.changes() as tail:
        await send(store, den, "two")
        seen = entries_of(await collect(tail, reaches(den.id, 2)), den.id)
    await send(other, den, "three", "four")
    async with store.changes() as tail:
        await send(other, den, "five")
        head = (await store.heads([den.id]))[den.id]
        missed = await store.log(den.id, after=seen[-1].seq, limit=head.seq - seen[-1].seq)
        later = entries_of(await collect(tail, reaches(den.id, 5)), den.id)
    told = {entry.seq: entry.data["body"] for entry in [*seen, *missed, *later]}
    assert told == {2: "two", 3: "three", 4: "four", 5: "five"}


async def test_a_tail_keeps_what_comes_while_nobody_asks(store: Store, den: Room) -> None:
    async with store.changes() as tail:
        for batch in range(13):
            await asyncio.gather(*(store.append(den.id, message(f"r{batch}-{n}")) for n in range(100)))
        changes = await collect(tail, reaches(den.id, 1_301))
    assert [entry.seq for entry in entries_of(changes, den.id)] == list(range(2, 1_302))


async def test_a_quiet_tail_says_that_it_is_alive(store: Store) -> None:
    async with store.changes() as tail, asyncio.timeout(2 * QUIET_SECONDS):
        assert await anext(tail) == [Quiet()]


async def test_a_tail_leaves_no_task_behind(store: Store, den: Room) -> None:
    before = asyncio.all_tasks()
    async with store.changes() as tail:
        await send(store, den, "two")
        await collect(tail, reaches(den.id, 2))
    if extra := asyncio.all_tasks() - before:  # a store may still be tidying up behind what was appended
        await asyncio.wait(extra, timeout=WAIT_SECONDS)
    assert asyncio.all_tasks() == before


async def test_a_tail_of_a_store_that_closes_says_that_it_is_lost(store_url: str) -> None:
    closing = await open_store(store_url, quiet_seconds=1.0)
    async with closing.changes() as tail:
        following = asyncio.ensure_future(collect(tail, lambda _: False))
        await asyncio.sleep(0)
        await closing.close()
        with pytest.raises(Unavailable):
            await following


# -- attempts


async def test_attempts_are_counted_until_there_are_too_many_and_again_when_they_are_past(
    store: Store,
) -> None:
    def attempt(at: int, key: str = "a") -> Awaitable[int]:
        return store.attempt(key, at=at, count=3, window_ms=1_000)

    assert [await attempt(at) for at in (10_000, 10_300, 10_600)] == [0, 0, 0]
    assert await attempt(10_700) == 300
    assert await attempt(10_700, key="b") == 0
    assert [await attempt(11_000), await attempt(11_001)] == [0, 299]


async def test_an_attempt_that_is_forgiven_leaves_room_for_one(store: Store) -> None:
    async def attempt(at: int) -> bool:
        return not await store.attempt("a", at=at, count=2, window_ms=1_000)

    assert [await attempt(10_000), await attempt(10_000)] == [True, True]
    await store.forgive("a", at=10_000)
    await store.forgive("a", at=9_999)
    await store.forgive("nobody", at=10_000)
    assert [await attempt(10_001), await attempt(10_002)] == [True, False]


async def test_no_more_attempts_than_allowed_are_counted_however_many_come_at_once(
    store: Store, other: Store
) -> None:
    waits = await asyncio.gather(
        *(one.attempt("a", at=10_000, count=5, window_ms=1_000) for one in (store, other) for _ in range(20))
    )
    assert waits.count(0) == 5


async def test_an_attempt_of_a_clock_that_was_far_ahead_locks_nobody(store: Store) -> None:
    assert await store.attempt("a", at=10**12, count=1, window_ms=1_000) == 0
    assert await store.attempt("a", at=10_000, count=1, window_ms=1_000) == 0


async def test_members_and_rooms_are_counted(store: Store, den: Room, bob: User) -> None:
    assert [await store.member_count(DEN.id), await store.room_count(bob.id)] == [1, 0]
    await store.join(DEN.id, bob, Role.MEMBER, 1)
    assert [await store.member_count(DEN.id), await store.room_count(bob.id)] == [2, 1]
    await store.leave(DEN.id, bob, 2)
    assert [await store.member_count(DEN.id), await store.room_count(bob.id)] == [1, 0]
    assert [await store.member_count("x" * 10_000), await store.room_count("")] == [0, 0]


async def test_a_cursor_of_another_list_or_one_that_was_changed_is_refused(
    store: Store, alice: User, bob: User
) -> None:
    for number in range(3):
        await store.create_room(make_room(number), alice)
        await store.join(f"room-{number:03}", bob, Role.MEMBER, number)
    mine = (await store.rooms_of(alice.id, cursor=None, limit=1)).next_cursor
    members = (await store.members("room-000", cursor=None, limit=1)).next_cursor
    assert mine is not None
    assert members is not None
    assert len((await store.rooms_of(alice.id, cursor=mine, limit=1)).items) == 1
    for cursor in (mine[:-1], mine + "A", mine.swapcase(), mine + "=", members, ""):
        with pytest.raises(BadCursor):
            await store.rooms_of(alice.id, cursor=cursor, limit=1)
    with pytest.raises(BadCursor):
        await store.rooms_of(bob.id, cursor=mine, limit=1)
    with pytest.raises(BadCursor):
        await store.members("room-001", cursor=members, limit=1)
