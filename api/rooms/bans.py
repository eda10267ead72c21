"""Bans users from rooms, ends bans and lists them."""

from api.clock import now_ms
from api.errors import Forbidden
from api.limits.throttles import Throttles
from api.models.accounts import Audited, Record, User
from api.models.page import Page
from api.models.rooms import Ban
from api.rooms import policy
from api.rooms.members import MemberService, OnLeft
from api.rooms.operations import Operation
from api.store.base.store import Store


class BanService:
    """Reads and changes the bans of rooms. Who is banned cannot join, nor be added or invited, until the ban ends.

    A ban and its end are `member` entries. So they have one order with joins, additions and messages, on all nodes.
    Methods raise what `MemberService.require` raises.
    """

    def __init__(
        self, store: Store, members: MemberService, throttles: Throttles, on_left: OnLeft, record: Record
    ) -> None:
        self._store = store
        self._members = members
        self._throttles = throttles
        self._on_left = on_left
        self._record = record

    async def of_room(self, room_id: str, by: str, *, cursor: str | None, limit: int) -> Page[Ban]:
        """List who is banned from a room, for its owners and moderators. Raises `BadCursor`."""
        await self._members.require(room_id, by, Operation.BAN)
        return await self._store.members.banned(room_id, cursor=cursor, limit=limit)

    async def ban(
        self, room_id: str, by: User, user_id: str, reason: str | None, address: str | None
    ) -> None:
        """Ban another user, who may be no member, and end their membership and their subscriptions.

        Their bots that are members are banned with them.

        Who is banned already stays so, for this reason. Raises `RateLimited`. The ban is in the audit log when this
        returns, with the address of who did it.
        """
        user = await self._subject(room_id, by, user_id)
        await self._ban(room_id, by, user, reason, address)
        for bot in await self._members.bots_inside(room_id, user_id):
            await self._ban(room_id, by, bot, reason, address)

    async def _ban(self, room_id: str, by: User, user: User, reason: str | None, address: str | None) -> None:
        rule = policy.banning(room_id)
        await self._store.members.change(room_id, user, by=by.id, at=now_ms(), rule=rule)
        self._on_left(room_id, user.id)
        await self._store.members.set_ban_reason(room_id, user.id, reason)
        await self._record(
            Audited.BANNED, actor_id=by.id, subject_id=user.id, address=address, room_id=room_id
        )

    async def end(self, room_id: str, by: User, user_id: str, address: str | None) -> None:
        """End a ban, if there is one. The user is no member after it, but can become one. Raises `RateLimited`."""
        user = await self._subject(room_id, by, user_id)
        await self._store.members.change(room_id, user, by=by.id, at=now_ms(), rule=policy.ending_ban)
        await self._record(
            Audited.UNBANNED, actor_id=by.id, subject_id=user_id, address=address, room_id=room_id
        )

    async def _subject(self, room_id: str, by: User, user_id: str) -> User:
        # Checked before the user is looked up, so that outsiders cannot find out who exists.
        await self._members.require(room_id, by.id, Operation.BAN)
        self._throttles.send(by.id)
        if user_id == by.id:
            raise Forbidden("Nobody bans themselves")
        return await self._members.user(user_id)
