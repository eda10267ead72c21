"""Changes and reads memberships in RethinkDB: in the rooms' logs, and in the table `members` made from them.

The log is the truth about membership. `change` appends to it, and waits for the flush, which updates the table. Reads
that decide what a user may do use the table and the tails of the heads. So they are right before the flush too, even if
the node that should flush has crashed. Only lists and counts use the table alone.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from api.errors import EpochChanged, MembershipChanged, NotFound, RefConflict, Unavailable
from api.models.accounts import Account, User
from api.models.log import Appended
from api.models.names import is_named, searched_form
from api.models.page import Page
from api.models.rooms import (
    LOBBY_ID,
    OUTSIDE,
    Ban,
    Member,
    Membership,
    MembershipRule,
    Notify,
    ReadMark,
    Role,
    RoomPlace,
    Standing,
    Writable,
    rights_in,
)
from api.store import paging
from api.store.base.members import MemberStore, Place
from api.store.cluster.accounts import ClusterAccounts
from api.store.cluster.appender import Appender
from api.store.cluster.flusher import Flusher
from api.store.cluster.joined import rooms_of
from api.store.cluster.member_counts import known_count, note_count_query
from api.store.cluster.queries import (
    listing_query,
    mark_query,
    memberships_query,
    notify_query,
    place_query,
)
from api.store.cluster.rows import (
    RECEIPT,
    Reader,
    carried_over,
    is_key,
    membership_after,
    membership_of,
    notify_of,
    writable_of,
)
from api.store.cluster.waiting import Seen
from api.store.rethinkdb import Pool, Prepared, r
from api.store.shape import member_draft

MAX_PAIR_BYTES: Final = 100
"""The two ids of a membership have at most this many bytes together: a primary key of RethinkDB has at most 127."""
_SLICE: Final = 500
"""A search looks at this many members by one query."""
MAX_LOOKS: Final = 20
"""A membership that others change at the same time is read at most this often before the change fails."""


class ClusterMembers(MemberStore):
    """The table `members`, and the `member` entries from which it is made."""

    def __init__(
        self, pool: Pool, reader: Reader, appender: Appender, flusher: Flusher, accounts: ClusterAccounts
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._appender = appender
        self._flusher = flusher
        self._accounts = accounts

    async def change(
        self, room_id: str, user: User, *, by: str, at: int, rule: MembershipRule
    ) -> Appended | None:
        """Change a membership, if `rule` says so; see `MemberStore.change`.

        `rule` decides by the memberships that were read. The entry is stored only if none of these has a newer `member`
        entry; else everything is read and decided again.
        """
        if not is_key(room_id) or not await self._is_room(room_id):
            raise NotFound
        for _ in range(MAX_LOOKS):
            flushed = self._flusher.mark(room_id).seq
            found, heads = await self._look([(room_id, user.id), (room_id, by)])
            rows = {row["user_id"]: row for row in found}
            row, as_of = rows.get(user.id), heads.get(room_id, _Looked()).seq
            now, owners = _membership(row), set()
            if now.role is Role.OWNER:
                owners, as_of = await self._owners(room_id), flushed  # only what is flushed is in the table
            then = rule(Standing(now, await self.rights(room_id, by, rows.get(by)), owners == {user.id}))
            if then is None:
                # The node that made the last change may have crashed before the flush.
                if row is not None and row["seq"] > flushed:
                    await self._flusher.flush(room_id)
                return None
            # The change before this one is part of the key, so of two changes at the same time only one is stored.
            once = f"member:{room_id}:{user.id}:{0 if row is None else row['seq']}"
            seen = Seen(as_of, frozenset({user.id, by, *owners}))
            try:
                appended = await self._appender.append(
                    room_id, member_draft(user, now.role, then, at, by), once=once, seen=seen
                )
            except (MembershipChanged, RefConflict):  # RefConflict: another change has the same key
                await self._flusher.flush(room_id)
                continue
            await self._flusher.carry_out(room_id, appended.epoch, appended.entry.seq)
            return appended if appended.is_new else None
        raise Unavailable

    async def get_many(self, places: Sequence[Place]) -> dict[Place, Member]:
        """Return those of these memberships that exist."""
        found, heads = await self._look(places)
        rows = [row for row in found if row["role"] is not None]
        accounts = await self._accounts.get_many([row["user_id"] for row in rows])
        return {
            (row["room_id"], row["user_id"]): _member(
                row, accounts[row["user_id"]], heads.get(row["room_id"], _Looked())
            )
            for row in rows
            if row["user_id"] in accounts
        }

    async def state(self, room_id: str, user_id: str) -> Membership:
        """Return the state of a user in a room."""
        return _membership(await self._row(room_id, user_id))

    async def banned(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Ban]:
        """List who is banned from a room, the newest ban first."""
        list_name = f"bans {room_id}"
        before = [r.maxval, r.maxval] if cursor is None else [*paging.start(list_name, cursor)]
        if not is_key(room_id):
            return Page([], None)
        bans = r.table("members", read_mode="majority").between(
            [room_id, r.minval, r.minval], [room_id, *before], index="ban"
        )
        found = await self._pool.read(bans.order_by(index=r.desc("ban")).limit(limit + 1))
        rows = self._reader.read(found, membership_of)
        accounts = await self._accounts.get_many([row["user_id"] for row in rows])
        return paging.page(
            list_name,
            found,
            limit,
            key=lambda row: (row["banned_at"], row["user_id"]),
            item=lambda row: _ban(row, accounts.get(row["user_id"])),
        )

    async def set_ban_reason(self, room_id: str, user_id: str, reason: str | None) -> None:
        """Store why a user is banned, if they are."""
        member = r.table("members").get_all([room_id, user_id])
        banned = member.filter(lambda row: row["banned_at"].default(None).ne(None))
        await self._pool.write(banned.update({"ban_reason": reason}))

    async def of_room(
        self, room_id: str, *, named: str | None = None, cursor: str | None, limit: int
    ) -> Page[Member]:
        """List a room's members in the order of joining."""
        if named is not None:
            return await self._search(room_id, searched_form(named), cursor, limit)
        start = paging.start(f"members {room_id}", cursor)
        if not is_key(room_id):
            return Page([], None)
        found = await self._pool.read(listing_query("members", "room", [room_id], start, limit))
        rows = self._reader.read(found, membership_of)
        accounts = await self._accounts.get_many([row["user_id"] for row in rows])
        return paging.page(
            f"members {room_id}",
            found,
            limit,
            key=_joined,
            item=lambda row: (
                _member(row, accounts[row["user_id"]], _Looked()) if row["user_id"] in accounts else None
            ),
        )

    async def _search(self, room_id: str, wanted: str, cursor: str | None, limit: int) -> Page[Member]:
        list_name = f"members {room_id} {wanted}"
        start = paging.start(list_name, cursor)
        accounts: dict[str, Account] = {}

        def is_wanted(row: dict[str, Any]) -> bool:
            account = accounts.get(row["user_id"])
            return account is not None and is_named(wanted, account.user.username, account.user.display_name)

        search = paging.Search[dict[str, Any]](list_name, limit, is_wanted)
        while is_key(room_id):
            rows = await self._pool.read(listing_query("members", "room", [room_id], start, _SLICE))
            ids = [row["user_id"] for row in self._reader.read(rows, membership_of)]
            accounts |= await self._accounts.get_many(ids)
            goes_on = all(search.look(row) for row in rows)
            if not goes_on or len(rows) <= _SLICE:
                break
            start = _joined(rows[-1])
        return search.page(key=_joined, item=lambda row: _member(row, accounts[row["user_id"]], _Looked()))

    async def with_usernames(self, room_id: str, usernames: Sequence[str]) -> dict[str, str]:
        """Return the ids of those members of a room who have one of these usernames."""
        named = await self._pool.run(_NAMED([*usernames])) if usernames else []
        rows = await self.rows([(room_id, user_id) for _, user_id in named])
        members = {row["user_id"] for row in rows if row["role"] is not None}
        return {name: user_id for name, user_id in named if user_id in members}

    async def count_of_room(self, room_id: str, *, at_most: int | None = None) -> int:
        """Return how many members a room has."""
        return await self.count("room", room_id, at_most)

    async def mark_read(
        self, room_id: str, user_id: str, seq: int, *, epoch: str | None = None, back: bool = False
    ) -> ReadMark:
        """Move a member's `read_seq`, as `MemberStore.mark_read` says."""
        row = await self._row(room_id, user_id)
        if row is None or row["role"] is None:
            raise NotFound
        query = mark_query(room_id, user_id, min(max(seq, 0), 2**53), epoch, back=back)
        marked = await self._pool.run(query)
        if marked is not None and not marked["is_there"]:
            await self._flusher.flush(room_id)  # the user joined, and the node that should flush has crashed
            marked = await self._pool.run(query)
        if marked is None or marked["errors"] or not marked["is_there"]:
            raise Unavailable
        if epoch not in {None, marked["epoch"]}:
            raise EpochChanged
        has_moved, raises_receipt = marked["has_moved"], marked["raises_receipt"]
        return ReadMark(marked["epoch"], int(marked["read_seq"]), has_moved, raises_receipt)

    async def rows(self, places: Sequence[Place]) -> list[dict[str, Any]]:
        """Return the rows of these memberships, merged from the table and from the tails of the heads.

        Memberships of deleted rooms are left out.
        """
        return (await self._look(places))[0]

    async def _look(self, places: Sequence[Place]) -> "tuple[list[dict[str, Any]], dict[str, _Looked]]":
        """Return what `rows` does, and by room id what the heads told, which were read first."""
        keys = [
            [room, user]
            for room, user in dict.fromkeys(places)
            if is_key(room) and is_key(user) and len((room + user).encode()) <= MAX_PAIR_BYTES
        ]
        if not keys:
            return [], {}
        answer = await self._pool.run(memberships_query(keys))
        rows = {tuple(row["id"]): row for row in self._reader.read(answer["stored"], membership_of)}
        in_tails = (row for head in answer["heads"] for row in head["tail"])
        for row in self._reader.read(in_tails, membership_after):
            place = tuple(row["id"])
            if row["id"] in keys:  # the tails also have rows of these users in other rooms of the query
                rows[place] = carried_over(rows.get(place), row)
        deleted = {head["id"] for head in answer["heads"] if head.get("deleted")}
        heads = self._reader.read(answer["heads"], lambda head: (head["id"], _looked(head)))
        return [row for row in rows.values() if row["room_id"] not in deleted], dict(heads)

    async def rights(self, room_id: str, user_id: str, row: dict[str, Any] | None) -> Role | None:
        """Return the role by which a user may do things in a room, by the row of their membership."""
        role = _membership(row).role
        if role is None or room_id != LOBBY_ID:
            return role
        account = (await self._accounts.get_many([user_id])).get(user_id)
        return rights_in(room_id, role, is_admin=account is not None and account.admin)

    async def set_notify(self, room_id: str, user_id: str, notify: Notify) -> None:
        """Store how a member wants to be notified. Raises `NotFound`."""
        await self._set_own(room_id, user_id, notify_query(room_id, user_id, notify))

    async def set_place(self, room_id: str, user_id: str, place: RoomPlace) -> None:
        """Store where a member keeps a room in their list. Raises `NotFound`."""
        await self._set_own(room_id, user_id, place_query(room_id, user_id, place))

    async def _set_own(self, room_id: str, user_id: str, query: Any) -> None:
        """Run a write of a member's row that skips a row that is not there. Raises `NotFound`."""
        row = await self._row(room_id, user_id)
        if row is None or row["role"] is None:
            raise NotFound
        if (await self._pool.write(query))["skipped"]:
            await self._flusher.flush(room_id)  # the user joined, and the node that should flush has crashed
            if (await self._pool.write(query))["skipped"]:
                raise Unavailable

    async def heir(self, room_id: str, owner_id: str) -> User | None:
        """Return who is to own a room when this owner goes."""
        if not is_key(room_id) or await self._owners(room_id) - {owner_id}:
            return None
        for role in (Role.MODERATOR, Role.MEMBER):
            of_role = _of_room(room_id).filter({"role": role.value}).filter(r.row["user_id"] != owner_id)
            members = sorted(await self._pool.read(of_role.pluck("joined_at", "user_id")), key=_standing)
            for row in members:
                account = (await self._accounts.get_many([row["user_id"]])).get(row["user_id"])
                if account is not None and not account.disabled and not account.user.is_bot:
                    return account.user
        return None

    async def counts(self, heads: Iterable[dict[str, Any]]) -> dict[str, int]:
        """Return how many members rooms have, by their heads with `id`, `moved` and `members`."""
        return {head["id"]: await self._count_by(head) for head in heads}

    async def _count_by(self, head: dict[str, Any]) -> int:
        """Return how many members a room has, which its head knows; or count them, and let the head know.

        A head does not know it if a node of an older version has changed a membership, or there was no other.
        """
        if (known := known_count(head)) is not None:
            return known
        await self._flusher.flush(head["id"])
        count = await self.count("room", head["id"])
        if type(moved := head.get("moved")) is int:
            await self._pool.write(note_count_query(head["id"], moved, count))
        return count

    async def rooms_of(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the ids of the rooms of these users."""
        return await rooms_of(self._pool, user_ids)

    async def count(self, index: str, key: str, at_most: int | None = None) -> int:
        """Return how many memberships an index has under the id of a room or a user, counted no further than so."""
        if not is_key(key):
            return 0
        members = r.table("members", read_mode="majority")
        found = members.between([key, r.minval, r.minval], [key, r.maxval, r.maxval], index=index)
        return int(await self._pool.run((found if at_most is None else found.limit(at_most)).count()))

    async def _row(self, room_id: str, user_id: str) -> dict[str, Any] | None:
        rows = await self.rows([(room_id, user_id)])
        return rows[0] if rows else None

    async def _is_room(self, room_id: str) -> bool:
        return bool(await self._pool.run(r.table("rooms", read_mode="majority").get(room_id).ne(None)))

    async def _owners(self, room_id: str) -> set[str]:
        return set(await self._pool.read(_of_room(room_id).filter({"role": Role.OWNER.value})["user_id"]))


class _Looked(NamedTuple):
    """What a head told of a room: its last seq, and what its members may write."""

    seq: int = 0
    writable: Writable = Writable()


def _looked(head: dict[str, Any]) -> _Looked:
    return _Looked(int(head["seq"]), writable_of(head.get("room", {})))


def _joined(row: dict[str, Any]) -> paging.Key:
    return row["joined_at"], row["user_id"]


def _membership(row: dict[str, Any] | None) -> Membership:
    if row is None:
        return OUTSIDE
    role, returns_as = (role and Role(role) for role in (row["role"], row.get("returns_as")))
    return Membership(role, returns_as, banned=row.get("banned_at") is not None)


def _ban(row: dict[str, Any], account: Account | None) -> Ban | None:
    if account is None:
        return None
    return Ban(account.user, row["banned_by"], row["banned_at"], row.get("ban_reason"))


def _member(row: dict[str, Any], account: Account, looked: _Looked) -> Member:
    user = account.user
    return Member(
        row["room_id"],
        *(user.id, user.username, user.display_name),
        Role(row["role"]),
        row["joined_at"],
        row["read_seq"],
        notify_of(row),
        looked.writable,
        account.admin,
        as_of=looked.seq,
        receipt_seq=row.get(RECEIPT, 0),
        is_bot=user.is_bot,
        avatar=user.avatar,
    )


def _of_room(room_id: str) -> Any:
    return r.table("members", read_mode="majority").between(
        [room_id, r.minval, r.minval], [room_id, r.maxval, r.maxval], index="room"
    )


def _standing(row: dict[str, Any]) -> tuple[int, str]:
    return row["joined_at"], row["user_id"]


def _named(usernames: Any) -> Any:
    found = r.table("users", read_mode="majority").get_all(r.args(usernames), index="name")
    return found.map(lambda row: [row["username"].downcase(), row["id"]]).coerce_to("array")


_NAMED: Final = Prepared(_named)
