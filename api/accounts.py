"""Signing up, in, on and out: what happens to accounts and sessions, whatever the transport."""

from dataclasses import dataclass, field
from typing import Final

from api.clock import now_ms
from api.errors import Invalid, InvalidCredentials, Unauthorized, UsernameTaken
from api.ids import random_id
from api.models import LOBBY_ID, Account, Role, Rotation, Session, User
from api.names import key_of, skeleton, username, username_key
from api.security import Passwords, Tokens, refresh_hash, session_of
from api.store.base import Store
from api.weak_passwords import check_password

REFRESH_GRACE_MS: Final = 10_000
"""For this long a used-up refresh token still gives the same successor: its answer may have been lost."""
MAX_USER_AGENT_CHARACTERS: Final = 200
MS_PER_MINUTE: Final = 60_000
MS_PER_DAY: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Issued:
    """The two tokens of a session. `expires_in` of the access token, in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


class Accounts:
    """See the module."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        tokens: Tokens,
        *,
        access_minutes: int,
        session_days: int,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._tokens = tokens
        self._access_ms = access_minutes * MS_PER_MINUTE
        self._session_ms = session_days * MS_PER_DAY

    async def sign_up(
        self, name: str, password: str, display_name: str | None, user_agent: str
    ) -> tuple[User, Issued]:
        """Make an account, a member of the lobby, and its first session. Raises `Invalid`, `UsernameTaken`."""
        key = username_key(name)
        check_password(password, name)
        if await self._holder(name) is not None:
            raise UsernameTaken  # before the costly hash; `create_account` is what decides
        user = User(random_id(), username(name), display_name or name, now_ms())
        await self._store.create_account(Account(user, key, await self._passwords.hash(password)))
        return user, await self._begin_session(user, user_agent)

    async def log_in(self, name: str, password: str, user_agent: str) -> tuple[User, Issued]:
        """Begin a session. Raises `InvalidCredentials`, for an unknown user after the same time."""
        account = await self.find(name)
        fits, new_hash = await self._passwords.verify(
            password, None if account is None else account.password_hash
        )
        if account is None or not fits:
            raise InvalidCredentials
        if new_hash is not None:
            await self._store.set_password_hash(account.user.id, new_hash)
        return account.user, await self._begin_session(account.user, user_agent)

    async def find(self, name: str) -> Account | None:
        """Return the account of this username, whatever its case; not one that only looks the same."""
        account = await self._holder(name)
        return account if account is not None and account.user.username.lower() == username(name) else None

    async def _holder(self, name: str) -> Account | None:
        """Return the account whose name is this one, or looks like it."""
        try:
            name = username(name)
        except Invalid:
            return None
        # The second is the key of accounts made before keys were skeletons.
        for key in dict.fromkeys((key_of(skeleton(name)), name)):
            if (account := await self._store.account_by_name(key)) is not None:
                return account
        return None

    async def refresh(self, refresh_token: str) -> Issued:
        """Use up a refresh token and return the next pair. Raises `Unauthorized`; a reused one ends its session."""
        session_id = session_of(refresh_token)
        session = await self._store.session(session_id)
        now = now_ms()
        if session is None or session.expires_at <= now:
            raise Unauthorized("The session is over")
        next_token = self._tokens.next_refresh(refresh_token)
        rotation = await self._store.rotate_refresh(
            session_id,
            presented_hash=refresh_hash(refresh_token),
            next_hash=refresh_hash(next_token),
            at=now,
            grace_ms=REFRESH_GRACE_MS,
            expires_at=now + self._session_ms,
        )
        if rotation is Rotation.GRACE:  # there may be more than one after it by now
            session = await self._store.session(session_id)
        if session is None or rotation not in {Rotation.ROTATED, Rotation.GRACE}:
            raise Unauthorized("The session is over")
        if rotation is Rotation.GRACE:
            next_token = self._tokens.current_refresh(refresh_token, session.refresh_hash)
        return self._issue(session.user_id, session_id, next_token, now)

    async def log_out(self, session_id: str) -> None:
        """End a session; its sockets are closed by way of the feed, on every node."""
        await self._store.end_session(session_id)

    async def _begin_session(self, user: User, user_agent: str) -> Issued:
        # Here and not only at sign-up: it heals an account whose making was cut off in the middle.
        joined = await self._store.join(LOBBY_ID, user, Role.MEMBER, now_ms())
        if joined is not None:  # what was said before they came is not unread to them
            await self._store.mark_read(LOBBY_ID, user.id, joined.entry.seq)
        now, session_id = now_ms(), random_id()
        token = self._tokens.first_refresh(session_id)
        await self._store.create_session(
            Session(
                id=session_id,
                user_id=user.id,
                created_at=now,
                last_used_at=now,
                expires_at=now + self._session_ms,
                user_agent=user_agent[:MAX_USER_AGENT_CHARACTERS],
                refresh_hash=refresh_hash(token),
            )
        )
        return self._issue(user.id, session_id, token, now)

    def _issue(self, user_id: str, session_id: str, refresh_token: str, now: int) -> Issued:
        access_token = self._tokens.issue(user_id, session_id, now=now, expires_at=now + self._access_ms)
        return Issued(access_token, refresh_token, self._access_ms // 1000)
