"""The store on a RethinkDB cluster."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from api.errors import Invalid, NotFound, Unavailable
from api.models.accounts import Account, AuditEvent, Rotation, Session, User
from api.models.changes import Change
from api.models.kinds import KINDS
from api.models.log import Appended, Draft, Entry, Head, History, Kind, Message
from api.models.page import Page
from api.models.rooms import Member, MembershipRule, Role, Room, RoomView
from api.store.base.store import QUIET_SECONDS, Place, Store, Wants, all_rooms
from api.store.cluster.accounts import Accounts
from api.store.cluster.acting import require_allowed
from api.store.cluster.attempts import Attempts
from api.store.cluster.audit import AuditLog
from api.store.cluster.epochs import Life
from api.store.cluster.erasure import Erasures
from api.store.cluster.log import RoomLogs
from api.store.cluster.pages import Pages
from api.store.cluster.rooms import Rooms
from api.store.cluster.rows import Reader
from api.store.cluster.schema import verify
from api.store.cluster.sessions import Sessions
from api.store.cluster.tail import open_tail
from api.store.cluster.unflushed import Unflushed
from api.store.cluster.waiting import Seen
from api.store.rethinkdb import Address, Pool, r
from api.store.shape import require_shape


class ClusterStore(Store):
    """See `Store`. Made by `open`."""

    def __init__(self, pool: Pool, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._pool = pool
        self._quiet_seconds = quiet_seconds
        self._reader = Reader()
        self._unflushed = Unflushed()
        self._logs = RoomLogs(pool, self._reader, self._unflushed)
        self._pages = Pages(pool, self._reader)
        self._life = Life(pool, self._reader, self._logs.forget)
        self._accounts = Accounts(pool, self._reader)
        self._sessions = Sessions(pool, self._reader)
        self._audit = AuditLog(pool)
        self._erasures = Erasures(pool, self._logs, self._reader)
        self._attempts = Attempts(pool)
        self._rooms = Rooms(pool, self._reader, self._logs, self._pages, self._accounts)

    @classmethod
    async def open(cls, url: str, *, quiet_seconds: float = QUIET_SECONDS) -> "ClusterStore":
        """Open the store at `rethinkdb://user:password@host:port/database`. Raises `Invalid`, `Unavailable`."""
        pool = Pool(Address.parse(url))
        try:
            await verify(pool)
        except BaseException:
            await pool.close()
            raise
        return cls(pool, quiet_seconds)

    # -- life

    async def close(self) -> None:  # noqa: D102  the promise stands in Store
        await self._logs.close()
        await self._pool.close()

    async def check(self) -> None:  # noqa: D102
        await self._pool.run(r.table("meta", read_mode="majority").get("schema_version"))

    async def clock(self) -> int:  # noqa: D102
        return int(await self._pool.run(r.now().to_epoch_time() * 1000))

    async def keep(self, name: str, value: str) -> str:  # noqa: D102
        row = {"id": f"kept:{name}", "value": value}
        insert = r.table("meta").insert(row, conflict=lambda _id, old, _new: old, return_changes="always")
        return str((await self._pool.write(insert))["changes"][0]["new_val"]["value"])

    # -- accounts

    async def create_account(self, account: Account) -> None:  # noqa: D102
        await self._accounts.create(account)

    async def account_by_name(self, username_key: str) -> Account | None:  # noqa: D102
        return await self._accounts.by_name(username_key)

    async def accounts(self, user_ids: Sequence[str]) -> dict[str, Account]:  # noqa: D102
        return await self._accounts.accounts(user_ids)

    async def all_accounts(self, *, cursor: str | None, limit: int) -> Page[Account]:  # noqa: D102
        return await self._accounts.listed(cursor, limit)

    async def users_named(self, prefix: str, *, cursor: str | None, limit: int) -> Page[User]:  # noqa: D102
        return await self._accounts.named(prefix, cursor, limit)

    async def set_display_name(self, user_id: str, display_name: str) -> User:  # noqa: D102
        return await self._accounts.set_display_name(user_id, display_name)

    async def set_password_hash(  # noqa: D102
        self, user_id: str, password_hash: str, *, over: str | None = None
    ) -> None:
        await self._accounts.set_password_hash(user_id, password_hash, over)

    async def set_flags(  # noqa: D102
        self, user_id: str, *, disabled: bool | None = None, admin: bool | None = None
    ) -> Account:
        given = {"disabled": disabled, "admin": admin}
        return await self._accounts.set_flags(
            user_id, {name: flag for name, flag in given.items() if flag is not None}
        )

    # -- sessions

    async def create_session(self, session: Session, *, most: int) -> None:  # noqa: D102
        await self._sessions.create(session, most)

    async def sessions(self, session_ids: Sequence[str]) -> dict[str, Session]:  # noqa: D102
        return await self._sessions.sessions(session_ids)

    async def sessions_of(self, user_id: str) -> list[Session]:  # noqa: D102
        return await self._sessions.of_user(user_id)

    async def rotate_refresh(self, session_id: str, **how: Any) -> Rotation:  # noqa: D102
        return await self._sessions.rotate(session_id, **how)

    async def end_session(self, session_id: str) -> bool:  # noqa: D102
        return await self._sessions.end(session_id)

    async def end_sessions(self, user_id: str, *, but: str | None = None) -> list[str]:  # noqa: D102
        return await self._sessions.end_all(user_id, but)

    # -- audit

    async def record(self, event: AuditEvent, *, forget_before: int) -> None:  # noqa: D102
        await self._audit.record(event, forget_before)

    async def audit(self, *, cursor: str | None, limit: int) -> Page[AuditEvent]:  # noqa: D102
        return await self._audit.listed(cursor, limit)

    # -- taking an account out

    async def begin_erasing(self, user_id: str) -> None:  # noqa: D102
        await self._erasures.begin(user_id)

    async def erasing(self) -> list[str]:  # noqa: D102
        return await self._erasures.begun()

    async def entries_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Entry]:  # noqa: D102
        return await self._erasures.entries_of(user_id, cursor, limit)

    async def anonymise(self, entries: Sequence[Entry], username: str) -> None:  # noqa: D102
        await self._erasures.anonymise(entries, username)

    async def finish_erasing(self, user_id: str) -> None:  # noqa: D102
        await self._erasures.finish(user_id)

    # -- attempts

    async def attempt(self, key: str, **how: int) -> int:  # noqa: D102
        return await self._attempts.attempt(key, **how)

    async def forgive(self, key: str, *, at: int) -> None:  # noqa: D102
        await self._attempts.forgive(key, at=at)

    # -- rooms and members

    async def create_room(self, room: Room, owner: User) -> RoomView:  # noqa: D102
        return await self._rooms.create(room, owner)

    async def room(self, room_id: str) -> Room | None:  # noqa: D102
        return await self._rooms.find(room_id)

    async def room_view(self, room_id: str, user_id: str) -> RoomView | None:  # noqa: D102
        return await self._rooms.view(room_id, user_id)

    async def rooms_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:  # noqa: D102
        return await self._rooms.joined(user_id, cursor, limit)

    async def public_rooms(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:  # noqa: D102
        return await self._rooms.public(user_id, cursor, limit)

    async def change_member(  # noqa: D102
        self, room_id: str, user: User, role: Role | None, *, by: str, at: int, rule: MembershipRule
    ) -> Appended | None:
        return await self._rooms.change(room_id, user, role, by=by, at=at, rule=rule)

    async def memberships(self, places: Sequence[Place]) -> dict[Place, Member]:  # noqa: D102
        return await self._rooms.memberships(places)

    async def members(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Member]:  # noqa: D102
        return await self._rooms.members(room_id, cursor, limit)

    async def member_count(self, room_id: str) -> int:  # noqa: D102
        return await self._rooms.member_count(room_id)

    async def room_count(self, user_id: str) -> int:  # noqa: D102
        return await self._rooms.room_count(user_id)

    async def mark_read(self, room_id: str, user_id: str, seq: int) -> int:  # noqa: D102
        return await self._rooms.mark_read(room_id, user_id, seq)

    # -- the room log

    async def append(self, room_id: str, draft: Draft, *, author: Member | None = None) -> Appended:  # noqa: D102
        if draft.kind is Kind.MEMBER:
            raise Invalid("membership changes by joining and leaving")
        require_shape(draft)
        await require_allowed(self._pool, draft.kind)
        sent, target = draft, draft.data.get("target")
        if isinstance(target, int):
            message = await self._pages.message(room_id, target)
            if message is None:
                raise NotFound
            if message.deleted and draft.kind is Kind.EDIT:
                draft = _without_body(draft)
        seen = None if author is None else Seen(author.as_of, frozenset({author.user_id}))
        appended = await self._logs.append(room_id, draft, sent=sent, seen=seen)
        self._life.note(room_id, appended.epoch, appended.entry.seq)
        if KINDS[draft.kind].erases:
            await self._logs.flush(room_id)  # the erasing is part of it
            if self._logs.flushed(room_id) < appended.entry.seq:
                raise Unavailable("an entry before it is for nodes of a newer version to carry out")
        return appended

    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:  # noqa: D102
        heads = await self._pages.heads(room_ids)
        for head in heads.values():
            self._life.note(head.room_id, head.epoch, head.seq)
        return heads

    async def log(self, room_id: str, *, after: int, limit: int) -> list[Entry]:  # noqa: D102
        return await self._pages.log(room_id, after, limit)

    async def history(  # noqa: D102
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> History:
        return await self._pages.history(room_id, before, after, limit)

    async def message(self, room_id: str, seq: int) -> Message | None:  # noqa: D102
        return await self._pages.message(room_id, seq)

    # -- changes

    def changes(  # noqa: D102
        self, wants: Wants = all_rooms
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Change]]]:
        return open_tail(
            self._pool,
            self._life,
            self._reader,
            self._unflushed,
            read_log=self._pages.log,
            wants=wants,
            quiet_seconds=self._quiet_seconds,
        )


def _without_body(draft: Draft) -> Draft:
    return Draft(draft.kind, draft.user_id, draft.username, draft.at, draft.ref, {**draft.data, "body": ""})
