"""What every request that waits for something to happen needs: an end of the waiting, and its time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

Ends: TypeAlias = Callable[[], Awaitable[object]]
"""Returns when a request should wait no longer: its client has gone, or the server is ending."""
StillAllowed: TypeAlias = Callable[[], Awaitable[object]]
"""Raises when the token of a request does not count any more."""


@asynccontextmanager
async def ended_by(gone: Ends, woken: asyncio.Event) -> AsyncIterator[asyncio.Future[object]]:
    """Wait for `gone` while the block runs, and set the event when it returns."""
    waiting = asyncio.ensure_future(gone())
    waiting.add_done_callback(lambda _waiting: woken.set())
    try:
        yield waiting
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def is_woken(woken: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set. Return False after so many seconds without."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await woken.wait()
    except TimeoutError:
        return False
    return True
