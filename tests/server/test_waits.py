"""The light queue and event behave like asyncio's, as far as the server uses them."""

import asyncio

import pytest

from api.server.waits import Gate, Inbox

pytestmark = pytest.mark.anyio


async def test_an_inbox_gives_what_was_put_in_order_and_waits_for_more() -> None:
    inbox = Inbox[int]()
    inbox.put_nowait(1)
    inbox.put_nowait(2)
    assert not inbox.empty()
    assert [await inbox.get(), await inbox.get()] == [1, 2]
    assert inbox.empty()
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait(3)
    async with asyncio.timeout(5):
        assert await reader == 3


async def test_a_reader_that_gives_up_takes_nothing_with_it() -> None:
    inbox = Inbox[int]()
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    inbox.put_nowait(1)
    async with asyncio.timeout(5):
        assert await inbox.get() == 1


async def test_a_gate_lets_all_through_when_it_opens_and_nobody_when_it_is_closed_again() -> None:
    gate = Gate()
    waiting = [asyncio.create_task(gate.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    gate.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting[1:])
        await gate.wait()
    gate.clear()
    late = asyncio.create_task(gate.wait())
    await asyncio.sleep(0)
    assert not late.done()
    gate.set()
    await late
