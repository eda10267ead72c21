"""Checks a setup for `tailwire doctor`: store, clock, lobby, feed, secret and port."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Final

from api.accounts.secret import kept_secret
from api.clock import now_ms
from api.config import Settings, secret_weakness
from api.errors import TailwireError
from api.models.rooms import LOBBY_ID
from api.server.run import PortInUse, bind
from api.store import Store, open_store

MAX_SKEW_MS: Final = 5_000
"""The largest accepted difference from the store's clock: tokens have this much leeway."""
FEED_SECONDS: Final = 12.0
ANSWER_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    ok: bool
    text: str


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check the parts of a setup, beginning with those that others depend on."""
    kind = settings.store.partition(":")[0]
    try:
        store = await open_store(settings.store)
    except TailwireError as error:
        yield Finding(False, f"store ({kind}): {error.message}")
    else:
        try:
            yield Finding(True, f"store ({kind}): reached, and its schema is there")
            async for finding in _examine_store(settings, store):
                yield finding
        finally:
            await store.close()
    yield await asyncio.to_thread(_examine_port, settings)


async def _examine_store(settings: Settings, store: Store) -> AsyncIterator[Finding]:
    try:
        before = now_ms()
        there = await store.clock()
        skew = there - (before + now_ms()) // 2
        yield Finding(abs(skew) <= MAX_SKEW_MS, f"clock: {abs(skew)} ms from the store's")
        lobby = await store.rooms.get(LOBBY_ID)
        yield Finding(lobby is not None, "lobby: there" if lobby else "lobby: missing; run `tailwire init`")
        async with asyncio.timeout(FEED_SECONDS), store.changes.open():
            yield Finding(True, "feed: opens")
        yield _examine_secret(None if settings.secret else await kept_secret(store))
    except TimeoutError:
        yield Finding(False, f"feed: did not open within {FEED_SECONDS:.0f} seconds")
    except TailwireError as error:
        yield Finding(False, f"store: {error.message}")


def _examine_secret(kept: str | None) -> Finding:
    if kept is None:
        return Finding(True, "secret: TAILWIRE_SECRET is set and strong enough")
    weakness = secret_weakness(kept)
    return Finding(weakness is None, f"secret: the kept one {weakness or 'is strong enough'}")


def _examine_port(settings: Settings) -> Finding:
    try:
        bind(settings.host, settings.port).close()
    except PortInUse as error:
        if _is_served_by_us(settings):
            return Finding(True, f"port: Tailwire is running on {settings.host} port {settings.port}")
        return Finding(False, f"port: {error}")
    return Finding(True, f"port: {settings.host} port {settings.port} is free")


def _is_served_by_us(settings: Settings) -> bool:
    """Return whether the program on the port is a Tailwire, by an answer that only Tailwire gives."""
    connection = HTTPConnection(settings.host, settings.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/ws/messages")  # /openapi.json may be switched off
        return bool(json.loads(connection.getresponse().read())["code"] == "upgrade_required")
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return False
    finally:
        connection.close()
