"""Makes and ends invites, and lets people in who come with one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from api.accounts.admin import Actor
from api.accounts.audit import Audit
from api.clock import now_ms
from api.errors import BadInvite, NotFound, TailwireError, Unavailable
from api.ids import random_code
from api.models.accounts import Audited, User
from api.models.invites import Invite, Preview, invite_id
from api.models.page import Page
from api.store.base.store import Store

MAX_USES: Final = 1_000
"""One invite lets in at most this many people: everybody who has it can pass it on."""


class RoomDoor(Protocol):
    """Lets people into rooms by invites, which `api/rooms/invites.py` does. Its methods raise `BadInvite`."""

    async def preview(self, invite: Invite) -> Preview:
        """Return what anybody who has the code may see of an invite to a room."""

    async def enter(self, invite: Invite, user: User, address: str | None) -> None:
        """Make a user a member of the room of an invite, of which they may have taken a use already."""


class InviteService:
    """Makes, lists and ends the invites to the server. Each change is in the audit log when its method returns.

    It also lets people sign up by an invite to a room, whose `door` it knows in a server.
    """

    def __init__(self, store: Store, audit: Audit, door: RoomDoor | None = None) -> None:
        self._store = store
        self._audit = audit
        self._door = door

    async def make(
        self, actor: Actor, *, admin: bool, max_uses: int, expires_in_seconds: int
    ) -> tuple[Invite, str]:
        """Make an invite to the server, and return it with its code, which is not stored."""
        code, now = random_code(), now_ms()
        invite = Invite(
            id=invite_id(code),
            made_by=actor.user_id,
            created_at=now,
            expires_at=now + 1_000 * expires_in_seconds,
            max_uses=max_uses,
            admin=admin,
        )
        await self._store.invites.create(invite, forget_before=now)
        await self._record(Audited.INVITED, actor)
        return invite, code

    async def to_server(self, *, cursor: str | None, limit: int) -> Page[Invite]:
        """List the invites to the server, newest first, also those that are used up. Raises `BadCursor`."""
        return await self._store.invites.of_room(None, cursor=cursor, limit=limit)

    async def end(self, invite_id: str, actor: Actor) -> None:
        """End an invite to the server: its uses that are left are gone. Raises `NotFound`."""
        if not await self._store.invites.end(None, invite_id):
            raise NotFound
        await self._record(Audited.INVITE_ENDED, actor)

    @asynccontextmanager
    async def admitting(self, code: str, user_id: str) -> AsyncIterator[Invite]:
        """Run a block that makes the account of this user, and take a use of the invite for it.

        An invite counts only while its maker may make one. Raises `BadInvite`.
        """
        invite, _ = await self._usable(code)
        async with claimed(self._store, invite, user_id):
            yield invite
        if invite.admin:
            await self._audit.record(
                Audited.PROMOTED, actor_id=invite.made_by, subject_id=user_id, address=None
            )

    async def preview(self, code: str) -> Preview:
        """Return what anybody who has this code may see of its invite. Raises `BadInvite`."""
        invite, preview = await self._usable(code)
        if not invite.is_open(now_ms()):
            raise BadInvite
        return preview

    async def enter_room(self, code: str, user: User, address: str | None) -> None:
        """Make who has signed up by an invite to a room a member of it. An invite to the server does nothing more.

        The account is made already. So where the room cannot be entered any more, nothing is raised.
        """
        invite = await self._store.invites.get(invite_id(code))
        if invite is not None and invite.room_id is not None and self._door is not None:
            with suppress(TailwireError):
                await self._door.enter(invite, user, address)

    async def _usable(self, code: str) -> tuple[Invite, Preview]:
        """Return an invite that its maker may make now, and what may be seen of it. Raises `BadInvite`."""
        invite = await self._store.invites.get(invite_id(code))
        if invite is None or invite.for_setup:
            raise BadInvite
        if invite.room_id is not None:
            if self._door is None:
                raise BadInvite
            return invite, await self._door.preview(invite)
        if invite.made_by is None:  # it was made on the command line
            return invite, Preview(None)
        maker = await self._store.accounts.get(invite.made_by)
        if maker is None or not maker.admin or maker.disabled:
            raise BadInvite
        return invite, Preview(maker.user)

    async def _record(self, event: Audited, actor: Actor) -> None:
        await self._audit.record(event, actor_id=actor.user_id, subject_id=None, address=actor.address)


@asynccontextmanager
async def claimed(store: Store, invite: Invite, user_id: str) -> AsyncIterator[None]:
    """Take a use of an invite for the account that the block makes, and give it back when it makes none.

    Raises `BadInvite`. Where it cannot be known whether the account was made, the store finds out later.
    """
    await store.invites.claim(invite.id, user_id, at=now_ms())
    try:
        yield
    except Unavailable:
        raise
    except TailwireError:
        await store.invites.release(invite.id, user_id)
        raise


def invite_link(url: str, code: str) -> str:
    """Return the address of the page on which people use an invite. `url` is where this server is reached."""
    return f"{url}/#/invite/{code}"
