"""Logging in, refreshing and logging out: the sessions of users, over HTTP and sockets alike."""

from dataclasses import dataclass, field
from typing import Final

from api.accounts.attempt_limits import AttemptLimits
from api.accounts.audit import Audit
from api.accounts.directory import account_named
from api.accounts.endings import SessionEndings
from api.accounts.identity import Client, Identity
from api.accounts.passwords import Passwords
from api.accounts.session_tokens import Tokens, generation_of, refresh_hash, session_of
from api.clock import now_ms
from api.errors import InvalidCredentials, NotFound, Unauthorized
from api.ids import random_id
from api.limits.throttles import Throttles
from api.models.accounts import Account, Audited, Rotation, Session, SessionKind, User
from api.models.rooms import LOBBY_ID, Role
from api.store.base.store import Store

MAX_USER_AGENT_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A session's tokens. The access token expires in `expires_in` seconds.

    `refresh_token` is None where a cookie holds it.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long tokens are valid unless renewed (milliseconds), and how many sessions a user can have."""

    access_ms: int
    session_ms: int
    sessions_per_user: int


class SessionService:
    """Begins, refreshes, lists and ends the sessions of users."""

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        passwords: Passwords,
        tokens: Tokens,
        audit: Audit,
        attempts: AttemptLimits,
        throttles: Throttles,
        endings: SessionEndings,
        lifetimes: Lifetimes,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._tokens = tokens
        self._audit = audit
        self._attempts = attempts
        self._throttles = throttles
        self._endings = endings
        self._lifetimes = lifetimes

    async def log_in(self, name: str, password: str, client: Client) -> tuple[User, TokenPair]:
        """Begin a session. Raises `RateLimited`, `InvalidCredentials` and `Unavailable`.

        The time until `InvalidCredentials` is always the same. So it does not tell whether the user is unknown, is
        disabled, has no password or gave a wrong one.
        """
        async with self._attempts.password(name, client.address):
            return await self._log_in(name, password, client)

    async def _log_in(self, name: str, password: str, client: Client) -> tuple[User, TokenPair]:
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
        session_id, issued = await self.begin(account.user, client)
        if not await self._still_lets_in(account, password):
            await self._endings.one(session_id)
            raise InvalidCredentials
        await self._audit.note(Audited.LOGGED_IN, account.user.id, client.address)
        return account.user, issued

    async def _still_lets_in(self, before: Account, password: str) -> bool:
        """Return whether the account still accepts this password, after the new session has been stored.

        Disabling an account and changing its password end the sessions that are stored. Without this second check, a
        session that was beginning at that moment would remain.
        """
        now = await self._store.accounts.get(before.user.id)
        if now is None or now.disabled:
            return False
        if now.password_hash == before.password_hash:
            return True
        fits, _ = await self._passwords.verify(password, now.password_hash)
        return fits

    async def begin(
        self, user: User, client: Client, kind: SessionKind = SessionKind.LOGIN
    ) -> tuple[str, TokenPair]:
        """Begin a session of a user who has proven their identity. Return its id and its tokens."""
        # Joining here, and not only at sign-up, repairs an account whose sign-up was interrupted.
        joined = await self._store.members.join(LOBBY_ID, user, Role.MEMBER, now_ms())
        if joined is not None:  # messages from before the user joined do not count as unread
            await self._store.members.mark_read(LOBBY_ID, user.id, joined.entry.seq)
        now, session_id = now_ms(), random_id()
        token = self._tokens.first_refresh(session_id)
        await self._store.sessions.create(
            Session(
                id=session_id,
                user_id=user.id,
                created_at=now,
                last_used_at=now,
                expires_at=now + self._lifetimes.session_ms,
                user_agent=client.user_agent[:MAX_USER_AGENT_CHARACTERS],
                refresh_hash=refresh_hash(token),
                kind=kind,
            ),
            most=self._lifetimes.sessions_per_user,
        )
        return session_id, self._issue(user.id, session_id, token, now)

    async def refresh(self, refresh_token: str, client: Client) -> TokenPair:
        """Use up a refresh token and return the next pair.

        The token before the newest gives the newest again, until that one's pair has been used: the answer with it was
        lost. Any other token that was used up ends its session (docs/decisions/0008). Raises `RateLimited`, and
        `Unauthorized` for a token that is not valid.
        """
        session_id, is_ours = session_of(refresh_token), self._tokens.has_issued(refresh_token)
        # A made-up token is not counted against the session that it names.
        self._throttles.refresh(session_id if is_ours else refresh_token)
        session = await self._store.sessions.get(session_id)
        now = now_ms()
        if session is None or session.expires_at <= now or not await self._is_enabled(session.user_id):
            raise Unauthorized("The session is over")
        if session.kind is SessionKind.TOKEN:
            raise Unauthorized  # the id of a token is no secret, and a token is not refreshed
        if not is_ours and not _is_known(session, refresh_token):
            raise Unauthorized  # a guess must not end the session that it names
        successors = self._tokens.successors(refresh_token)
        rotation, newest = await self._store.sessions.rotate(
            session_id,
            presented_hash=refresh_hash(refresh_token),
            next_hashes=list(successors),
            at=now,
            expires_at=now + self._lifetimes.session_ms,
        )
        if rotation is Rotation.REUSED:
            await self._audit.note(Audited.REFRESH_REUSED, session.user_id, client.address)
        if rotation not in {Rotation.ROTATED, Rotation.REPEATED}:
            raise Unauthorized("The session is over")
        return self._issue(session.user_id, session_id, successors[newest], now)

    async def log_out(self, identity: Identity, client: Client) -> None:
        """End the caller's session and close its sockets."""
        await self._endings.one(identity.session_id)
        await self._audit.note(Audited.LOGGED_OUT, identity.user.id, client.address)

    async def of_user(self, user_id: str) -> list[Session]:
        """Return a user's sessions that can still be used, newest first."""
        return await usable_sessions(self._store, user_id)

    async def end(self, user_id: str, session_id: str, client: Client) -> None:
        """End one of a user's own sessions. Raises `NotFound`, also for another user's session."""
        session = await self._store.sessions.get(session_id)
        if session is None or session.user_id != user_id or session.kind is SessionKind.TOKEN:
            raise NotFound
        await self._endings.one(session_id)
        await self._audit.note(Audited.SESSION_ENDED, user_id, client.address)

    async def end_others(self, identity: Identity, client: Client) -> None:
        """End all log-ins of a user except the one that asks."""
        ended = await self._endings.logins_of(identity.user.id, but=identity.session_id)
        if ended:  # otherwise one account could fill the audit log with empty events
            await self._audit.note(Audited.SESSION_ENDED, identity.user.id, client.address)

    async def _is_enabled(self, user_id: str) -> bool:
        account = await self._store.accounts.get(user_id)
        return account is not None and not account.disabled

    def _issue(self, user_id: str, session_id: str, refresh_token: str, now: int) -> TokenPair:
        expires_at = now + self._lifetimes.access_ms
        access_token = self._tokens.issue(
            user_id,
            session_id,
            now=now,
            expires_at=expires_at,
            generation=generation_of(refresh_hash(refresh_token)),
        )
        return TokenPair(access_token, refresh_token, self._lifetimes.access_ms // 1000)


def _is_known(session: Session, refresh_token: str) -> bool:
    """Return whether this is the session's newest refresh token, or the one before."""
    return refresh_hash(refresh_token) in {session.refresh_hash, session.previous_hash}


async def usable_sessions(store: Store, user_id: str, kind: SessionKind = SessionKind.LOGIN) -> list[Session]:
    """Return a user's sessions of a kind that can still be used, newest first."""
    now = now_ms()
    found = await store.sessions.of_user(user_id)
    return [one for one in found if one.kind is kind and one.expires_at > now]
