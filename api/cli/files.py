"""`tailwire files`: whether the bytes of files and what is known of them agree."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from api.cli.command import administer, fail, say, tell
from api.clock import machine_ms
from api.config import read_settings
from api.files.store import FileStore, Kept, Part
from api.models.attachments import Attachment, FileState
from api.rooms.wiring import wire_files
from api.store import Store

SLICE: Final = 500
TOLD_EACH: Final = 10_000
"""After so many files the command says how far it is."""
AT_ONCE: Final = 20
"""So many files are looked for at a time."""
YOUNG_MS: Final = 3_600_000
"""What was written since is left alone: its row may be on the way."""

files = typer.Typer(no_args_is_help=True, help="Check the bytes of files.")


@files.command("check")
def check(
    remove: Annotated[
        bool,
        typer.Option("--remove", help="Remove bytes of which nothing is known, if they are an hour old."),
    ] = False,
) -> None:
    """Find bytes that belong to no file (orphans), and files whose bytes are missing (gaps). Ends with 1 at a gap."""
    found = administer(lambda _admin, store: _checked(store, remove=remove))
    tell(
        f"{found['files']:,} files and {found['kept']:,} things kept: {found['orphans']:,} orphans,"
        f" {found['removed']:,} of them removed, and {found['gaps']:,} gaps"
    )
    if found["gaps"]:
        raise typer.Exit(1)


async def _checked(store: Store, *, remove: bool) -> Counter[str]:
    parts = wire_files(read_settings(), [""])
    if parts is None:
        fail("TAILWIRE_FILES is off: there are no files")
    found: Counter[str] = Counter()
    try:
        waiting: list[Kept] = []
        async for kept in parts.store.all():
            waiting.append(kept)
            if len(waiting) == SLICE:
                await _look_at_bytes(store, parts.store, waiting, found, remove=remove)
                waiting = []
        await _look_at_bytes(store, parts.store, waiting, found, remove=remove)
        after = ""
        while page := await store.attachments.page(after=after, limit=SLICE):
            await _look_at_rows(parts.store, page, found)
            after = page[-1].id
    finally:
        await parts.close()
    return found


async def _look_at_bytes(
    store: Store, kept_by: FileStore, some: list[Kept], found: Counter[str], *, remove: bool
) -> None:
    rows = await store.attachments.get_many(list({one.file_id for one in some}))
    for one in some:
        _count(found, "kept")
        row = rows.get(one.file_id)
        is_left_over = row is not None and row.is_whole and one.part is Part.UPLOAD
        if (row is None or is_left_over) and one.written_at < machine_ms() - YOUNG_MS:
            found["orphans"] += 1
            tell(f"orphan: {one.part}/{one.file_id}, {one.size:,} bytes")
            if remove and row is None:
                await kept_by.remove(one.file_id)
                found["removed"] += 1
            elif remove and await kept_by.size(one.file_id) is not None:
                await kept_by.remove_upload(one.file_id)
                found["removed"] += 1


async def _look_at_rows(kept_by: FileStore, rows: Iterable[Attachment], found: Counter[str]) -> None:
    whole = [one for one in rows if one.state in {FileState.WHOLE, FileState.SENT}]
    for begin in range(0, len(whole), AT_ONCE):
        some = whole[begin : begin + AT_ONCE]
        for one, gap in zip(some, await asyncio.gather(*(gap_of(kept_by, one) for one in some)), strict=True):
            _count(found, "files")
            if gap is not None:
                found["gaps"] += 1
                tell(f"gap: {one.id} in {one.room_id or 'no room'} has {gap}")


async def gap_of(kept_by: FileStore, one: Attachment) -> str | None:
    """Say what is missing of a file that is whole, or None where all is there."""
    size = await kept_by.size(one.id)
    if size != one.size:
        there = "no bytes" if size is None else f"{size:,} bytes"
        return f"{there} instead of {one.size:,}"
    if one.has_thumb and await kept_by.size(one.id, Part.THUMB) is None:
        return "no thumbnail"
    return None


def _count(found: Counter[str], what: str) -> None:
    found[what] += 1
    if not found[what] % TOLD_EACH:
        say(f"looked at {found[what]:,} {what}")
