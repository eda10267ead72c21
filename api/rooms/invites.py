"""Makes and ends the invites to rooms, and lets people in who come with one."""

from typing import Final

from api.clock import now_ms
from api.errors import BadInvite, Banned, Invalid, NotFound, TailwireError, Unavailable
from api.ids import random_code
from api.limits.caps import Caps
from api.limits.throttles import Throttles
from api.models.accounts import Audited, Record, User
from api.models.invites import Invite, Preview, invite_id
from api.models.page import Page
from api.models.rooms import Role, RoomView, Visibility
from api.rooms import policy
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.rooms.rooms import RoomService
from api.store.base.store import Store

MOST_INVITES: Final = 100
"""A room has at most this many invites that have not expired."""


class RoomInvites:
    """Makes, lists, shows, ends and accepts the invites to rooms.

    An invite counts while its maker is a member who may give a role, and gives at most what they may give. When its
    maker leaves, it ends for good: it does not count for who comes back. Any other one raises `BadInvite`, as do those
    that are unknown, used up or expired, or whose room is gone.
    """

    def __init__(  # noqa: PLR0913, PLR0917  what is needed
        self,
        store: Store,
        rooms: RoomService,
        members: MemberService,
        throttles: Throttles,
        caps: Caps,
        record: Record,
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._members = members
        self._throttles = throttles
        self._caps = caps
        self._record = record

    async def make(  # noqa: PLR0913  what is needed
        self,
        room_id: str,
        by: User,
        address: str | None,
        *,
        role: Role,
        max_uses: int,
        expires_in_seconds: int,
    ) -> tuple[Invite, str]:
        """Make an invite to a room, and return it with its code, which is not stored.

        Raises `Forbidden` for a role that the maker may not give, `RateLimited`, and `Invalid` at a cap.
        """
        member = await self._members.require(room_id, by.id, Operation.INVITE)
        policy.require_may_give(member.rights, role)
        self._throttles.send(by.id)
        code = random_code()
        # The clocks of nodes differ a little, and an invite from before its maker joined does not count.
        now = max(now_ms(), member.joined_at)
        there = await self._store.invites.of_room(room_id, cursor=None, limit=MOST_INVITES)
        if sum(one.expires_at is None or one.expires_at > now for one in there.items) >= MOST_INVITES:
            raise Invalid("The room has as many invites as it may", code="limit")
        invite = Invite(
            id=invite_id(code),
            made_by=by.id,
            created_at=now,
            expires_at=now + 1_000 * expires_in_seconds,
            max_uses=max_uses,
            room_id=room_id,
            role=role,
        )
        await self._store.invites.create(invite, forget_before=now)
        await self._note(Audited.INVITED, room_id, by.id, address)
        return invite, code

    async def of_room(self, room_id: str, by: str, *, cursor: str | None, limit: int) -> Page[Invite]:
        """List the invites to a room, newest first, also those that are used up. Raises `BadCursor`."""
        await self._members.require(room_id, by, Operation.INVITE)
        return await self._store.invites.of_room(room_id, cursor=cursor, limit=limit)

    async def end(self, room_id: str, by: str, code: str, address: str | None) -> None:
        """End an invite, which is named by its code or by its id. Raises `NotFound`, `RateLimited`."""
        await self._members.require(room_id, by, Operation.INVITE)
        self._throttles.send(by)
        if not any([await self._store.invites.end(room_id, one) for one in (code, invite_id(code))]):
            raise NotFound
        await self._note(Audited.INVITE_ENDED, room_id, by, address)

    async def preview(self, invite: Invite) -> Preview:
        """Return what anybody who has the code may see of an invite to a room. Raises `BadInvite`."""
        maker = await self._maker(invite)
        room = None if invite.room_id is None else await self._store.rooms.view(invite.room_id, maker.id)
        if room is None:
            raise BadInvite
        return Preview(maker, room.room.name, room.member_count)

    async def accept(self, code: str, user: User, address: str | None) -> RoomView:
        """Make a user a member of the room to which a code invites. A retry, or a member, takes no use.

        Raises `BadInvite`, `RateLimited`, and `Invalid` at a cap. Who is banned is told so of a public room only: at a
        private one their code is as bad as one that nobody has made.
        """
        self._throttles.send(user.id)
        invite = await self._store.invites.get(invite_id(code))
        if invite is None or invite.room_id is None:
            raise BadInvite
        await self.enter(invite, user, address)
        return await self._rooms.view(invite.room_id, user.id)

    async def enter(self, invite: Invite, user: User, address: str | None) -> None:
        """Make a user a member of the room of an invite, and take a use of it. Raises what `accept` raises."""
        room_id, role, maker = invite.room_id, invite.role or Role.MEMBER, await self._maker(invite)
        if room_id is None:
            raise BadInvite
        has_used = user.id in await self._store.invites.users(invite.id)
        if not (has_used or invite.is_open(now_ms())):
            raise BadInvite
        if await self._store.members.get(room_id, user.id) is not None:
            return
        refusal = await self._refusal(room_id)
        if (await self._store.members.state(room_id, user.id)).banned:
            raise refusal
        await self._members.require_owner_welcome(room_id, user, refusal)
        await self._caps.one_more_member(room_id)
        await self._caps.one_more_room(user.id)
        await self._store.invites.claim(invite.id, user.id, at=now_ms())
        try:
            rule = policy.coming_by_invite(role)
            came = await self._store.members.change(room_id, user, by=maker.id, at=now_ms(), rule=rule)
        except Unavailable:
            raise
        except TailwireError as error:
            if not has_used:
                await self._store.invites.release(invite.id, user.id)
            if isinstance(error, Banned):
                raise refusal from None
            raise BadInvite if isinstance(error, NotFound) else error from None
        if came is not None:
            await self._note(Audited.INVITE_USED, room_id, user.id, address, maker.id)

    async def _refusal(self, room_id: str) -> type[TailwireError]:
        """Return what who is banned from a room is told. Raises `BadInvite` where there is none."""
        room = await self._store.rooms.get(room_id)
        if room is None:
            raise BadInvite
        return Banned if room.visibility is Visibility.PUBLIC else BadInvite

    async def _note(
        self, event: Audited, room_id: str, by: str, address: str | None, maker: str | None = None
    ) -> None:
        await self._record(event, actor_id=by, subject_id=maker, address=address, room_id=room_id)

    async def _maker(self, invite: Invite) -> User:
        """Return who has made an invite, if they may still give a role. Raises `BadInvite`."""
        if invite.room_id is None or invite.made_by is None:
            raise BadInvite
        account = await self._store.accounts.get(invite.made_by)
        member = await self._store.members.get(invite.room_id, invite.made_by)
        if account is None or account.disabled or member is None or member.joined_at > invite.created_at:
            raise BadInvite
        policy.given_by(member.rights, invite.role or Role.MEMBER)
        return account.user
