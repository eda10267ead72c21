"""Token buckets and windows let exactly their rate through, and forget idle keys."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import RateLimited, Unavailable
from api.limits import rates
from api.limits.concurrency import ConcurrencyLimit
from api.limits.memory import Memory
from api.limits.rates import FEW_KEYS, MAX_KEYS, Bucket, Buckets, Rate, Refusals, Window, Windows
from api.realtime.admission import Admission

STEPS = st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=200)


@given(STEPS, st.floats(0.5, 50), st.integers(1, 20))
def test_a_bucket_lets_no_more_through_than_its_burst_and_its_rate(
    steps: list[float], per_second: float, burst: int
) -> None:
    bucket, buckets, now = Bucket(Rate(per_second, burst)), Buckets(Rate(per_second, burst)), 1_000.0
    taken: list[float] = []
    for step in steps:
        now += step
        wait = bucket.take(now)
        assert wait == buckets.take("key", now)
        if not wait:
            taken.append(now)
        for first in range(len(taken)):
            allowed = burst + (now - taken[first]) * per_second
            assert len(taken) - first <= allowed + 1e-3


@given(STEPS, st.floats(0.5, 50), st.integers(1, 20))
def test_whoever_waits_as_long_as_a_bucket_says_is_let_through(
    steps: list[float], per_second: float, burst: int
) -> None:
    bucket, now = Bucket(Rate(per_second, burst)), 1_000.0
    for step in steps:
        now += step / 100
        if wait := bucket.take(now):
            now += wait
            assert not bucket.take(now)


def test_a_bucket_is_full_after_a_pause_and_no_fuller() -> None:
    bucket = Bucket(Rate(10, 20))
    for now in (0.0, 1_000.0):
        assert [bool(bucket.take(now)) for _ in range(21)] == [False] * 20 + [True]
    assert bucket.take(1_000.0) == pytest.approx(0.1)


@given(STEPS, st.integers(1, 20), st.floats(0.5, 20))
def test_a_window_holds_its_count_and_who_waits_is_let_through(
    steps: list[float], count: int, seconds: float
) -> None:
    window, windows, now = Window(count, seconds), Windows(count, seconds), 1_000.0
    taken: list[float] = []
    for step in steps:
        now += step
        wait = window.take(now)
        assert wait == windows.take("key", now)
        inside = [time for time in taken if time > now - seconds]
        assert bool(wait) == (len(inside) >= count)
        if wait:
            assert inside[0] + seconds - now == wait
        else:
            taken.append(now)


@pytest.fixture(params=["buckets", "windows"])
def kept(request: pytest.FixtureRequest) -> Buckets | Windows:
    """A limit of one in a second for each key."""
    return Buckets(Rate(1, 1)) if request.param == "buckets" else Windows(1, 1)


def test_keys_are_apart(kept: Buckets | Windows) -> None:
    assert not kept.take("one", 5.0)
    assert kept.take("one", 5.0)
    assert not kept.take("other", 5.0)


def test_idle_keys_are_forgotten_and_busy_ones_are_bounded(kept: Buckets | Windows) -> None:
    for number in range(10 * FEW_KEYS):
        kept.take(f"early {number}", 5.0 + number)  # each key is idle when the next one comes
    assert len(kept) <= FEW_KEYS + 1
    for number in range(3 * MAX_KEYS):
        kept.take(f"late {number}", 1e6)
    assert kept.take(f"late {number}", 1e6)
    assert len(kept) <= 2 * MAX_KEYS + 1


def test_a_door_counts_the_sockets_of_one_ipv6_subscriber_together() -> None:
    admission = Admission(Memory(None), connections=9, unauthenticated=2, unauthenticated_per_address=1)
    with admission.wait("2001:db8::1"):
        with pytest.raises(RateLimited), admission.wait("2001:db8::ffff"):
            pass
        with admission.wait("2001:db8:0:1::1"), admission.wait("192.0.2.1"):
            pass
    with admission.wait("2001:db8::2"):
        pass


def test_a_refusal_is_repeated_for_a_moment_and_no_longer_than_the_wait() -> None:
    refusals = Refusals(1.0)
    refusals.note("long", 60.0, 5.0)
    refusals.note("short", 0.5, 5.0)
    assert [refusals.wait(key, 5.25) for key in ("long", "short", "other")] == [59.75, 0.25, 0.0]
    assert [refusals.wait(key, 5.75) for key in ("long", "short")] == [59.25, 0.0]
    assert refusals.wait("long", 6.0) == 0.0
    refusals.note("taken back", 60.0, 6.0)
    refusals.forget("taken back")
    assert refusals.wait("taken back", 6.0) == 0.0
    for number in range(5 * FEW_KEYS):
        refusals.note(f"{number}", 60.0, 10.0 + number)
    assert len(refusals) <= 2 * FEW_KEYS


@pytest.mark.anyio
async def test_turns_come_in_order_few_at_a_time_and_too_many_are_refused() -> None:
    turns, begun, end = ConcurrencyLimit(2, 3), list[int](), asyncio.Event()

    async def take(number: int) -> None:
        async with turns.take():
            begun.append(number)
            await end.wait()

    tasks = [asyncio.create_task(take(number)) for number in range(7)]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert (done, begun) == (set(tasks[5:]), [0, 1])
    assert all(isinstance(task.exception(), Unavailable) for task in done)

    tasks[2].cancel()  # the place of a cancelled task goes to the next one
    end.set()
    await asyncio.wait(tasks)
    assert begun == [0, 1, 3, 4]
    async with turns.take(), turns.take():
        pass


@pytest.mark.parametrize("make", [lambda: Windows(1, 60.0), lambda: Buckets(Rate(1 / 60, 1))])
def test_a_flood_of_keys_frees_nobody_who_goes_on_asking(
    make: Callable[[], Windows | Buckets], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "FEW_KEYS", 4)
    monkeypatch.setattr(rates, "MAX_KEYS", 4)
    kept = make()
    assert kept.take("busy", 0.0) == 0
    for number in range(40):
        kept.take(f"another {number}", 0.0)
        assert kept.take("busy", 0.0) > 0
