"""Reads that wait together, on the threads of a store."""

import asyncio
import threading
from typing import Any

import apsw
import pytest

from api.errors import NotFound, Unavailable
from api.store.sqlite.store import SqliteStore
from tests.store.sqlite.files import WAIT_SECONDS

pytestmark = pytest.mark.anyio


def _nothing(cursor: apsw.Cursor) -> None:
    raise NotFound


def _number(cursor: apsw.Cursor) -> Any:
    return cursor.execute("SELECT 7").fetchone()


async def test_of_reads_that_wait_together_each_has_its_own_answer(store: SqliteStore) -> None:
    reads = [store._reader.do(_nothing if n % 3 == 0 else _number) for n in range(100)]
    answers = await asyncio.gather(*reads, return_exceptions=True)
    assert [isinstance(one, NotFound) for one in answers] == [n % 3 == 0 for n in range(100)]
    assert [one for one in answers if not isinstance(one, NotFound)] == [(7,)] * 66


async def test_a_long_read_holds_up_no_read_that_comes_after_it(store: SqliteStore) -> None:
    begun, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def long(cursor: apsw.Cursor) -> Any:
        loop.call_soon_threadsafe(begun.set)
        may_end.wait(WAIT_SECONDS)
        return _number(cursor)

    reading = asyncio.ensure_future(store._reader.do(long))
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await begun.wait()
            assert await asyncio.gather(*(store._reader.do(_number) for _ in range(50))) == [(7,)] * 50
        assert not reading.done()
    finally:
        may_end.set()
    assert await reading == (7,)


async def test_reads_that_wait_when_the_store_closes_are_refused(store: SqliteStore) -> None:
    threads, may_end = threading.Barrier(3), threading.Event()

    def long(cursor: apsw.Cursor) -> Any:
        threads.wait(WAIT_SECONDS)
        may_end.wait(WAIT_SECONDS)
        return _number(cursor)

    reading = [asyncio.ensure_future(store._reader.do(long)) for _ in range(2)]
    await asyncio.to_thread(threads.wait, WAIT_SECONDS)  # both threads read now
    waiting = [asyncio.ensure_future(store._reader.do(_number)) for _ in range(5)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    may_end.set()
    await closing
    assert await asyncio.gather(*reading) == [(7,), (7,)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(one, Unavailable) for one in answers)
