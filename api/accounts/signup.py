"""Signing up: freely, by an invite, or as the first administrator."""

from functools import partial
from typing import NamedTuple

from api.accounts.attempt_limits import AttemptLimits
from api.accounts.audit import Audit
from api.accounts.directory import Admission, freely, make_account
from api.accounts.identity import Client
from api.accounts.invites import InviteService
from api.accounts.passwords import Passwords
from api.accounts.sessions import SessionService, TokenPair
from api.accounts.setup import first_admin
from api.errors import SignupClosed
from api.limits.throttles import Throttles
from api.models.accounts import Audited, SignupMode, User
from api.models.invites import Preview
from api.store.base.store import Store


class Newcomer(NamedTuple):
    """The names and the password that somebody wants for a new account."""

    username: str
    password: str
    display_name: str | None


class SignUpService:
    """Makes accounts for newcomers. `mode` says who may come."""

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        passwords: Passwords,
        audit: Audit,
        attempts: AttemptLimits,
        sessions: SessionService,
        invites: InviteService,
        throttles: Throttles,
        mode: SignupMode,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._audit = audit
        self._attempts = attempts
        self._sessions = sessions
        self._invites = invites
        self._throttles = throttles
        self.mode = mode

    async def sign_up(self, newcomer: Newcomer, invite: str | None, client: Client) -> tuple[User, TokenPair]:
        """Make an account, add it to the lobby and to the room of its invite, and begin its first session.

        `invite` is the code of an invite to the server or to a room.

        Raises `SignupClosed`, `BadInvite`, `RateLimited`, `Invalid`, `UsernameTaken`.
        """
        if self.mode is SignupMode.CLOSED:
            raise SignupClosed
        if self.mode is SignupMode.INVITE and invite is None:
            raise SignupClosed("Nobody can sign up here without an invite")
        if invite is None:
            return await self._make(newcomer, freely, Audited.SIGNED_UP, client)
        admitted = partial(self._invites.admitting, invite)
        user, issued = await self._make(newcomer, admitted, Audited.SIGNED_UP, client)
        await self._invites.enter_room(invite, user, client.address)
        return user, issued

    async def preview(self, code: str, address: str) -> Preview:
        """Return what may be seen of an invite by somebody who has no account. Raises `BadInvite`, `RateLimited`."""
        self._throttles.preview(address)
        return await self._invites.preview(code)

    async def set_up(self, newcomer: Newcomer, token: str, client: Client) -> tuple[User, TokenPair]:
        """Make the account of the first administrator, whoever else may sign up, and begin its first session.

        Raises `Conflict` when there is one, `BadInvite` for what is not the token of the setup link, and `RateLimited`,
        `Invalid`, `UsernameTaken`.
        """
        return await self._make(newcomer, partial(first_admin, self._store, token), Audited.SET_UP, client)

    async def _make(
        self, newcomer: Newcomer, admitted: Admission, event: Audited, client: Client
    ) -> tuple[User, TokenPair]:
        async with self._attempts.sign_up(client.address):
            user = await make_account(self._store, self._passwords, *newcomer, admitted=admitted)
            await self._audit.note(event, user.id, client.address)
            _, issued = await self._sessions.begin(user, client)
        return user, issued
