"""Notices that a request which waits should wait no longer: the client has gone, or the server is ending."""

import asyncio

from fastapi import Request


async def gone(request: Request) -> None:
    """Return when the client has gone, or the server is ending. The request's body must have been read."""
    ending: asyncio.Event | None = request.scope.get("state", {}).get("ending")  # set by api/server/http.py
    waits = [asyncio.ensure_future(_left(request))]
    if ending is not None:
        waits.append(asyncio.ensure_future(_ends(ending)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _ends(ending: asyncio.Event) -> None:
    await ending.wait()
