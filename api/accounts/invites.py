"""Makes and ends invites, and lets people in who come with one."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from api.accounts.admin import Actor
from api.accounts.audit import Audit
from api.clock import now_ms
from api.errors import BadInvite, NotFound, TailwireError, Unavailable
from api.models.accounts import Audited
from api.models.invites import Invite
from api.models.page import Page
from api.store.base.store import Store

CODE_BYTES: Final = 18
"""A code has 144 random bits, which are 24 characters in base64. So it cannot be guessed, and needs no other guard."""
MAX_USES: Final = 1_000
"""One invite lets in at most this many people: everybody who has it can pass it on."""


class InviteService:
    """Makes, lists and ends the invites to the server. Each change is in the audit log when its method returns."""

    def __init__(self, store: Store, audit: Audit) -> None:
        self._store = store
        self._audit = audit

    async def make(
        self, actor: Actor, *, admin: bool, max_uses: int, expires_in_seconds: int
    ) -> tuple[Invite, str]:
        """Make an invite to the server, and return it with its code, which is not stored."""
        code, now = new_code(), now_ms()
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
        invite = await self._store.invites.get(invite_id(code))
        if invite is None or invite.for_setup or not await self._may_invite(invite.made_by):
            raise BadInvite
        async with claimed(self._store, invite, user_id):
            yield invite
        if invite.admin:
            await self._audit.record(
                Audited.PROMOTED, actor_id=invite.made_by, subject_id=user_id, address=None
            )

    async def _may_invite(self, user_id: str | None) -> bool:
        if user_id is None:
            return True  # it was made on the command line
        maker = await self._store.accounts.get(user_id)
        return maker is not None and maker.admin and not maker.disabled

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


def new_code() -> str:
    """Return a new code of `CODE_BYTES`."""
    return secrets.token_urlsafe(CODE_BYTES)


def invite_id(code: str) -> str:
    """Return the id of the invite with this code: its SHA-256 in 64 hexadecimal digits."""
    return hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()


def invite_link(url: str, code: str) -> str:
    """Return the address of the page on which people use an invite. `url` is where this server is reached."""
    return f"{url}/#/invite/{code}"
