"""Removes the bytes of files that nobody has any more: those of deleted messages and rooms, and those never sent.

A follower of all rooms notes which message has which file, and which are gone with a deleted message. What is gone is
removed by one process, under a lease: first the bytes, and then the row that tells of them. So what a crash interrupted
is gone on with, and no byte is left without a row.
"""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from typing import Final

import structlog

from api.clock import now_ms
from api.errors import LeaseLost, Unavailable
from api.files.store import FileStore
from api.jobs.followers import Batch, Follower
from api.jobs.leases import RENEW_SECONDS, LeaseHolder
from api.models.attachments import Attachment, Usage, file_ids_in
from api.models.followers import Lease
from api.models.log import Entry, Kind
from api.models.previews import picture_ids, previews_in
from api.store.base.store import Store

LEASE: Final = "file removal"
"""Not the name of the follower, under whose lease that works: taking it would end the follower's."""
USED: Final = "files"
LOOK_SECONDS: Final = 60.0
"""How often this process looks for what to remove, unless something is given up here."""
SLICE: Final = 100
RECOUNT_SECONDS: Final = 3_600.0
"""Counting anew reads the rows of all files, so it is done when a process begins to remove, and then this rarely."""
EMPTY_MS: Final = 3_600_000
"""An upload of which nothing has come holds its part of the quotas no longer than this."""
LEFT_MS: Final = 3_600_000
"""What a process that crashed left of its work on a picture is removed after this time."""

log = structlog.get_logger("api.files")


async def there_are_files(store: Store, used: asyncio.Event) -> None:
    """Wait until there was a file: `used` is set when one is uploaded here. Raises `Unavailable`."""
    while await store.kept(USED) is None:  # another process may store the first file
        with suppress(TimeoutError):
            async with asyncio.timeout(RENEW_SECONDS):
                await used.wait()


class FileRemoval:
    """Removes files. `run` is a task for `Tasks`. What is not sent goes after `unsent_ms`.

    Before there is a file it does nothing but ask whether there is one.
    """

    def __init__(self, store: Store, leases: LeaseHolder, files: FileStore, *, unsent_ms: int) -> None:
        self._store = store
        self._leases = leases
        self._files = files
        self._unsent_ms = unsent_ms
        self._begun = asyncio.Event()
        self._recount_at = 0.0
        self.used = asyncio.Event()
        """Is set when a file is uploaded here."""
        self.counts: Counter[str] = Counter()
        """How many files were `removed`, and how many of them because they were not sent (`swept`). Of how many the
        bytes could not be removed (`failed`)."""
        self.usage = Usage()
        """How much there is of all users, as of the last round."""
        self.free_bytes: int | None = None
        """How many bytes there is space for, as of the last round, or None where nobody knows."""

    def begin(self) -> None:
        """Make `run` look soon."""
        self._begun.set()

    async def run(self) -> None:
        """Remove files, for ever."""
        await there_are_files(self._store, self.used)
        while True:
            self._begun.clear()
            with suppress(Unavailable, LeaseLost):  # the next round tries again
                await self._leases.do(LEASE, self._remove_all)
                self.usage = await self._store.attachments.usage(None)
                self.free_bytes = await self._files.free_bytes()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._begun.wait()

    async def remove_all(self) -> None:
        """Give up what was not sent, and remove everything that is gone. Raises `Unavailable`."""
        await self._leases.do(LEASE, self._remove_all)

    async def _remove_all(self, _lease: Lease) -> None:
        await self._sweep()
        after = ""
        while ids := await self._store.attachments.gone(after=after, limit=SLICE):
            for file_id in ids:
                await self._remove_one(file_id)
            after = ids[-1]
        if time.monotonic() >= self._recount_at:
            await self._store.attachments.recount()
            self._recount_at = time.monotonic() + RECOUNT_SECONDS
        await self._files.tidy(now_ms() - LEFT_MS)

    async def _remove_one(self, file_id: str) -> None:
        try:
            await self._files.remove(file_id)
        except Exception as error:  # noqa: BLE001  the files after it must not wait for it; the next round tries again
            self.counts["failed"] += 1
            log.warning("file_not_removed", file_id=file_id, error=type(error).__name__)
            return
        if await self._store.attachments.remove(file_id):
            self.counts["removed"] += 1

    async def _sweep(self) -> None:
        """Give up what was not sent in time. A file that is claimed for a message goes only if that is not stored."""
        list_ = self._store.attachments.unsent
        while unsent := await list_(
            before=now_ms() - self._unsent_ms, empty_before=now_ms() - EMPTY_MS, limit=SLICE
        ):
            changed = [await self._sweep_one(one) for one in unsent]
            if not any(changed):
                return  # others change them at this moment

    async def _sweep_one(self, one: Attachment) -> bool:
        if one.is_avatar and one.is_whole and await self._is_shown(one):
            await self._store.attachments.renew(one.id, at=now_ms())
            return True
        if one.is_in_preview and one.seq is not None and one.is_whole:
            message = await self._store.log.message(one.room_id, one.seq)
            if message is not None and one.id in picture_ids(message.previews):
                await self._store.attachments.send(
                    [one.id], room_id=one.room_id, user_id=one.user_id, seq=one.seq
                )
                return True
        elif one.ref is not None and not one.is_avatar:
            entry = await self._store.log.sent_as(one.room_id, one.user_id, one.ref)
            if entry is not None and one.id in file_ids_in(entry.data):
                await self._store.attachments.send(
                    [one.id], room_id=one.room_id, user_id=one.user_id, seq=entry.seq
                )
                message = await self._store.log.message(one.room_id, entry.seq)
                if message is None or message.deleted:  # it was deleted before this was noted
                    await self._store.attachments.give_up_message(one.room_id, entry.seq)
                return True
        given_up = await self._store.attachments.give_up(one)
        self.counts["swept"] += given_up
        return given_up

    async def _is_shown(self, avatar: Attachment) -> bool:
        """Say whether a picture is that of its user or room now, and not one of before, or one that a crash left."""
        if avatar.room_id:
            room = await self._store.rooms.get(avatar.room_id)
            return room is not None and room.avatar == avatar.id
        account = await self._store.accounts.get(avatar.user_id)
        return account is not None and account.user.avatar == avatar.id


