"""Signing up, in, on and out: what users do to their own accounts and sessions, whatever the transport."""

from dataclasses import dataclass, field
from typing import Final

from api.accounts.audit import Audit
from api.accounts.names import key_of, skeleton, username, username_key, username_prefix
from api.accounts.security import Passwords, Tokens, refresh_hash, session_of
from api.accounts.weak_passwords import check_password
from api.clock import now_ms
from api.errors import (
    FieldError,
    Invalid,
    InvalidCredentials,
    NotFound,
    Unauthorized,
    UsernameTaken,
    WrongPassword,
)
from api.ids import random_id
from api.models.accounts import Account, Audited, Rotation, Session, User
from api.models.page import Page
from api.models.rooms import LOBBY_ID, Role
from api.store.base.store import Store

REFRESH_GRACE_MS: Final = 10_000
"""For this long a used-up refresh token still gives the current one: its answer may have been lost."""
MAX_USER_AGENT_CHARACTERS: Final = 200
MS_PER_MINUTE: Final = 60_000
MS_PER_DAY: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from, and what its program calls itself."""

    address: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A session's tokens; the second is None where a cookie has it. `expires_in` of the first, in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int


class Accounts:
    """See the module."""

    def __init__(  # noqa: PLR0913  what it is wired to
        self,
        store: Store,
        passwords: Passwords,
        tokens: Tokens,
        audit: Audit,
        *,
        access_minutes: int,
        session_days: int,
        sessions_per_user: int,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._tokens = tokens
        self._audit = audit
        self._access_ms = access_minutes * MS_PER_MINUTE
        self._session_ms = session_days * MS_PER_DAY
        self._sessions_per_user = sessions_per_user

    async def sign_up(
        self, name: str, password: str, display_name: str | None, client: Client
    ) -> tuple[User, Issued]:
        """Make an account, a member of the lobby, and its first session. Raises `Invalid`, `UsernameTaken`."""
        user = await make_account(self._store, self._passwords, name, password, display_name)
        await self._audit.note(Audited.SIGNED_UP, user.id, client.address)
        _, issued = await self._begin_session(user, client)
        return user, issued

    async def log_in(self, name: str, password: str, client: Client) -> tuple[User, Issued]:
        """Begin a session. Raises `InvalidCredentials`, for an unknown or disabled user after the same time."""
        account = await account_named(self._store, name)
        fits, new_hash = await self._passwords.verify(
            password, None if account is None else account.password_hash
        )
        if account is None or account.disabled or not fits:
            await self._audit.note(
                Audited.LOGIN_FAILED, None if account is None else account.user.id, client.address
            )
            raise InvalidCredentials
        if new_hash is not None:
            await self._store.accounts.set_password_hash(
                account.user.id, new_hash, over=account.password_hash
            )
        session_id, issued = await self._begin_session(account.user, client)
        if not await self._still_lets_in(account, password):
            await self._store.sessions.end(session_id)
            raise InvalidCredentials
        await self._audit.note(Audited.LOGGED_IN, account.user.id, client.address)
        return account.user, issued

    async def _still_lets_in(self, before: Account, password: str) -> bool:
        """Look once more, now that the session is there for whoever ends all of them.

        Disabling and a new password end the sessions that there are; one that was just beginning would be left.
        """
        now = await self._store.accounts.get(before.user.id)
        if now is None or now.disabled:
            return False
        if now.password_hash == before.password_hash:
            return True
        fits, _ = await self._passwords.verify(password, now.password_hash)
        return fits

    async def search(self, text: str, *, cursor: str | None, limit: int) -> Page[User]:
        """List the users whose username begins so, in whichever of its spellings. Raises `BadCursor`."""
        prefix = username_prefix(text)
        if prefix is None:
            return Page([], None)
        return await self._store.accounts.named(prefix, cursor=cursor, limit=limit)

    async def refresh(self, refresh_token: str, client: Client) -> Issued:
        """Use up a refresh token and return the next pair. Raises `Unauthorized`; a reused one ends its session."""
        session_id = session_of(refresh_token)
        session = await self._store.sessions.get(session_id)
        now = now_ms()
        if session is None or session.expires_at <= now or not await self._is_enabled(session.user_id):
            raise Unauthorized("The session is over")
        if not self._tokens.has_issued(refresh_token) and not _is_known(session, refresh_token):
            raise Unauthorized  # a guess, which must not end the session of whoever it is about
        next_token = self._tokens.next_refresh(refresh_token)
        rotation = await self._store.sessions.rotate(
            session_id,
            presented_hash=refresh_hash(refresh_token),
            next_hash=refresh_hash(next_token),
            at=now,
            grace_ms=REFRESH_GRACE_MS,
            expires_at=now + self._session_ms,
        )
        if rotation is Rotation.REUSED:
            await self._audit.note(Audited.REFRESH_REUSED, session.user_id, client.address)
        if rotation is Rotation.GRACE:  # there may be more than one after it by now
            session = await self._store.sessions.get(session_id)
        if session is None or rotation not in {Rotation.ROTATED, Rotation.GRACE}:
            raise Unauthorized("The session is over")
        if rotation is Rotation.GRACE:
            known = {session.refresh_hash, *(used for used, _ in session.used)}
            next_token = self._tokens.current_refresh(refresh_token, session.refresh_hash, known)
        return self._issue(session.user_id, session_id, next_token, now)

    async def log_out(self, user_id: str, session_id: str, client: Client) -> None:
        """End a session; its sockets are closed by way of the feed, on every node."""
        await self._store.sessions.end(session_id)
        await self._audit.note(Audited.LOGGED_OUT, user_id, client.address)

    async def sessions(self, user_id: str) -> list[Session]:
        """Return a user's sessions that can still be used, newest first."""
        now = now_ms()
        return [one for one in await self._store.sessions.of_user(user_id) if one.expires_at > now]

    async def end_session(self, user_id: str, session_id: str, client: Client) -> None:
        """End one of a user's own sessions. Raises `NotFound`, for another's session too."""
        session = await self._store.sessions.get(session_id)
        if session is None or session.user_id != user_id:
            raise NotFound
        await self._store.sessions.end(session_id)
        await self._audit.note(Audited.SESSION_ENDED, user_id, client.address)

    async def end_other_sessions(self, user_id: str, session_id: str, client: Client) -> list[str]:
        """End all of a user's sessions but this one, and return which."""
        ended = await self._store.sessions.end_all(user_id, but=session_id)
        if ended:  # or one account would fill the audit log with nothing
            await self._audit.note(Audited.SESSION_ENDED, user_id, client.address)
        return ended

    async def change_password(
        self, user_id: str, session_id: str, current: str, new: str, client: Client
    ) -> list[str]:
        """Replace a user's password, end all sessions but this one, and return which. Raises `Invalid`."""
        account = await self._require_password(user_id, current, "current_password")
        check_password(new, account.user.username, "new_password")
        new_hash = await self._passwords.hash(new)
        ended = await replace_password(self._store, user_id, new_hash, but=session_id)
        await self._audit.note(Audited.PASSWORD_CHANGED, user_id, client.address)
        return ended

    async def erase(self, user_id: str, password: str, client: Client) -> list[str]:
        """Begin erasing an account, which from here on nothing stops; return the sessions that have ended.

        Raises `Invalid`. What remains to be done is `Erasure`'s.
        """
        await self._require_password(user_id, password, "password")
        await self._audit.record(Audited.ERASED, actor_id=user_id, subject_id=user_id, address=client.address)
        await self._store.erasure.begin(user_id)
        return await self._store.sessions.end_all(user_id)

    async def note_export(self, user_id: str, client: Client) -> None:
        """Leave word that a user takes all of theirs away."""
        await self._audit.note(Audited.EXPORTED, user_id, client.address)

    async def _require_password(self, user_id: str, password: str, name: str) -> Account:
        account = await self._store.accounts.get(user_id)
        hash_ = None if account is None else account.password_hash
        fits, _ = await self._passwords.verify(password, hash_)
        if account is None or not fits:
            raise WrongPassword(errors=(FieldError((name,), "is wrong"),))
        return account

    async def _is_enabled(self, user_id: str) -> bool:
        account = await self._store.accounts.get(user_id)
        return account is not None and not account.disabled

    async def _begin_session(self, user: User, client: Client) -> tuple[str, Issued]:
        # Here and not only at sign-up: it heals an account whose making was cut off in the middle.
        joined = await self._store.members.join(LOBBY_ID, user, Role.MEMBER, now_ms())
        if joined is not None:  # what was said before they came is not unread to them
            await self._store.members.mark_read(LOBBY_ID, user.id, joined.entry.seq)
        now, session_id = now_ms(), random_id()
        token = self._tokens.first_refresh(session_id)
        await self._store.sessions.create(
            Session(
                id=session_id,
                user_id=user.id,
                created_at=now,
                last_used_at=now,
                expires_at=now + self._session_ms,
                user_agent=client.user_agent[:MAX_USER_AGENT_CHARACTERS],
                refresh_hash=refresh_hash(token),
            ),
            most=self._sessions_per_user,
        )
        return session_id, self._issue(user.id, session_id, token, now)

    def _issue(self, user_id: str, session_id: str, refresh_token: str, now: int) -> Issued:
        access_token = self._tokens.issue(user_id, session_id, now=now, expires_at=now + self._access_ms)
        return Issued(access_token, refresh_token, self._access_ms // 1000)


async def make_account(
    store: Store, passwords: Passwords, name: str, password: str, display_name: str | None
) -> User:
    """Store a new account. Raises `Invalid`, `UsernameTaken`."""
    key = username_key(name)
    check_password(password, name)
    if await holder_of(store, name) is not None:
        raise UsernameTaken  # before the costly hash; `create_account` is what decides
    user = User(random_id(), username(name), display_name or name, now_ms())
    await store.accounts.create(Account(user, key, await passwords.hash(password)))
    return user


async def replace_password(
    store: Store, user_id: str, password_hash: str, *, but: str | None = None
) -> list[str]:
    """Replace a password and end all sessions but one; return which. Raises `NotFound`.

    Sessions end before, so that a crash leaves none of the old password's beside the new one, and after, for
    one may have begun between.
    """
    ended = await store.sessions.end_all(user_id, but=but)
    await store.accounts.set_password_hash(user_id, password_hash)
    return [*ended, *await store.sessions.end_all(user_id, but=but)]


async def account_named(store: Store, name: str) -> Account | None:
    """Return the account of this username, whatever its case; not one that only looks the same."""
    account = await holder_of(store, name)
    return account if account is not None and account.user.username.lower() == username(name) else None


async def holder_of(store: Store, name: str) -> Account | None:
    """Return the account whose name is this one, or looks like it."""
    try:
        name = username(name)
    except Invalid:
        return None
    # The second is the key of accounts made before keys were skeletons.
    # Both are read, whoever there is: a read more would tell that there is nobody.
    found = [await store.accounts.by_name(key) for key in dict.fromkeys((key_of(skeleton(name)), name))]
    return next((account for account in found if account is not None), None)


def _is_known(session: Session, refresh_token: str) -> bool:
    """Whether this is a session's refresh token, or was a moment ago."""
    return refresh_hash(refresh_token) in {session.refresh_hash, *(used for used, _ in session.used)}
