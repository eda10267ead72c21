"""Stores and reads rooms in the RethinkDB tables `rooms` and `heads`."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from api.errors import Conflict, MembershipChanged, NotFound, Unavailable
from api.models.accounts import User
from api.models.log import Appended, Kind, Message
from api.models.names import is_named, searched_form
from api.models.page import Page
from api.models.rooms import LOBBY_ID, NOBODY, Membership, Role, Room, RoomRule, RoomView, Unread
from api.store import paging
from api.store.base.rooms import RoomStore
from api.store.cluster.accounts import ClusterAccounts
from api.store.cluster.acting import AllowedKinds
from api.store.cluster.appender import Appender
from api.store.cluster.flusher import Flusher
from api.store.cluster.glances import Glance, Glances, glance
from api.store.cluster.members import ClusterMembers
from api.store.cluster.previews import Previews
from api.store.cluster.queries import heads_table, is_head, listing_query
from api.store.cluster.rows import Reader, is_key, notify_of, place_of, room_of, settings_of
from api.store.cluster.schema import empty_head
from api.store.cluster.unread import Span, UnreadCounts, of_end
from api.store.cluster.waiting import Seen
from api.store.rethinkdb import Pool, Prepared, r
from api.store.shape import member_draft, room_draft

_SLICE: Final = 500
"""A search looks at this many rooms by one query."""
MAX_LOOKS: Final = 20
"""A room that others change at the same time is read at most this often before the change fails."""


class ClusterRooms(RoomStore):
    """The table `rooms`. A view of a room also has the head and the newest message of its log.

    The head has the truth about a room: an entry changes it there. The flush copies it to the table, which is made for
    lists. What a head of the first versions does not have stands in the table.
    """

    def __init__(
        self,
        pool: Pool,
        reader: Reader,
        *,
        appender: Appender,
        flusher: Flusher,
        accounts: ClusterAccounts,
        members: ClusterMembers,
        allowed: AllowedKinds,
        previews: Previews,
        unread: UnreadCounts,
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._accounts = accounts
        self._unread = unread
        self._appender = appender
        self._flusher = flusher
        self._previews = previews
        self._members = members
        self._allowed = allowed

    async def create(self, room: Room, owner: User) -> RoomView:
        """Store a room and its owner. Repeating this is harmless. Raises `Conflict`."""
        await self._allowed.require(Kind.ROOM)
        stored, _ = await self._insert(room, owner=owner.id)
        if stored != room:
            raise Conflict
        owning = member_draft(owner, None, Membership(Role.OWNER), room.created_at, by=owner.id)
        # Both are stored by one update of the head, in this order.
        _, begun = await asyncio.gather(
            self._appender.append(room.id, owning, once=f"owner:{room.id}"),
            self._appender.append(room.id, room_draft(owner, room, room.created_at), once=f"room:{room.id}"),
        )
        await self._flusher.carry_out(room.id, begun.epoch, begun.entry.seq)
        view = await self.view(room.id, owner.id)
        if view is None:
            raise NotFound
        return view

    async def open_direct(self, room: Room, people: Sequence[User], at: int) -> bool:
        """Store a direct room and its people, unless they are there.

        The key of each membership is made of the room and the user. So of all who open the room only one stores it, and
        what is appended at once is stored by one update of the head.
        """
        _, is_new = await self._insert(room)
        rows = await self._members.rows([(room.id, user.id) for user in people])
        there = {row["user_id"] for row in rows if row["role"] is not None}
        joined = Membership(Role.MEMBER)
        drafts = [member_draft(user, None, joined, at, by=user.id) for user in people if user.id not in there]
        if drafts:
            appended = await asyncio.gather(
                *(
                    self._appender.append(room.id, draft, once=f"direct:{room.id}:{draft.user_id}")
                    for draft in drafts
                )
            )
            await self._flusher.carry_out(room.id, appended[-1].epoch, max(one.entry.seq for one in appended))
        return is_new

    async def _insert(self, room: Room, **more: str) -> tuple[Room, bool]:
        """Store a room with an empty log, unless there is one. Returns the stored one, and whether it is new."""
        keep = {"conflict": lambda _id, old, _new: old}
        await self._pool.write(r.table("heads").insert(empty_head(room.id), **keep))
        row = {
            "id": room.id,
            **settings_of(room),
            "created_at": room.created_at,
            "kind": room.kind.value,
            "people": list(room.people),
            **more,
        }
        written = await self._pool.write(r.table("rooms").insert(row, **keep, return_changes="always"))
        stored = written["changes"][0]["new_val"]
        if any(stored.get(name) != value for name, value in more.items()):
            raise Conflict
        return room_of(stored), bool(written["inserted"])

    async def get(self, room_id: str) -> Room | None:
        """Return a room, or None."""
        if not is_key(room_id):
            return None
        found = await self._pool.run(_ROOM(room_id))
        return found and _room(*found)

    async def change(self, room_id: str, user: User, *, at: int, rule: RoomRule) -> Appended | None:
        """Change a room and log it, if `rule` says so; see `RoomStore.change`."""
        return await self._change(room_id, user, at, rule, is_last=False)

    async def delete(self, room_id: str, user: User, *, at: int, rule: RoomRule) -> Appended:
        """Delete a room with a last entry; see `RoomStore.delete`."""
        appended = await self._change(room_id, user, at, rule, is_last=True)
        if appended is None:
            raise NotFound
        return appended

    async def view(self, room_id: str, user_id: str) -> RoomView | None:
        """Return a room as a user sees it."""
        if not is_key(room_id):
            return None
        return (await self._views([room_id], user_id)).get(room_id)

    async def views(self, room_ids: Sequence[str], user_id: str) -> list[RoomView]:
        """Return those of these rooms that a user is a member of."""
        views = await self._views(room_ids, user_id)
        return [view for view in views.values() if view.role is not None]

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:
        """List a user's rooms in the order of joining.

        The table may still list a room that the user has left, until the entry of that is flushed.
        """
        start = paging.start(f"joined {user_id}", cursor)
        if not is_key(user_id):
            return Page([], None)
        rows = await self._pool.read(listing_query("members", "user", [user_id], start, limit))
        views = await self._views([row["room_id"] for row in rows], user_id)
        joined = {room_id: view for room_id, view in views.items() if view.role is not None}
        return paging.page(
            f"joined {user_id}",
            rows,
            limit,
            key=lambda row: (row["joined_at"], row["room_id"]),
            item=lambda row: joined.get(row["room_id"]),
        )

    async def public(
        self, user_id: str, *, named: str | None = None, cursor: str | None, limit: int
    ) -> Page[RoomView]:
        """List the public rooms, oldest first."""
        return await self._listed("public", "public", user_id, named=named, cursor=cursor, limit=limit)

    async def all(self, *, named: str | None = None, cursor: str | None, limit: int) -> Page[RoomView]:
        """List all rooms, oldest first."""
        return await self._listed("rooms", "age", NOBODY, named=named, cursor=cursor, limit=limit)

    async def _listed(
        self, list_name: str, index: str, user_id: str, *, named: str | None, cursor: str | None, limit: int
    ) -> Page[RoomView]:
        """List the rooms of an index, oldest first. `named` is as in `RoomStore.public`."""
        if named is not None:
            wanted = searched_form(named)
            return await self._search(list_name, index, user_id, wanted=wanted, cursor=cursor, limit=limit)
        start = paging.start(list_name, cursor)
        rows = await self._pool.read(listing_query("rooms", index, [], start, limit))
        views = await self._views([row["id"] for row in rows], user_id)
        return paging.page(list_name, rows, limit, key=_age, item=lambda row: views.get(row["id"]))

    async def _search(
        self, list_name: str, index: str, user_id: str, *, wanted: str, cursor: str | None, limit: int
    ) -> Page[RoomView]:
        list_name = f"{list_name} {wanted}"
        start = paging.start(list_name, cursor)
        search = paging.Search[dict[str, Any]](list_name, limit, lambda row: is_named(wanted, row["name"]))
        while True:
            rows = await self._pool.read(listing_query("rooms", index, [], start, _SLICE))
            goes_on = all(search.look(row) for row in rows)
            if not goes_on or len(rows) <= _SLICE:
                break
            start = _age(rows[-1])
        views = await self._views([row["id"] for row in search.found], user_id)
        return search.page(key=_age, item=lambda row: views.get(row["id"]))

    async def names(self, room_ids: Sequence[str]) -> dict[str, str]:
        """Return the names of rooms."""
        rows = await self._pool.run(_NAMES([room_id for room_id in room_ids if is_key(room_id)]))
        return {row["id"]: row["name"] for row in rows if isinstance(row.get("name"), str)}

    async def count_of_user(self, user_id: str) -> int:
        """Return how many rooms a user is a member of."""
        return await self._members.count("user", user_id)

    async def _views(self, room_ids: Sequence[str], user_id: str) -> dict[str, RoomView]:
        """Return these rooms as a user sees them, by id and in the same order, but those that are not there."""
        if not room_ids:
            return {}
        asked = glance(self._pool, self._reader, room_ids, user_id)
        glances, account = await asyncio.gather(
            asked, self._accounts.get_many([user_id] if LOBBY_ID in room_ids else [])
        )
        rooms = glances.rooms
        made_of = {room_id: _room(one.room, one.head) for room_id, one in rooms.items()}
        is_admin = user_id in account and account[user_id].admin
        member_of = await self._members_of(rooms, user_id)
        last, unread, counts, users = await asyncio.gather(
            self._last(rooms),
            self._unread_in(glances, member_of, user_id),
            self._members.counts(one.head for one in rooms.values()),
            self._users(made_of.values()),
        )
        return {
            room_id: _view(
                made,
                rooms[room_id].head,
                member_of.get(room_id),
                last.get(room_id),
                unread.get(room_id, Unread()),
                is_admin=is_admin,
                member_count=counts[room_id],
                users=tuple(users[one] for one in made.people if one in users),
            )
            for room_id, made in made_of.items()
        }

    async def _members_of(self, rooms: dict[str, Glance], user_id: str) -> dict[str, dict[str, Any]]:
        """Return the rows of a user's memberships, by room id."""
        others = [(room_id, user_id) for room_id, one in rooms.items() if not one.is_enough_for_member]
        rows = await self._members.rows(others)
        rows += [one.member for one in rooms.values() if one.is_enough_for_member and one.member is not None]
        return {row["room_id"]: row for row in rows if row["role"] is not None}

    async def _last(self, rooms: dict[str, Glance]) -> dict[str, Message]:
        """Return the newest message of each room that has any."""
        newest = {room_id: seq for room_id, one in rooms.items() if (seq := one.head["message_seq"])}
        known = {room_id for room_id, seq in newest.items() if rooms[room_id].has_all_after(seq - 1)}
        found = await self._previews.of({room_id: newest[room_id] for room_id in newest.keys() - known})
        seen = {room_id: self._previews.of_end(rooms[room_id].end, newest[room_id]) for room_id in known}
        return found | {room_id: message for room_id, message in seen.items() if message is not None}

    async def _unread_in(
        self, glances: Glances, members: dict[str, dict[str, Any]], user_id: str
    ) -> dict[str, Unread]:
        """Return what a member has not read in these rooms, where there is anything."""
        rooms, blocked = glances
        spans = {
            room_id: Span(member["read_seq"], rooms[room_id].head["seq"])
            for room_id, member in members.items()
            if member["read_seq"] < rooms[room_id].head["message_seq"]
        }
        known = {room_id for room_id, span in spans.items() if rooms[room_id].has_all_after(span.after)}
        others = {room_id: span for room_id, span in spans.items() if room_id not in known}
        found = await self._unread.of(user_id, others, blocked)
        return found | {
            room_id: of_end(user_id, blocked, room_id, rooms[room_id].end, spans[room_id])
            for room_id in known
        }

    async def _users(self, rooms: Iterable[Room]) -> dict[str, User]:
        """Return the people of these rooms who have accounts."""
        people = [one for room in rooms for one in room.people]
        accounts = await self._accounts.get_many(people) if people else {}
        return {user_id: account.user for user_id, account in accounts.items()}

    async def _change(
        self, room_id: str, user: User, at: int, rule: RoomRule, *, is_last: bool
    ) -> Appended | None:
        """Append what `rule` makes of a room, as its last entry or one that is only there if the room changes.

        `rule` decides by what was read. The entry is stored only if neither the room nor the user's membership has
        changed since; else everything is read and decided again.
        """
        await self._allowed.require(Kind.ROOM)
        for _ in range(MAX_LOOKS):
            as_of = self._flusher.mark(room_id).seq
            room = await self.get(room_id)
            if room is None:
                raise NotFound
            rows = await self._members.rows([(room_id, user.id)])
            by_role = await self._members.rights(room_id, user.id, next(iter(rows), None))
            then = rule(room, by_role)
            if then == room and not is_last:
                return None
            draft = room_draft(user, then, at, deleted=is_last)
            try:
                appended = await self._appender.append(room_id, draft, seen=Seen(as_of, frozenset({user.id})))
            except MembershipChanged:
                await self._flusher.flush(room_id)
                continue
            await self._flusher.carry_out(room_id, appended.epoch, appended.entry.seq)
            return appended
        raise Unavailable