class FileFollower(Follower):
    """The follower `files`. It begins with the first file, and then reads all logs once."""

    def __init__(self, store: Store, leases: LeaseHolder, removal: FileRemoval) -> None:
        super().__init__(store, leases, "files", self._handle, forget=self._forget)
        self._rooms = store
        self._removal = removal

    async def run(self) -> None:
        """Follow all rooms, as soon as there is a file. Raises `Unavailable`."""
        await there_are_files(self._rooms, self._removal.used)
        await super().run()

    async def _handle(self, batch: Batch) -> None:
        for entry in batch.entries:
            await self._note(entry)

    async def _note(self, entry: Entry) -> None:
        attachments = self._rooms.attachments
        if entry.kind == Kind.MESSAGE and (ids := file_ids_in(entry.data)):
            await attachments.send(ids, room_id=entry.room_id, user_id=entry.user_id, seq=entry.seq)
        target = entry.data.get("target")
        if not isinstance(target, int):
            return
        if entry.kind == Kind.DELETE and await attachments.give_up_message(entry.room_id, target):
            self._removal.begin()
        elif entry.kind in {Kind.EDIT, Kind.PREVIEW}:
            await self._note_previews(entry, target)

    async def _note_previews(self, entry: Entry, seq: int) -> None:
        """Let the pictures go of previews that a message has no more."""
        attachments = self._rooms.attachments
        if ids := picture_ids(previews_in(entry.data)):
            await attachments.send(ids, room_id=entry.room_id, user_id=entry.user_id, seq=seq)
        sent = [one for one in await attachments.of_message(entry.room_id, seq) if one.is_in_preview]
        if not sent:
            return
        message = await self._rooms.log.message(entry.room_id, seq)
        shown = set() if message is None else set(picture_ids(message.previews))
        for one in sent:
            if one.id not in shown and await attachments.give_up(one):
                self._removal.begin()

    async def _forget(self, room_id: str) -> None:
        while await self._rooms.attachments.give_up_room(room_id):
            self._removal.begin()
