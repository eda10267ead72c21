"""What every store promises of sessions."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from api.models.accounts import Rotation, SessionUse, User
from api.models.changes import SessionEnded
from api.store.base.sessions import SET_BACK
from api.store.base.store import Store
from tests.store.calls import collect, ends, rotate
from tests.store.make import session_of

pytestmark = pytest.mark.anyio

PREVIOUS = {"previous_hash": "h0", "last_used_at": 900, "expires_at": 5_000}
USED = PREVIOUS | {"pair_used": True}


@pytest.mark.parametrize(
    ("stored", "presented", "following", "rotation", "newest"),
    [
        pytest.param({}, "h1", ["h2"], Rotation.ROTATED, "h2", id="newest-first-time"),
        pytest.param(PREVIOUS, "h1", ["h2", "k2"], Rotation.ROTATED, "h2", id="newest-is-used-by-itself"),
        pytest.param(USED, "h1", ["h2"], Rotation.ROTATED, "h2", id="newest-whose-access-token-was-used"),
        pytest.param(PREVIOUS, "h0", ["h1"], Rotation.REPEATED, "h1", id="previous"),
        pytest.param(PREVIOUS, "h0", ["k1", "h1"], Rotation.REPEATED, "h1", id="previous-by-another-secret"),
        pytest.param(PREVIOUS, "h0", ["k1"], Rotation.REPEATED, "k1", id="previous-by-a-secret-that-is-gone"),
        pytest.param(USED, "h0", ["h1"], Rotation.REUSED, "", id="previous-whose-successor-was-used"),
        pytest.param(PREVIOUS, "h7", ["h8"], Rotation.REUSED, "", id="never-a-token-of-it"),
        pytest.param(
            USED | {"refresh_hash": SET_BACK}, "h7", ["h8"], Rotation.ROTATED, "h8", id="any-after-a-set-back"
        ),
        pytest.param({}, "h7", ["h8"], Rotation.REUSED, "", id="never-a-token-before-any-rotation"),
    ],
)
@pytest.mark.parametrize("at", [2_000, 3], ids=["now", "by-a-clock-that-is-behind"])
async def test_a_refresh_token_is_judged_whatever_the_time(  # noqa: PLR0917 - one row of the table
    store: Store,
    alice: User,
    stored: dict[str, Any],
    presented: str,
    following: list[str],
    rotation: Rotation,
    newest: str,
    at: int,
) -> None:
    session = session_of(alice, **stored)
    await store.sessions.create(session, most=20)
    answer = await store.sessions.rotate(
        session.id, presented_hash=presented, next_hashes=following, at=at, expires_at=at + 4_000
    )
    assert answer == (rotation, newest)
    after = replace(
        session,
        refresh_hash=newest,
        previous_hash=presented,
        pair_used=False,
        last_used_at=max(session.last_used_at, at),
        expires_at=max(session.expires_at, at + 4_000),
    )
    assert await store.sessions.get(session.id) == (None if rotation is Rotation.REUSED else after)


async def test_a_refresh_token_of_no_session_is_unknown(store: Store, alice: User) -> None:
    await store.sessions.create(session_of(alice), most=20)
    assert await rotate(store, "another", "h1", "h2") is Rotation.UNKNOWN
    await store.sessions.end("session-1")
    assert await rotate(store, "session-1", "h1", "h2") is Rotation.UNKNOWN


async def test_a_refresh_token_raced_for_the_same_next_is_used_up_once(
    store: Store, other: Store, alice: User
) -> None:
    for round_number in range(10):
        session = session_of(alice, f"session-{round_number}")
        await store.sessions.create(session, most=20)
        answers = await asyncio.gather(
            *(rotate(each, session.id, "h1", "h2") for each in (store, other, store, other))
        )
        assert sorted(answers) == sorted([Rotation.ROTATED, *[Rotation.REPEATED] * 3])


async def test_a_use_is_stored_and_names_its_pair(store: Store, other: Store, alice: User) -> None:
    first, second = session_of(alice), session_of(alice, "session-2", **PREVIOUS)
    for session in (first, second):
        await store.sessions.create(session, most=20)
    uses = [
        SessionUse(first.id),
        SessionUse(second.id, "h0"),  # of a pair that is not the newest any more
        SessionUse("nobody", "h1"),
        SessionUse("x" * 200, "h1"),
    ]
    await store.sessions.use(uses, at=500)
    assert await other.sessions.get_many([first.id, second.id]) == {
        first.id: replace(first, last_used_at=500),
        second.id: second,
    }
    await other.sessions.use([*uses, SessionUse(second.id, "h1")], at=1_500)
    assert await store.sessions.get(second.id) == replace(second, last_used_at=1_500, pair_used=True)
    await store.sessions.use([], at=2_000)
    assert await rotate(store, second.id, "h0", "h1") is Rotation.REUSED


async def test_a_session_ends_once(store: Store, other: Store, alice: User) -> None:
    await store.sessions.create(session_of(alice), most=20)
    await store.sessions.create(session_of(alice, "session-2"), most=20)
    answers = await asyncio.gather(*(each.sessions.end("session-1") for each in (store, other) * 5))
    assert sorted(answers) == [False] * 9 + [True]
    assert await store.sessions.get("session-1") is None
    assert await store.sessions.get("session-2") is not None


def created(number: int, **changes: Any) -> dict[str, Any]:
    return {"session_id": f"session-{number}", "created_at": number, "expires_at": 1_000} | changes


async def test_the_session_too_many_ends_the_never_used_first_and_then_by_last_use(
    store: Store, other: Store, alice: User, bob: User
) -> None:
    await store.sessions.create(session_of(bob, "session-bob", expires_at=1_000), most=3)
    daily, weekly = (
        created(1, last_used_at=90, previous_hash="h0"),
        created(2, last_used_at=50, pair_used=True),
    )
    async with other.changes.open() as tail:
        for session in (daily, weekly, created(3), created(4)):
            await store.sessions.create(session_of(alice, **session), most=3)
        assert SessionEnded("session-3", alice.id) in await collect(tail, ends("session-3"))
    assert await ids_of(store, alice) == ["session-4", "session-2", "session-1"]
    await store.sessions.use([SessionUse("session-4", "h1")], at=60)
    await store.sessions.create(session_of(alice, **created(6)), most=3)
    assert await ids_of(store, alice) == ["session-6", "session-4", "session-1"]
    assert await ids_of(store, bob) == ["session-bob"]


async def ids_of(store: Store, user: User) -> list[str]:
    return [one.id for one in await store.sessions.of_user(user.id)]


async def test_a_session_by_a_clock_that_is_behind_stays(store: Store, alice: User) -> None:
    for number in (7, 8, 9):
        await store.sessions.create(session_of(alice, **created(number, pair_used=True)), most=3)
    await store.sessions.create(session_of(alice, **created(1)), most=3)
    assert await ids_of(store, alice) == ["session-9", "session-8", "session-1"]


async def test_a_new_session_ends_those_that_have_expired(store: Store, alice: User) -> None:
    await store.sessions.create(session_of(alice, **created(1, expires_at=5)), most=3)
    await store.sessions.create(session_of(alice, **created(6)), most=3)
    assert [one.id for one in await store.sessions.of_user(alice.id)] == ["session-6"]


async def test_sessions_made_at_once_are_not_too_many(store: Store, other: Store, alice: User) -> None:
    making = (
        each.sessions.create(session_of(alice, **created(number + 10 * (each is other))), most=3)
        for number in range(8)
        for each in (store, other)
    )
    await asyncio.gather(*making)
    assert (await ids_of(store, alice))[0] == "session-17"
    assert len(await ids_of(store, alice)) <= 3


async def test_all_sessions_but_one_end_and_every_feed_tells_of_each(
    store: Store, other: Store, alice: User, bob: User
) -> None:
    await store.sessions.create(session_of(bob, "session-bob"), most=20)
    for number in range(3):
        await store.sessions.create(session_of(alice, **created(number)), most=20)
    async with store.changes.open() as mine, other.changes.open() as theirs:
        assert sorted(await store.sessions.end_all(alice.id, but="session-1")) == ["session-0", "session-2"]
        for tail in (mine, theirs):
            await collect(tail, lambda seen: ends("session-0")(seen) and ends("session-2")(seen))
    assert [one.id for one in await other.sessions.of_user(alice.id)] == ["session-1"]
    assert await store.sessions.end_all(alice.id) == ["session-1"]
    assert await store.sessions.end_all(alice.id) == []
    assert await store.sessions.get("session-bob") is not None
