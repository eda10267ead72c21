"""Rooms and their members on a RethinkDB cluster.

The log is the truth about membership: `change` appends to it, and the table `members` is carried along behind it
by the flush, which it waits for. Who may do what is asked of both, so that it is right before the flush too, and
whatever becomes of the node that owes it; only lists and counts are of the table alone.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from api.errors import Conflict, MembershipChanged, NotFound, RefConflict, Unavailable
from api.models.accounts import User
from api.models.log import Appended, Message
from api.models.page import Page
from api.models.rooms import Member, MembershipRule, Role, Room, RoomView, Standing, Visibility
from api.store import paging
from api.store.base.store import Place
from api.store.cluster.accounts import Accounts
from api.store.cluster.batches import entry_at
from api.store.cluster.log import RoomLogs
from api.store.cluster.pages import Pages
from api.store.cluster.queries import heads_table, is_head, memberships_query
from api.store.cluster.rows import Reader, carried_over, is_key, membership_after, membership_of
from api.store.cluster.schema import empty_head
from api.store.cluster.waiting import Seen
from api.store.rethinkdb import Pool, r
from api.store.shape import member_draft

MAX_PAIR_BYTES: Final = 100
"""RethinkDB's primary keys end at 127 bytes; a pair of ids longer than this is nobody's."""
MAX_LOOKS: Final = 20
"""At a membership that others change at the same time, before giving up."""


class Rooms:
    """Reads and writes rooms and memberships."""

    def __init__(self, pool: Pool, reader: Reader, logs: RoomLogs, pages: Pages, accounts: Accounts) -> None:
        self._pool = pool
        self._reader = reader
        self._logs = logs
        self._pages = pages
        self._accounts = accounts

    async def create(self, room: Room, owner: User) -> RoomView:
        """Store a room and its owner; again is harmless. Raises `Conflict`."""
        keep = {"conflict": lambda _id, old, _new: old}
        await self._pool.write(r.table("heads").insert(empty_head(room.id), **keep))
        row = {
            "id": room.id,
            "name": room.name,
            "topic": room.topic,
            "visibility": room.visibility.value,
            "created_at": room.created_at,
            "owner": owner.id,
        }
        written = await self._pool.write(r.table("rooms").insert(row, **keep, return_changes="always"))
        if written["changes"][0]["new_val"] != row:
            raise Conflict
        draft = member_draft(owner, Role.OWNER, room.created_at, by=owner.id)
        await self._logs.append(room.id, draft, once=f"owner:{room.id}")
        await self._logs.flush(room.id)
        view = await self.view(room.id, owner.id)
        if view is None:
            raise NotFound
        return view

    async def find(self, room_id: str) -> Room | None:
        """Return a room."""
        if not is_key(room_id):
            return None
        row = await self._pool.run(r.table("rooms", read_mode="majority").get(room_id))
        return row and _room(row)

    async def view(self, room_id: str, user_id: str) -> RoomView | None:
        """Return a room as a user sees it."""
        room = await self.find(room_id)
        if room is None:
            return None
        views = await self._views([room], user_id)
        return views[0] if views else None

    async def joined(self, user_id: str, cursor: str | None, limit: int) -> Page[RoomView]:
        """List a user's rooms in the order of joining."""
        rows = await self._page(
            "members", "user", [user_id], paging.start(f"joined {user_id}", cursor), limit
        )
        views = {
            view.room.id: view for view in await self._views_by_id([row["room_id"] for row in rows], user_id)
        }
        return paging.page(
            f"joined {user_id}",
            [row for row in rows if row["room_id"] in views],
            limit,
            key=lambda row: (row["joined_at"], row["room_id"]),
            item=lambda row: views[row["room_id"]],
        )

    async def public(self, user_id: str, cursor: str | None, limit: int) -> Page[RoomView]:
        """List the public rooms in the order of their making."""
        rows = await self._page("rooms", "public", [], paging.start("public", cursor), limit)
        views = await self._views([_room(row) for row in rows], user_id)
        return paging.page(
            "public",
            views,
            limit,
            key=lambda view: (view.room.created_at, view.room.id),
            item=lambda view: view,
        )

    async def members(self, room_id: str, cursor: str | None, limit: int) -> Page[Member]:
        """List a room's members in the order of joining."""
        start = paging.start(f"members {room_id}", cursor)
        found = await self._page("members", "room", [room_id], start, limit)
        rows = self._reader.read(found, membership_of)
        users = await self._users(row["user_id"] for row in rows)
        return paging.page(
            f"members {room_id}",
            [row for row in rows if row["user_id"] in users],
            limit,
            key=lambda row: (row["joined_at"], row["user_id"]),
            item=lambda row: _member(row, users[row["user_id"]]),
        )

    async def _page(
        self, table: str, index: str, prefix: list[str], start: paging.Key, limit: int
    ) -> list[Any]:
        if not all(map(is_key, prefix)):
            return []
        lower = [*prefix, *start] if start != paging.BEFORE_ALL else [*prefix, r.minval, r.minval]
        found = r.table(table, read_mode="majority").between(
            lower, [*prefix, r.maxval, r.maxval], index=index, left_bound="open"
        )
        return await self._pool.read(found.order_by(index=index).limit(limit + 1))

    async def change(
        self, room_id: str, user: User, role: Role | None, *, by: str, at: int, rule: MembershipRule
    ) -> Appended | None:
        """Change a membership, if `rule` says so; see `Store.change_member`.

        It is asked of what was read, and the entry is stored only if none of those whom it was asked about has a
        newer `member` entry: else all of it begins anew.
        """
        if not is_key(room_id) or await self.find(room_id) is None:
            raise NotFound
        for _ in range(MAX_LOOKS):
            as_of = self._logs.flushed(room_id)
            rows = {row["user_id"]: row for row in await self._rows([(room_id, user.id), (room_id, by)])}
            row = rows.get(user.id)
            role_now, owners = _role(row), set()
            if role_now is Role.OWNER:
                owners = await self._owners(room_id)
            if not rule(Standing(role_now, _role(rows.get(by)), owners == {user.id})):
                if (
                    row is not None and row["seq"] > as_of
                ):  # whoever made it so may not have come to flushing it
                    await self._logs.flush(room_id)
                return None
            # The change that it follows names it: whoever races for the same change races for the same entry.
            once = f"member:{room_id}:{user.id}:{0 if row is None else row['seq']}"
            seen = Seen(as_of, frozenset({user.id, by, *owners}))
            try:
                appended = await self._logs.append(
                    room_id, member_draft(user, role, at, by), once=once, seen=seen
                )
            except (MembershipChanged, RefConflict):  # the latter: another change followed the same one
                await self._logs.flush(room_id)
                continue
            await self._logs.flush(room_id)
            return appended if appended.is_new else None
        raise Unavailable

    async def _owners(self, room_id: str) -> set[str]:
        of_room = r.table("members", read_mode="majority").between(
            [room_id, r.minval, r.minval], [room_id, r.maxval, r.maxval], index="room"
        )
        return set(await self._pool.read(of_room.filter({"role": Role.OWNER.value})["user_id"]))

    async def memberships(self, places: Sequence[Place]) -> dict[Place, Member]:
        """Return those of these memberships that there are."""
        as_of = {room_id: self._logs.flushed(room_id) for room_id, _ in places}  # before they are read
        rows = [row for row in await self._rows(places) if row["role"] is not None]
        users = await self._users(row["user_id"] for row in rows)
        return {
            (row["room_id"], row["user_id"]): _member(
                row, users[row["user_id"]], max(as_of[row["room_id"]], row["seq"])
            )
            for row in rows
            if row["user_id"] in users
        }

    async def _users(self, user_ids: Iterable[str]) -> dict[str, User]:
        found = await self._accounts.accounts(list(user_ids))
        return {user_id: account.user for user_id, account in found.items()}

    async def _rows(self, places: Sequence[Place]) -> list[dict[str, Any]]:
        keys = [
            [room, user]
            for room, user in dict.fromkeys(places)
            if is_key(room) and is_key(user) and len((room + user).encode()) <= MAX_PAIR_BYTES
        ]
        if not keys:
            return []
        answer = await self._pool.run(memberships_query(keys))
        rows = {tuple(row["id"]): row for row in self._reader.read(answer["stored"], membership_of)}
        for row in self._reader.read(answer["tails"], membership_after):
            place = tuple(row["id"])
            if row["id"] in keys:  # and not of another of these users
                rows[place] = carried_over(rows.get(place), row)
        return list(rows.values())

    async def _row(self, room_id: str, user_id: str) -> dict[str, Any] | None:
        rows = await self._rows([(room_id, user_id)])
        return rows[0] if rows else None

    async def member_count(self, room_id: str) -> int:
        """Return how many members a room has."""
        return await self._count("room", room_id)

    async def room_count(self, user_id: str) -> int:
        """Return how many rooms a user is a member of."""
        return await self._count("user", user_id)

    async def _count(self, index: str, key: str) -> int:
        if not is_key(key):
            return 0
        members = r.table("members", read_mode="majority")
        return int(
            await self._pool.run(
                members.between([key, r.minval, r.minval], [key, r.maxval, r.maxval], index=index).count()
            )
        )

    async def mark_read(self, room_id: str, user_id: str, seq: int) -> int:
        """Raise a member's `read_seq`, at most to the head, and return it. Raises `NotFound`."""
        row = await self._row(room_id, user_id)
        if row is None or row["role"] is None:
            raise NotFound
        seq = min(max(seq, 0), 2**53)

        def place(head: Any) -> Any:
            in_tail = head["tail"].filter({"seq": seq})["number"]
            stored = entry_at(room_id, seq)["number"].coerce_to("array")
            return r.branch(
                head["seq"] <= seq,
                {"read_seq": head["seq"], "read_number": head["number"]},
                {"read_seq": seq, "read_number": (in_tail + stored).nth(0).default(0)},
            )

        read = await self._pool.run(heads_table().get(room_id).do(place))
        written = await self._pool.write(
            r.table("members")
            .get([room_id, user_id])
            .update(
                lambda row: r.branch(row["read_seq"] < read["read_seq"], read, {}), return_changes="always"
            )
        )
        return int(written["changes"][0]["new_val"]["read_seq"])

    # -- views

    async def _views_by_id(self, room_ids: list[str], user_id: str) -> list[RoomView]:
        if not room_ids:
            return []
        rows = await self._pool.read(r.table("rooms", read_mode="majority").get_all(*room_ids))
        return await self._views([_room(row) for row in rows], user_id)

    async def _views(self, rooms: list[Room], user_id: str) -> list[RoomView]:
        """Return these rooms as a user sees them, in the same order."""
        if not rooms:
            return []
        ids = [room.id for room in rooms]
        members, heads = await asyncio.gather(
            self._rows([(room_id, user_id) for room_id in ids]),
            self._pool.read(heads_table().get_all(*ids).filter(is_head).without("tail")),
        )
        last = await self._pages.last_messages(heads)
        member_of = {row["room_id"]: row for row in members if row["role"] is not None}
        head_of = {head["id"]: head for head in heads}
        return [
            _view(room, head_of[room.id], member_of.get(room.id), last.get(room.id))
            for room in rooms
            if room.id in head_of
        ]


def _view(room: Room, head: dict[str, Any], member: dict[str, Any] | None, last: Message | None) -> RoomView:
    return RoomView(
        room=room,
        epoch=head["epoch"],
        seq=head["seq"],
        role=None if member is None else Role(member["role"]),
        read_seq=0 if member is None else member["read_seq"],
        unread_count=0 if member is None else max(0, head["number"] - member["read_number"]),
        last_message=last,
    )


def _room(row: dict[str, Any]) -> Room:
    return Room(row["id"], row["name"], row["topic"], Visibility(row["visibility"]), row["created_at"])


def _role(row: dict[str, Any] | None) -> Role | None:
    return None if row is None or row["role"] is None else Role(row["role"])


def _member(row: dict[str, Any], user: User, as_of: int = 0) -> Member:
    return Member(
        row["room_id"],
        user.id,
        user.username,
        user.display_name,
        Role(row["role"]),
        row["joined_at"],
        row["read_seq"],
        as_of,
    )
