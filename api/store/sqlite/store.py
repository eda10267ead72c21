"""The embedded store: one SQLite file, which every process of the machine may open.

One thread writes, committing all that waits together (sqlite_writer); a few read. Nothing is answered before
the disk has it. What is new is handed on by the writer, or found by reading on from the last id seen
(sqlite_tail); a bell says when others have written (sqlite_wake).
"""

# ruff: noqa: D102 - what each method takes and promises stands in `Store`

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import apsw

from api.models.accounts import Account, AuditEvent, Rotation, Session, User
from api.models.changes import Change
from api.models.log import Appended, Draft, Entry, Head, History, Message
from api.models.page import Page
from api.models.rooms import Member, MembershipRule, Role, Room, RoomView
from api.store.base.store import QUIET_SECONDS, Place, Store, Wants, all_rooms
from api.store.sqlite import accounts, attempts, audit, erasure, sessions
from api.store.sqlite.database import Database
from api.store.sqlite.log import RoomLog
from api.store.sqlite.rooms import Rooms
from api.store.sqlite.tail import Commit, Tail, commit_of, position
from api.store.sqlite.wake import Wake
from api.store.sqlite.writer import Reader, Writer

_READERS: Final = 2  # threads, so that one long page does not hold up every other read


class SqliteStore(Store):
    """See `Store` for what is promised, and `open` for how to get one."""

    def __init__(self, database: Database, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._database = database
        self._quiet_seconds = quiet_seconds
        self._log = RoomLog()
        self._rooms = Rooms(self._log)
        self._wake = Wake(database.path)
        self._tails: set[Tail] = set()
        self._writer = Writer(
            database, commit_of=commit_of, on_commit=self._hand, after_commit=self._committed
        )
        self._reader = Reader(database)
        self._read = self._reader.do
        self._write = self._writer.do

    @classmethod
    async def open(cls, url: str, *, quiet_seconds: float = QUIET_SECONDS) -> "SqliteStore":
        """Open the store at `sqlite:///path`, making it when absent. Raises `Invalid`, `Unavailable`."""
        store = cls(Database(url), quiet_seconds)
        try:
            await store._writer.start()
            await store._reader.start(_READERS)
            store._wake.open()
        except BaseException:
            await store.close()
            raise
        return store

    # -- life

    async def close(self) -> None:
        self._reader.stop()
        self._writer.stop()
        try:
            await self._reader.close()
            await self._writer.close()
        finally:
            self._wake.close()  # last, for the last commit is still to be told to the others

    async def check(self) -> None:
        self._writer.require_life()
        await self._read(lambda cursor: cursor.execute("SELECT seq FROM rooms LIMIT 1").fetchone())

    async def clock(self) -> int:
        return time.time_ns() // 1_000_000

    async def keep(self, name: str, value: str) -> str:
        return await self._write(lambda cursor: accounts.keep(cursor, name, value))

    # -- accounts

    async def create_account(self, account: Account) -> None:
        await self._write(lambda cursor: accounts.create(cursor, account))

    async def account_by_name(self, username_key: str) -> Account | None:
        return await self._read(lambda cursor: accounts.by_name(cursor, username_key))

    async def accounts(self, user_ids: Sequence[str]) -> dict[str, Account]:
        return await self._read(lambda cursor: accounts.accounts(cursor, user_ids))

    async def all_accounts(self, *, cursor: str | None, limit: int) -> Page[Account]:
        return await self._read(lambda reading: accounts.listed(reading, cursor, limit))

    async def users_named(self, prefix: str, *, cursor: str | None, limit: int) -> Page[User]:
        return await self._read(lambda reading: accounts.named(reading, prefix, cursor, limit))

    async def set_display_name(self, user_id: str, display_name: str) -> User:
        return await self._write(lambda cursor: accounts.set_display_name(cursor, user_id, display_name))

    async def set_password_hash(self, user_id: str, password_hash: str, *, over: str | None = None) -> None:
        await self._write(lambda cursor: accounts.set_password_hash(cursor, user_id, password_hash, over))

    async def set_flags(
        self, user_id: str, *, disabled: bool | None = None, admin: bool | None = None
    ) -> Account:
        return await self._write(lambda cursor: accounts.set_flags(cursor, user_id, disabled, admin))

    # -- sessions

    async def create_session(self, session: Session, *, most: int) -> None:
        await self._write(lambda cursor: sessions.create(cursor, session, most))

    async def sessions(self, session_ids: Sequence[str]) -> dict[str, Session]:
        return await self._read(lambda cursor: sessions.sessions(cursor, session_ids))

    async def sessions_of(self, user_id: str) -> list[Session]:
        return await self._read(lambda cursor: sessions.of_user(cursor, user_id))

    async def rotate_refresh(
        self,
        session_id: str,
        *,
        presented_hash: str,
        next_hash: str,
        at: int,
        grace_ms: int,
        expires_at: int,
    ) -> Rotation:
        return await self._write(
            lambda cursor: sessions.rotate(
                cursor,
                session_id,
                presented_hash=presented_hash,
                next_hash=next_hash,
                at=at,
                grace_ms=grace_ms,
                expires_at=expires_at,
            )
        )

    async def end_session(self, session_id: str) -> bool:
        return await self._write(lambda cursor: sessions.end(cursor, session_id))

    async def end_sessions(self, user_id: str, *, but: str | None = None) -> list[str]:
        return await self._write(lambda cursor: sessions.end_all(cursor, user_id, but))

    # -- audit

    async def record(self, event: AuditEvent, *, forget_before: int) -> None:
        await self._write(lambda cursor: audit.record(cursor, event, forget_before))

    async def audit(self, *, cursor: str | None, limit: int) -> Page[AuditEvent]:
        return await self._read(lambda reading: audit.listed(reading, cursor, limit))

    # -- taking an account out

    async def begin_erasing(self, user_id: str) -> None:
        await self._write(lambda cursor: erasure.begin(cursor, user_id))

    async def erasing(self) -> list[str]:
        return await self._read(erasure.begun)

    async def entries_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Entry]:
        return await self._read(
            lambda reading: erasure.entries_of(reading, self._log, user_id, cursor, limit)
        )

    async def anonymise(self, entries: Sequence[Entry], username: str) -> None:
        await self._write(lambda cursor: erasure.anonymise(cursor, entries, username))

    async def finish_erasing(self, user_id: str) -> None:
        await self._write(lambda cursor: erasure.finish(cursor, self._log, user_id))

    # -- attempts

    async def attempt(self, key: str, *, at: int, count: int, window_ms: int) -> int:
        return await self._write(
            lambda cursor: attempts.attempt(cursor, key, at=at, count=count, window_ms=window_ms)
        )

    async def forgive(self, key: str, *, at: int) -> None:
        await self._write(lambda cursor: attempts.forgive(cursor, key, at=at))

    # -- rooms and members

    async def create_room(self, room: Room, owner: User) -> RoomView:
        return await self._write(lambda cursor: self._rooms.create(cursor, room, owner))

    async def room(self, room_id: str) -> Room | None:
        return await self._read(lambda cursor: self._rooms.find(cursor, room_id))

    async def room_view(self, room_id: str, user_id: str) -> RoomView | None:
        return await self._read(lambda cursor: self._rooms.view(cursor, room_id, user_id))

    async def rooms_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:
        return await self._read(lambda reading: self._rooms.joined(reading, user_id, cursor, limit))

    async def public_rooms(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:
        return await self._read(lambda reading: self._rooms.public(reading, user_id, cursor, limit))

    async def change_member(
        self, room_id: str, user: User, role: Role | None, *, by: str, at: int, rule: MembershipRule
    ) -> Appended | None:
        return await self._write(
            lambda cursor: self._rooms.change(cursor, room_id, user, role, by=by, at=at, rule=rule)
        )

    async def memberships(self, places: Sequence[Place]) -> dict[Place, Member]:
        return await self._read(lambda cursor: self._rooms.memberships(cursor, places))

    async def members(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Member]:
        return await self._read(lambda reading: self._rooms.members(reading, room_id, cursor, limit))

    async def member_count(self, room_id: str) -> int:
        return await self._read(lambda cursor: self._rooms.member_count(cursor, room_id))

    async def room_count(self, user_id: str) -> int:
        return await self._read(lambda cursor: self._rooms.room_count(cursor, user_id))

    async def mark_read(self, room_id: str, user_id: str, seq: int) -> int:
        return await self._write(lambda cursor: self._rooms.mark_read(cursor, room_id, user_id, seq))

    # -- the room log

    async def append(self, room_id: str, draft: Draft, *, author: Member | None = None) -> Appended:
        def work(cursor: apsw.Cursor) -> Appended:
            if author is not None:
                self._rooms.require_unchanged(cursor, author)
            return self._log.append(cursor, room_id, draft)

        return await self._write(work)

    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        return await self._read(lambda cursor: self._log.heads(cursor, room_ids))

    async def log(self, room_id: str, *, after: int, limit: int) -> list[Entry]:
        return await self._read(lambda cursor: self._log.log(cursor, room_id, after, limit))

    async def history(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> History:
        return await self._read(
            lambda cursor: self._log.history(cursor, room_id, before=before, after=after, limit=limit)
        )

    async def message(self, room_id: str, seq: int) -> Message | None:
        return await self._read(lambda cursor: self._log.message(cursor, room_id, seq))

    # -- changes

    @asynccontextmanager
    async def changes(
        self,
        wants: Wants = all_rooms,  # noqa: ARG002  all are at hand
    ) -> AsyncIterator[AsyncIterator[list[Change]]]:
        tail = Tail(self._log, self._read, await self._read(position), self._quiet_seconds)
        self._tails.add(tail)
        try:
            with self._wake.listening(tail.look):
                yield tail
        finally:
            self._tails.discard(tail)

    def _hand(self, commit: Commit) -> None:
        for tail in self._tails:
            tail.hand(commit)

    def _committed(self, cursor: apsw.Cursor, commit: Commit) -> None:
        """Do on the writer's thread what a commit entails but its callers need not wait for."""
        self._wake.ring_others()
        self._database.committed(commit.position.entry_id)
        self._log.forget_erased(cursor)
