"""What every store promises of sessions."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from api.models.accounts import Rotation, User
from api.models.changes import SessionEnded
from api.store.base.sessions import USED_KEPT
from api.store.base.store import Store
from tests.store.calls import collect, ends, rotate
from tests.store.make import session_of

pytestmark = pytest.mark.anyio

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
    await store.sessions.create(session, most=20)
    answer = await store.sessions.rotate(
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
    assert await store.sessions.get(session.id) == after[rotation]


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
        assert sorted(answers) == sorted([Rotation.ROTATED, *[Rotation.GRACE] * 3])


async def test_only_so_many_used_refresh_tokens_are_remembered(store: Store, alice: User) -> None:
    await store.sessions.create(session_of(alice, refresh_hash="h0"), most=20)
    for number in range(USED_KEPT + 1):
        assert await rotate(store, "session-1", f"h{number}", f"h{number + 1}") is Rotation.ROTATED
    assert await rotate(store, "session-1", "h1", "h2") is Rotation.GRACE
    assert await rotate(store, "session-1", "h0", "h1") is Rotation.REUSED
    assert await store.sessions.get("session-1") is None


async def test_a_session_ends_once(store: Store, other: Store, alice: User) -> None:
    await store.sessions.create(session_of(alice), most=20)
    await store.sessions.create(session_of(alice, "session-2"), most=20)
    answers = await asyncio.gather(*(each.sessions.end("session-1") for each in (store, other) * 5))
    assert sorted(answers) == [False] * 9 + [True]
    assert await store.sessions.get("session-1") is None
    assert await store.sessions.get("session-2") is not None


def created(number: int, **changes: Any) -> dict[str, Any]:
    return {"session_id": f"session-{number}", "created_at": number, "expires_at": 1_000} | changes


async def test_the_session_too_many_ends_the_oldest(
    store: Store, other: Store, alice: User, bob: User
) -> None:
    await store.sessions.create(session_of(bob, "session-bob", expires_at=1_000), most=3)
    async with other.changes.open() as tail:
        for number in (2, 1, 3, 4):
            await store.sessions.create(session_of(alice, **created(number)), most=3)
        assert SessionEnded("session-1", alice.id) in await collect(tail, ends("session-1"))
    assert [one.id for one in await store.sessions.of_user(alice.id)] == [
        "session-4",
        "session-3",
        "session-2",
    ]
    assert [one.id for one in await store.sessions.of_user(bob.id)] == ["session-bob"]


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
    assert len(await store.sessions.of_user(alice.id)) == 3


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
