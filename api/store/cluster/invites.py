"""Stores and reads invites in the RethinkDB table `invites`, each with its uses in its row."""

from typing import Any, Final

from api.errors import BadInvite
from api.models.invites import Invite
from api.models.page import Page
from api.models.rooms import Role
from api.store import paging
from api.store.base.invites import CLAIM_MS, InviteStore
from api.store.cluster.accounts import ClusterAccounts
from api.store.cluster.rows import is_key
from api.store.rethinkdb import Pool, r

_SERVER: Final = ""
"""The list of invites to the server. Every other list has the id of its room."""


class ClusterInvites(InviteStore):
    """The table `invites`. A use is claimed by one atomic update of the invite's row."""

    def __init__(self, pool: Pool, accounts: ClusterAccounts) -> None:
        self._pool = pool
        self._accounts = accounts

    async def create(self, invite: Invite, *, forget_before: int) -> None:
        """Store an invite and delete old ones."""
        row: dict[str, Any] = {
            "id": invite.id,
            "made_by": invite.made_by,
            "created_at": invite.created_at,
            "expires_at": invite.expires_at,
            "max_uses": invite.max_uses,
            "room_id": invite.room_id,
            "role": invite.role,
            "admin": invite.admin,
            "for_setup": invite.for_setup,
            "listed_in": None if invite.for_setup else invite.room_id or _SERVER,
            "uses": [],
        }
        old = r.table("invites").between(r.minval, forget_before, index="expiry")
        await self._pool.write(old.delete(durability="soft"))
        await self._pool.write(r.table("invites").insert(row, conflict=lambda _id, old, _new: old))

    async def get(self, invite_id: str) -> Invite | None:
        """Return an invite, or None."""
        row = await self._row(invite_id)
        return None if row is None else _invite(row)

    async def of_room(self, room_id: str | None, *, cursor: str | None, limit: int) -> Page[Invite]:
        """List the invites to a room or to the server, newest first."""
        listed_in = room_id or _SERVER
        list_name = f"invites {listed_in}"
        before = [r.maxval, r.maxval] if cursor is None else [*paging.start(list_name, cursor)]
        found = r.table("invites", read_mode="majority").between(
            [listed_in, r.minval, r.minval], [listed_in, *before], index="room"
        )
        rows = await self._pool.read(found.order_by(index=r.desc("room")).limit(limit + 1))
        return paging.page(
            list_name, rows, limit, key=lambda row: (row["created_at"], row["id"]), item=_invite
        )

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Invite]:
        """List the invites that a user has made, oldest first. They are few, so they are sorted without an index."""
        list_name = f"invites by {user_id}"
        start = [*paging.start(list_name, cursor)]
        if not is_key(user_id):
            return Page([], None)
        mine = r.table("invites", read_mode="majority").get_all(user_id, index="maker")
        later = mine.filter(lambda row: r.expr([row["created_at"], row["id"]]) > start)
        rows = await self._pool.run(later.order_by("created_at", "id").limit(limit + 1))
        return paging.page(
            list_name, rows, limit, key=lambda row: (row["created_at"], row["id"]), item=_invite
        )

    async def end(self, room_id: str | None, invite_id: str) -> bool:
        """Delete an invite. Returns False when there is none."""
        if not is_key(invite_id):
            return False
        mine = r.table("invites").get_all(invite_id).filter({"listed_in": room_id or _SERVER})
        return bool((await self._pool.write(mine.delete()))["deleted"])

    async def claim(self, invite_id: str, user_id: str, *, at: int) -> Invite:
        """Take one use. Raises `BadInvite`."""
        row = await self._row(invite_id)
        if row is None:
            raise BadInvite
        abandoned = []
        if len(row["uses"]) >= row["max_uses"]:
            abandoned = await self._abandoned(row["uses"], at)
        written = await self._pool.write(
            r.table("invites")
            .get(invite_id)
            .update(_claimed(user_id, at, abandoned), return_changes="always")
        )
        if written["skipped"]:
            raise BadInvite  # it was ended meanwhile
        then = written["changes"][0]["new_val"]
        if not any(use["user_id"] == user_id for use in then["uses"]) or _is_over(then, at):
            raise BadInvite
        return _invite(then)

    async def users(self, invite_id: str) -> list[str]:
        """Return the users who have taken a use."""
        row = await self._row(invite_id)
        uses = [] if row is None else row["uses"]
        return [use["user_id"] for use in uses if use["user_id"] is not None]

    async def release(self, invite_id: str, user_id: str) -> None:
        """Give back a use."""
        if is_key(invite_id):
            others = {"uses": r.row["uses"].filter(lambda use: use["user_id"] != user_id)}
            await self._pool.write(r.table("invites").get_all(invite_id).update(others))

    async def _row(self, invite_id: str) -> dict[str, Any] | None:
        if not is_key(invite_id):
            return None
        row: dict[str, Any] | None = await self._pool.run(
            r.table("invites", read_mode="majority").get(invite_id)
        )
        return row

    async def _abandoned(self, uses: list[dict[str, Any]], at: int) -> list[str]:
        """Return the users who claimed one of these uses long ago, and whose accounts were never made."""
        old = [use["user_id"] for use in uses if use["user_id"] is not None and use["at"] < at - CLAIM_MS]
        made = await self._accounts.get_many(old)
        return [user_id for user_id in old if user_id not in made]


def _claimed(user_id: str, at: int, abandoned: list[str]) -> Any:
    """Return the change by which a user takes a use, if there is one left for them."""

    def claimed(row: Any) -> Any:
        uses = row["uses"].filter(lambda use: r.expr(abandoned).contains(use["user_id"]).not_())
        is_over = row["expires_at"].ne(None) & (row["expires_at"].default(0) <= at)
        return uses.do(
            lambda uses: r.branch(
                is_over | uses["user_id"].contains(user_id) | (uses.count() >= row["max_uses"]),
                {},
                {"uses": uses.append({"user_id": user_id, "at": at})},
            )
        )

    return claimed


def _is_over(row: dict[str, Any], at: int) -> bool:
    return row["expires_at"] is not None and row["expires_at"] <= at


def forget_user_queries(user_id: str) -> list[Any]:
    """Return the writes that delete what a user made, and who they are from what they used, which stays used."""
    used = r.table("invites").get_all(user_id, index="user")
    return [
        r.table("invites").get_all(user_id, index="maker").delete(),
        used.update(
            lambda row: {
                "uses": row["uses"].map(
                    lambda use: r.branch(use["user_id"] == user_id, use.merge({"user_id": None}), use)
                )
            }
        ),
    ]


def _invite(row: dict[str, Any]) -> Invite:
    return Invite(
        id=row["id"],
        made_by=row["made_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        max_uses=row["max_uses"],
        room_id=row["room_id"],
        role=row["role"] and Role(row["role"]),
        admin=row["admin"],
        for_setup=row["for_setup"],
        use_count=len(row["uses"]),
    )
