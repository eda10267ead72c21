"""Erases accounts in the background: memberships, messages, names on entries and the account itself.

One process erases, under a lease that it takes when it finds marked accounts. Each step may be repeated. So an erasure
that a crash interrupted is begun again by another process, and what a process does that does not know yet that its
lease has ended, the other does too.
"""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final, Literal, TypeAlias

import structlog

from api.clock import now_ms
from api.errors import NotFound, Unavailable
from api.jobs.deletion import OnFilesGone, nothing_to_remove
from api.jobs.leases import LeaseHolder
from api.models.accounts import ERASED_NAME, Account, User
from api.models.followers import Lease
from api.models.log import Draft, Entry, Kind
from api.models.page import items_of
from api.models.rooms import Role, RoomView, inheriting
from api.store.base.store import Store

LEASE: Final = "erasure"
LOOK_SECONDS: Final = 60.0
"""How often this process looks for erasures that another began and did not finish."""
PAGE: Final = 100

How: TypeAlias = Literal["tombstone", "anonymise"]

log = structlog.get_logger("api.erasure")


class Erasure:
    """Erases the accounts that are marked. `run` is a task for `Tasks`."""

    def __init__(
        self, store: Store, leases: LeaseHolder, how: How, *, on_files_gone: OnFilesGone = nothing_to_remove
    ) -> None:
        self._store = store
        self._leases = leases
        self._how = how
        self._on_files_gone = on_files_gone
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """Make `run` look for marked accounts at once."""
        self._begun.set()

    async def run(self) -> None:
        """Erase marked accounts, for ever."""
        while True:
            self._begun.clear()
            with suppress(Unavailable):  # the next round tries again
                await self.erase_marked()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._begun.wait()

    async def erase_marked(self) -> None:
        """Erase every marked account, or see another process do it. Raises `Unavailable`.

        One that cannot be erased is logged, and tried again the next time.
        """
        await self._leases.do_all(LEASE, self._store.erasure.pending, self._erase_all)

    async def _erase_all(self, _lease: Lease) -> None:
        for user_id in await self._store.erasure.pending():
            try:
                account = await self._store.accounts.get(user_id)
                if account is not None:
                    await self._erase(account)
            except Unavailable:
                raise
            except Exception:
                log.exception("erasure_failed")  # the accounts after this one must not wait for it

    async def _erase(self, account: Account) -> None:
        nobody = User(account.user.id, ERASED_NAME, ERASED_NAME, account.user.created_at)
        await self._store.sessions.end_all(nobody.id)
        await self._begin_bots(nobody.id)
        await self._leave_all(nobody)
        cursor: str | None = None
        while True:
            page = await self._store.erasure.entries_of(nobody.id, cursor=cursor, limit=PAGE)
            if self._how == "tombstone":
                for entry in page.items:
                    await self._tombstone(entry)
            await self._store.erasure.anonymise(page.items, ERASED_NAME)
            if (cursor := page.next_cursor) is None:
                break
        while await self._store.attachments.give_up_user(nobody.id):
            self._on_files_gone()
        await self._store.erasure.finish(nobody.id)
        log.info("account_erased")

    async def _begin_bots(self, owner_id: str) -> None:
        """Begin to erase the bots of an account. `run` comes to them in its next round, which follows at once."""
        async for bot in items_of(partial(self._store.accounts.bots_of, owner_id)):
            await self._store.erasure.begin(bot.user.id)
            self._begun.set()

    async def _leave_all(self, nobody: User) -> None:
        cursor: str | None = None
        while True:
            page = await self._store.rooms.of_user(nobody.id, cursor=cursor, limit=PAGE)
            for view in page.items:
                await self._leave(view, nobody)
            cursor = page.next_cursor
            if cursor is None and not page.items:  # else others may have added the user meanwhile
                return

    async def _leave(self, view: RoomView, nobody: User) -> None:
        """Leave a room. Its last owner is followed by another before, so that it is never without one."""
        room_id = view.room.id
        if view.role is Role.OWNER:
            heir = await self._store.members.heir(room_id, nobody.id)
            if heir is not None:
                await self._store.members.change(room_id, heir, by=nobody.id, at=now_ms(), rule=inheriting)
        await self._store.members.leave(room_id, nobody, now_ms())

    async def _tombstone(self, entry: Entry) -> None:
        if entry.kind != Kind.MESSAGE or not (entry.data["body"] or entry.data.get("files")):
            return  # a message that shows nothing has been erased before
        draft = Draft(Kind.DELETE, entry.user_id, ERASED_NAME, now_ms(), ref=None, data={"target": entry.seq})
        try:
            await self._store.log.append(entry.room_id, draft)
        except NotFound:
            log.warning("erasure_without_message", room_id=entry.room_id, seq=entry.seq)
