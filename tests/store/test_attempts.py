"""What every store promises of attempts."""

import asyncio
from collections.abc import Awaitable

import pytest

from api.store.base.store import Store

pytestmark = pytest.mark.anyio


async def test_attempts_are_counted_until_there_are_too_many_and_again_when_they_are_past(
    store: Store,
) -> None:
    def attempt(at: int, key: str = "a") -> Awaitable[int]:
        return store.attempts.take(key, at=at, count=3, window_ms=1_000)

    assert [await attempt(at) for at in (10_000, 10_300, 10_600)] == [0, 0, 0]
    assert await attempt(10_700) == 300
    assert await attempt(10_700, key="b") == 0
    assert [await attempt(11_000), await attempt(11_001)] == [0, 299]


async def test_an_attempt_that_is_forgiven_leaves_room_for_one(store: Store) -> None:
    async def attempt(at: int) -> bool:
        return not await store.attempts.take("a", at=at, count=2, window_ms=1_000)

    assert [await attempt(10_000), await attempt(10_000)] == [True, True]
    await store.attempts.forgive("a", at=10_000)
    await store.attempts.forgive("a", at=9_999)
    await store.attempts.forgive("nobody", at=10_000)
    assert [await attempt(10_001), await attempt(10_002)] == [True, False]


async def test_no_more_attempts_than_allowed_are_counted_however_many_come_at_once(
    store: Store, other: Store
) -> None:
    waits = await asyncio.gather(
        *(
            one.attempts.take("a", at=10_000, count=5, window_ms=1_000)
            for one in (store, other)
            for _ in range(20)
        )
    )
    assert waits.count(0) == 5


async def test_an_attempt_of_a_clock_that_was_far_ahead_locks_nobody(store: Store) -> None:
    assert await store.attempts.take("a", at=10**12, count=1, window_ms=1_000) == 0
    assert await store.attempts.take("a", at=10_000, count=1, window_ms=1_000) == 0
