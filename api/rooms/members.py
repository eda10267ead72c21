"""Lists, adds and removes the members of rooms, and changes their roles."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeAlias

from api.clock import now_ms
from api.errors import Banned, Blocked, FieldError, Forbidden, Invalid, NotFound, TailwireError, UserBanned
from api.limits.caps import Caps
from api.limits.throttles import Throttles
from api.models.accounts import Audited, Record, User
from api.models.changes import NotifyChanged, PlaceChanged, Tell
from api.models.page import Page
from api.models.rooms import (
    SHOWN,
    Member,
    Notify,
    ReadMark,
    Role,
    RoomPlace,
    RoomView,
    Visibility,
    is_direct,
)
from api.rooms import policy
from api.rooms.operations import Operation
from api.rooms.policy import Facts
from api.rooms.receipts import Receipts
from api.rooms.rooms import RoomService
from api.store.base.store import Store
from api.store.reads import BatchedReads

PAGE: Final = 100

OnLeft: TypeAlias = Callable[[str, str], None]
"""A callback that ends the subscriptions of a user (room id, user id) who is no longer a member of the room.

It is called before the request that ended the membership is answered.
"""


class MemberService:
    """Reads and changes memberships.

    Methods raise `Forbidden` for what a user may see but not do. They raise `NotFound` for what a user may not see, as
    for what does not exist.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        reads: BatchedReads,
        rooms: RoomService,
        throttles: Throttles,
        caps: Caps,
        on_left: OnLeft,
        tell: Tell,
        record: Record,
        receipts: Receipts,
    ) -> None:
        self._store = store
        self._reads = reads
        self._rooms = rooms
        self._throttles = throttles
        self._caps = caps
        self._on_left = on_left
        self._tell = tell
        self._record = record
        self.receipts = receipts

    async def require(self, room_id: str, user_id: str, operation: Operation) -> Member:
        """Return a user's membership, if it allows the operation."""
        member = await self._reads.member(room_id, user_id)
        if member is not None:
            policy.require(operation, policy.facts_of(member))
            return member
        policy.require(operation, await self._outside(room_id, user_id))
        raise NotFound  # the policy allows the operation to outsiders, who have no membership to return

    async def of_room(
        self, room_id: str, by: str, *, named: str | None = None, cursor: str | None, limit: int
    ) -> Page[Member]:
        """List a room's members for the member `by`, or those whose names contain a text.

        Raises `BadCursor`, and `RateLimited` for too many searches.
        """
        await self.require(room_id, by, Operation.LIST_MEMBERS)
        if named is not None:
            self._throttles.search(by)
        return await self._store.members.of_room(room_id, named=named, cursor=cursor, limit=limit)

    async def join(self, room_id: str, user: User) -> RoomView:
        """Make a user a member of a public room, unless they are one. Who left as a reader comes back as a reader.

        Raises `RateLimited`, `Banned`, and `Invalid` at a cap.
        """
        view = await self._rooms.view(room_id, user.id, Operation.JOIN)
        self._throttles.send(user.id)
        if view.role is None:
            await self.require_owner_welcome(room_id, user, Banned)
            await self._require_space(room_id, user.id)
        rule = policy.coming_in(Role.MEMBER)
        await self._store.members.change(room_id, user, by=user.id, at=now_ms(), rule=rule)
        return await self._rooms.view(room_id, user.id)

    async def leave(self, room_id: str, user: User) -> None:
        """End a user's own membership, or hide a direct room, whose people never change. Raises `RateLimited`.

        Out of a private room their bots go with them.
        """
        await self.require(room_id, user.id, Operation.LEAVE)
        self._throttles.send(user.id)
        if is_direct(room_id):
            await self.hide(room_id, user.id, hidden=True)
            return
        rule = policy.leaving(room_id)
        await self._store.members.change(room_id, user, by=user.id, at=now_ms(), rule=rule)
        self._on_left(room_id, user.id)
        await self._take_bots_out(room_id, user.id, user.id)

    async def set_role(self, room_id: str, by: str, user_id: str, role: Role) -> Member:
        """Give a user a role, and add them if they are no member.

        Raises `RateLimited`, `UserBanned`, `Blocked` when they are to be added and have blocked the user `by`, and
        `Invalid` at a cap.
        """
        await self.require(room_id, by, Operation.SET_ROLE)
        self._throttles.send(by)
        user = await self.user(user_id)
        if await self._store.members.get(room_id, user_id) is None:
            if user_id in await self._reads.blockers(by):
                raise Blocked
            await self.require_owner_welcome(room_id, user, UserBanned)
            await self._require_space(room_id, user_id)
        rule = policy.setting_role(role)
        await self._store.members.change(room_id, user, by=by, at=now_ms(), rule=rule)
        changed = await self._store.members.get(room_id, user_id)
        if changed is None:
            raise NotFound
        return changed

    async def remove(self, room_id: str, by: User, user_id: str, address: str | None) -> None:
        """Remove a user from a room, if they are a member. Removing oneself is leaving. Raises `RateLimited`.

        Out of a private room their bots go with them.
        The removal of another is in the audit log when this returns, with the address of who did it.
        """
        if user_id == by.id:
            await self.leave(room_id, by)
            return
        # Checked before the user is looked up, so that outsiders cannot find out who exists.
        await self.require(room_id, by.id, Operation.REMOVE_MEMBER)
        self._throttles.send(by.id)
        user = await self.user(user_id)
        rule = policy.removing(room_id)
        await self._store.members.change(room_id, user, by=by.id, at=now_ms(), rule=rule)
        self._on_left(room_id, user_id)
        await self._take_bots_out(room_id, user_id, by.id)
        await self._record(
            Audited.REMOVED, actor_id=by.id, subject_id=user_id, address=address, room_id=room_id
        )

    async def user(self, user_id: str) -> User:
        """Return a user to whom something is to be done. Raises `NotFound`, also for one who is being erased."""
        account = await self._reads.account(user_id)
        if account is None or account.erasing:
            raise NotFound
        return account.user

    async def require_owner_welcome(self, room_id: str, user: User, refusal: type[TailwireError]) -> None:
        """Raise `refusal` for a bot whose owner is banned from a room."""
        if not user.is_bot:
            return
        account = await self._reads.account(user.id)
        owner_id = None if account is None else account.owner_id
        if owner_id is not None and (await self._store.members.state(room_id, owner_id)).banned:
            raise refusal

    async def bots_inside(self, room_id: str, owner_id: str) -> list[User]:
        """Return those of a user's bots that are members of a room."""
        inside, cursor = list[User](), None
        while True:
            page = await self._store.accounts.bots_of(owner_id, cursor=cursor, limit=PAGE)
            places = [(room_id, bot.user.id) for bot in page.items]
            members = await self._store.members.get_many(places)
            inside += [bot.user for bot in page.items if (room_id, bot.user.id) in members]
            if (cursor := page.next_cursor) is None:
                return inside

    async def _take_bots_out(self, room_id: str, owner_id: str, by: str) -> None:
        """End the memberships of a user's bots in a private room, through which they would still see into it.

        A bot that is its last owner stays: somebody must first make another one.
        """
        room = await self._store.rooms.get(room_id)
        if room is None or room.visibility is not Visibility.PRIVATE:
            return
        for bot in await self.bots_inside(room_id, owner_id):
            rule = policy.leaving(room_id)
            with suppress(Forbidden):
                await self._store.members.change(room_id, bot, by=by, at=now_ms(), rule=rule)
                self._on_left(room_id, bot.id)

    async def mark_read(  # noqa: PLR0913  the fields of the command
        self,
        room_id: str,
        user: User,
        seq: int,
        *,
        epoch: str | None,
        back: bool,
        origin: object | None = None,
    ) -> ReadMark:
        """Store that a member has seen everything up to `seq`, and return what is stored then.

        The stored seq becomes lower only if `back` is True. If it has moved, those are told whom `Receipts` names, but
        not the connection `origin`. Raises `EpochChanged` if `epoch` is given and is not the room's.
        """
        await self.require(room_id, user.id, Operation.MARK_READ)
        mark = await self._store.members.mark_read(room_id, user.id, seq, epoch=epoch, back=back)
        await self.receipts.read(room_id, user, mark, origin)
        return mark

    async def set_notify(self, room_id: str, user: User, notify: Notify) -> None:
        """Store how a member wants to be notified of a room, and tell their connections.

        Raises `Invalid` if `muted_until` is past.
        """
        if notify.muted_until is not None and notify.muted_until <= now_ms():
            raise Invalid(errors=(FieldError(("muted_until",), "must be a time to come"),))
        await self.require(room_id, user.id, Operation.NOTIFY)
        await self._store.members.set_notify(room_id, user.id, notify)
        self._tell(NotifyChanged(room_id, user.id, notify.level.value, notify.muted_until or 0), None)

    async def set_place(
        self, room_id: str, user: User, *, favourite: bool, section: str | None, hidden: bool
    ) -> None:
        """Store where a member keeps a room in their list, and tell their connections."""
        await self.require(room_id, user.id, Operation.PLACE)
        await self._keep_at(room_id, user.id, RoomPlace(favourite, section), hidden=hidden)

    async def hide(self, room_id: str, user_id: str, *, hidden: bool) -> None:
        """Hide a room in a member's list, or show it, and tell their connections. Its place stays the same."""
        view = await self._rooms.view(room_id, user_id)
        if view.is_hidden != hidden or view.is_untold:
            await self._keep_at(room_id, user_id, view.place or RoomPlace(), hidden=hidden)

    async def _keep_at(self, room_id: str, user_id: str, place: RoomPlace, *, hidden: bool) -> None:
        head = await self._reads.head(room_id)
        if head is None:
            raise NotFound
        place = replace(place, hidden_at=head.seq if hidden else SHOWN)
        await self._store.members.set_place(room_id, user_id, place)
        self._tell(PlaceChanged(room_id, user_id, place.favourite, place.section or "", hidden), None)

    async def _outside(self, room_id: str, user_id: str) -> Facts:
        """Return the facts about a non-member. For a hidden room and a missing one the store does the same."""
        state, room = await asyncio.gather(
            self._store.members.state(room_id, user_id), self._store.rooms.get(room_id)
        )
        return Facts(None, Visibility.PRIVATE if room is None else room.visibility, banned=state.banned)

    async def _require_space(self, room_id: str, user_id: str) -> None:
        await self._caps.one_more_member(room_id)
        await self._caps.one_more_room(user_id)