def _view(
    room: Room,
    head: dict[str, Any],
    member: dict[str, Any] | None,
    last: Message | None,
    unread: Unread,
    *,
    is_admin: bool,
    member_count: int,
    users: tuple[User, ...],
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
        is_admin=is_admin,
        member_count=member_count,
        message_seq=head["message_seq"],
        place=None if member is None else place_of(member),
        users=users,
    )


def _age(row: dict[str, Any]) -> paging.Key:
    return row["created_at"], row["id"]


def _room(row: dict[str, Any], head: dict[str, Any]) -> Room:
    return room_of(row | head.get("room", {}))


def _row_and_head(room_id: Any) -> Any:
    """Return the row of a room, and of its head what its entries have made of it; null for a room that is not there."""
    head = heads_table().get(room_id)
    row = r.table("rooms", read_mode="majority").get(room_id)
    return head.do(
        lambda head: row.do(
            lambda row: r.branch(
                (row == None) | is_head(head).not_() | head["deleted"].default(False),  # noqa: E711  ReQL
                None,
                [row, head.pluck("room")],
            )
        )
    )


def _names(room_ids: Any) -> Any:
    return (
        r.table("rooms", read_mode="majority")
        .get_all(r.args(room_ids))
        .filter(lambda row: row.has_fields("deleted_at").not_())
        .pluck("id", "name")
        .coerce_to("array")
    )


_ROOM: Final = Prepared(_row_and_head)
_NAMES: Final = Prepared(_names)
