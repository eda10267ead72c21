"""Stores and reads rooms in the RethinkDB tables `rooms` and `heads`."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from api.errors import Conflict, NotFound
from api.models.accounts import User
from api.models.log import Message
from api.models.page import Page
from api.models.rooms import Membership, Role, Room, RoomView, Unread, Visibility
from api.store import paging
from api.store.base.rooms import RoomStore
from api.store.cluster.appender import Appender
from api.store.cluster.flusher import Flusher
from api.store.cluster.members import ClusterMembers
from api.store.cluster.previews import Previews
from api.store.cluster.queries import heads_table, is_head, listing_query
from api.store.cluster.rows import is_key, notify_of
from api.store.cluster.schema import empty_head
from api.store.cluster.unread import Span, UnreadCounts
from api.store.rethinkdb import Pool, r
from api.store.shape import member_draft

_SHOWN: Final = ("id", "epoch", "seq", "message_seq")
"""What a view of a room takes from its head."""


class ClusterRooms(RoomStore):
    """The table `rooms`. A view of a room also has the head and the newest message of its log."""

    def __init__(
        self,
        pool: Pool,
        *,
        appender: Appender,
        flusher: Flusher,
        members: ClusterMembers,
        previews: Previews,
        unread: UnreadCounts,
    ) -> None:
        self._pool = pool
        self._unread = unread
        self._appender = appender
        self._flusher = flusher
        self._previews = previews
        self._members = members

    async def create(self, room: Room, owner: User) -> RoomView:
        """Store a room and its owner. Repeating this is harmless. Raises `Conflict`."""
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
        draft = member_draft(owner, None, Membership(Role.OWNER), room.created_at, by=owner.id)
        appended = await self._appender.append(room.id, draft, once=f"owner:{room.id}")
        await self._flusher.carry_out(room.id, appended.epoch, appended.entry.seq)
        view = await self.view(room.id, owner.id)
        if view is None:
            raise NotFound
        return view

    async def get(self, room_id: str) -> Room | None:
        """Return a room, or None."""
        if not is_key(room_id):
            return None
        row = await self._pool.run(r.table("rooms", read_mode="majority").get(room_id))
        return row and _room(row)

    async def view(self, room_id: str, user_id: str) -> RoomView | None:
        """Return a room as a user sees it."""
        room = await self.get(room_id)
        if room is None:
            return None
        views = await self._views([room], user_id)
        return views[0] if views else None

    async def views(self, room_ids: Sequence[str], user_id: str) -> list[RoomView]:
        """Return those of these rooms that a user is a member of."""
        keys = [room_id for room_id in dict.fromkeys(room_ids) if is_key(room_id)]
        if not keys:
            return []
        rows = await self._pool.read(r.table("rooms", read_mode="majority").get_all(*keys))
        views = await self._views([_room(row) for row in rows], user_id)
        return [view for view in views if view.role is not None]

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:
        """List a user's rooms in the order of joining.

        The table may still list a room that the user has left, until the entry of that is flushed.
        """
        start = paging.start(f"joined {user_id}", cursor)
        if not is_key(user_id):
            return Page([], None)
        rows = await self._pool.read(listing_query("members", "user", [user_id], start, limit))
        views = {view.room.id: view for view in await self.views([row["room_id"] for row in rows], user_id)}
        return paging.page(
            f"joined {user_id}",
            rows,
            limit,
            key=lambda row: (row["joined_at"], row["room_id"]),
            item=lambda row: views.get(row["room_id"]),
        )

    async def public(
        self, user_id: str, *, named: str | None = None, cursor: str | None, limit: int
    ) -> Page[RoomView]:
        """List the public rooms, oldest first."""
        list_name = paging.public_rooms(named)
        start = paging.start(list_name, cursor)
        rows = await self._pool.read(listing_query("rooms", "public", [], start, limit, named))
        views = {view.room.id: view for view in await self._views([_room(row) for row in rows], user_id)}
        return paging.page(
            list_name,
            rows,
            limit,
            key=lambda row: (row["created_at"], row["id"]),
            item=lambda row: views.get(row["id"]),
        )

    async def count_of_user(self, user_id: str) -> int:
        """Return how many rooms a user is a member of."""
        return await self._members.count("user", user_id)

    async def _views(self, rooms: list[Room], user_id: str) -> list[RoomView]:
        """Return these rooms as a user sees them, in the same order."""
        if not rooms:
            return []
        ids = [room.id for room in rooms]
        members, heads = await asyncio.gather(
            self._members.rows([(room_id, user_id) for room_id in ids]),
            self._pool.read(heads_table().get_all(*ids).filter(is_head).pluck(*_SHOWN)),
        )
        member_of = {row["room_id"]: row for row in members if row["role"] is not None}
        head_of = {head["id"]: head for head in heads}
        newest = {room_id: head["message_seq"] for room_id, head in head_of.items() if head["message_seq"]}
        last, unread = await asyncio.gather(
            self._previews.of(newest), self._unread.of(user_id, _not_all_read(head_of, member_of))
        )
        return [
            _view(
                room,
                head_of[room.id],
                member_of.get(room.id),
                last.get(room.id),
                unread.get(room.id, Unread()),
            )
            for room in rooms
            if room.id in head_of
        ]


def _not_all_read(heads: dict[str, dict[str, Any]], members: dict[str, dict[str, Any]]) -> dict[str, Span]:
    """Return, by room id, the entries that a member has not read, where there may be messages among them."""
    return {
        room_id: Span(member["read_seq"], head["seq"])
        for room_id, member in members.items()
        if (head := heads.get(room_id)) is not None and member["read_seq"] < head["message_seq"]
    }


def _view(
    room: Room, head: dict[str, Any], member: dict[str, Any] | None, last: Message | None, unread: Unread
) -> RoomView:
    return RoomView(
        room=room,
        epoch=head["epoch"],
        seq=head["seq"],
        role=None if member is None else Role(member["role"]),
        read_seq=0 if member is None else member["read_seq"],
        unread=unread,
        notify=None if member is None else notify_of(member),
        last_message=last,
    )


def _room(row: dict[str, Any]) -> Room:
    return Room(row["id"], row["name"], row["topic"], Visibility(row["visibility"]), row["created_at"])
