"""`tailwire doctor`: checks a setup: store, clock, lobby, feed, followers, search, files, secret and port."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from api.accounts.secret import secret_or_none
from api.cli.files import gap_of
from api.config import Settings, name_of
from api.config.doors import open_doors
from api.config.files import place_of_files
from api.config.secrets import secret_weakness
from api.errors import TailwireError
from api.files.store import SPARE_BYTES, FileStore
from api.models.rooms import LOBBY_ID
from api.rooms.attachments import FileParts
from api.rooms.wiring import wire_files
from api.search.file import IndexFile
from api.search.wiring import STORE_ID
from api.server.run import PortInUse, bind
from api.store import Opening, Store, open_store
from api.store.skew import NOTABLE_MS, measured_skew

FEED_SECONDS: Final = 12.0
ANSWER_SECONDS: Final = 2.0
FILES_SECONDS: Final = 5.0
SOME_FILES: Final = 200
MEBIBYTE: Final = 1024 * 1024
SCARCE_BYTES: Final = 4 * SPARE_BYTES
"""A disk for files with less space than this is said to be nearly full."""
FAR_BEHIND: Final = 1_000
"""A follower that has more entries than this to handle does not keep up, or is not run at all."""
SLICE: Final = 1_000
"""So many rooms are looked at by one query."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. A door that is open to strangers may be meant, so it is not wrong."""

    ok: bool
    text: str
    is_door: bool = False


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check the parts of a setup, beginning with those that others depend on."""
    kind = settings.store_kind
    try:
        store = await open_store(settings.store, opening=Opening.LOOK)
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
    for door in open_doors(settings):
        yield Finding(True, f"{door.what}; {door.remedy} ends that", is_door=True)


async def _examine_store(settings: Settings, store: Store) -> AsyncIterator[Finding]:
    try:
        yield _examine_skew((await measured_skew(store))[0])
        lobby = await store.rooms.get(LOBBY_ID)
        yield Finding(lobby is not None, "lobby: there" if lobby else "lobby: missing; run `tailwire init`")
        async with asyncio.timeout(FEED_SECONDS), store.changes.open():
            yield Finding(True, "feed: opens")
        async for finding in _examine_followers(store):
            yield finding
        if settings.search:
            yield await _examine_search(settings, store)
        for finding in await _examine_files(settings, store):
            yield finding
        yield await _examine_secret(settings, store)
    except TimeoutError:
        yield Finding(False, f"feed: did not open within {FEED_SECONDS:.0f} seconds")
    except TailwireError as error:
        yield Finding(False, f"store: {error.message}")


async def _examine_followers(store: Store) -> AsyncIterator[Finding]:
    """Look at every follower that has a position anywhere."""
    for lease in await store.leases.all():
        lag, follows, after = 0, False, ""
        while slice_ := await store.positions.page(lease.name, after=after, limit=SLICE):
            follows |= any(one.position is not None for one in slice_)
            lag += sum(one.lag for one in slice_)
            after = slice_[-1].head.room_id
        if follows:
            who = "a server runs it" if lease.is_held else "no server runs it now"
            yield Finding(lag <= FAR_BEHIND, f"follower {lease.name}: {lag:,} entries behind, and {who}")


async def _examine_search(settings: Settings, store: Store) -> Finding:
    file = IndexFile(settings.search_index, await store.kept(STORE_ID) or "")
    if not file.may_be_written():
        return Finding(
            False, f"search: {file.path} cannot be written; {name_of('search_path')} names another place"
        )
    state = await asyncio.to_thread(file.state)
    if state is None:
        return Finding(True, "search: no index of this database yet; a server makes it")
    done, lag = state
    if done < 1:
        return Finding(True, f"search: the index is being made, {done:.0%} is done")
    return Finding(lag <= FAR_BEHIND, f"search: the index is there, {lag:,} entries behind")


async def _examine_files(settings: Settings, store: Store) -> list[Finding]:
    parts: FileParts | None = None
    try:
        parts = await asyncio.to_thread(_files_that_are_there, settings)
        if parts is None:
            return []
        async with asyncio.timeout(FILES_SECONDS):
            return [await _examine_space(parts.store), await _examine_gaps(store, parts.store)]
    except TimeoutError:
        return [Finding(False, f"files: did not answer within {FILES_SECONDS:.0f} seconds")]
    except TailwireError as error:
        return [Finding(False, f"files: {error.message}")]
    finally:
        if parts is not None:
            await parts.close()


def _files_that_are_there(settings: Settings) -> FileParts | None:
    """Return the parts of files, or None where there are none. The folder for them is made by a server."""
    where = place_of_files(settings.files, settings.store)
    if where is None or ("://" not in where and not Path(where).exists()):
        return None
    return wire_files(settings, [""])


async def _examine_space(files: FileStore) -> Finding:
    await files.check()
    free = await files.free_bytes()
    if free is None:
        return Finding(True, "files: can be written")
    if free < SCARCE_BYTES:
        text = f"only {free // MEBIBYTE:,} MiB are free; none are taken below {SPARE_BYTES // MEBIBYTE}"
        return Finding(False, f"files: {text}")
    return Finding(True, f"files: can be written, {free // MEBIBYTE:,} MiB are free")


async def _examine_gaps(store: Store, files: FileStore) -> Finding:
    """Look for the bytes of some files: `tailwire files check` looks for all."""
    rows = [one for one in await store.attachments.page(after="", limit=SOME_FILES) if one.is_whole]
    gaps = sum([await gap_of(files, one) is not None for one in rows])
    if gaps:
        return Finding(
            False,
            f"files: of {len(rows):,} that were looked at {gaps:,} are not whole; see `tailwire files check`",
        )
    return Finding(True, f"files: {len(rows):,} were looked at, and all are whole")


def _examine_skew(skew: int) -> Finding:
    if abs(skew) <= NOTABLE_MS:
        return Finding(True, f"clock: {abs(skew)} ms from the store's")
    side = "ahead of" if skew > 0 else "behind"
    return Finding(
        False,
        f"clock: {abs(skew)} ms {side} the store's. Tailwire goes by the store's; other programs here do not:"
        " set this machine's clock",
    )


async def _examine_secret(settings: Settings, store: Store) -> Finding:
    if settings.secret is not None:
        return Finding(True, "secret: TAILWIRE_SECRET is set and strong enough")
    kept = await secret_or_none(store)
    if kept is None:
        return Finding(True, "secret: none yet; `tailwire serve` makes one and keeps it in the store")
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
