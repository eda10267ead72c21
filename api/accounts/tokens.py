"""Makes, lists and ends the tokens of programs: those of a person, and those of a bot."""

from dataclasses import dataclass
from typing import Final

from api.accounts.audit import Audit
from api.accounts.endings import SessionEndings
from api.accounts.identity import Client
from api.accounts.opaque import hash_of, new_opaque, token_id_of
from api.accounts.sessions import usable_sessions
from api.clock import now_ms
from api.errors import NotFound, Unauthorized
from api.limits.caps import Caps
from api.models.accounts import NEVER, Audited, Grant, Session, SessionKind, User
from api.store.base.store import Store

MS_PER_SECOND: Final = 1_000


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A new token. The text itself is shown this once: only its hash is stored."""

    session: Session
    token: str


class TokenService:
    """The tokens of users. A token is a session, so it ends as one, and its sockets with it."""

    def __init__(self, store: Store, audit: Audit, endings: SessionEndings, caps: Caps) -> None:
        self._store = store
        self._audit = audit
        self._endings = endings
        self._caps = caps

    async def make(
        self, user: User, grant: Grant, *, expires_in: int | None, by: str, client: Client
    ) -> MadeToken:
        """Make a token of a user for the user `by`: the same, or the owner of this bot. It expires after seconds.

        Raises `Invalid` at the cap, and `Unauthorized` where an account has just been disabled.
        """
        have = len(await usable_sessions(self._store, user.id, SessionKind.TOKEN))
        self._caps.one_more_token(have)
        token, now = new_opaque(), now_ms()
        session = Session(
            id=token_id_of(token),
            user_id=user.id,
            created_at=now,
            last_used_at=now,
            expires_at=NEVER if expires_in is None else now + expires_in * MS_PER_SECOND,
            user_agent="",
            refresh_hash=hash_of(token),
            kind=SessionKind.TOKEN,
            grant=grant,
        )
        await self._store.sessions.create(session, most=have + 1)
        # What disables or erases an account ends the tokens that are stored. So one that is stored at that moment ends
        # here.
        accounts = await self._store.accounts.get_many([user.id, by])
        if len(accounts) < len({user.id, by}) or any(one.disabled for one in accounts.values()):
            await self._endings.one(session.id)
            raise Unauthorized
        await self._audit.record(Audited.TOKEN_MADE, actor_id=by, subject_id=user.id, address=client.address)
        return MadeToken(session, token)

    async def of_user(self, user_id: str) -> list[Session]:
        """Return a user's tokens that can still be used, newest first."""
        return await usable_sessions(self._store, user_id, SessionKind.TOKEN)

    async def end(self, user_id: str, token_id: str, *, by: str | None, address: str | None) -> None:
        """End a token of a user, and close its sockets. Raises `NotFound`, also for another user's token."""
        session = await self._store.sessions.get(token_id)
        if session is None or session.user_id != user_id or session.kind is not SessionKind.TOKEN:
            raise NotFound
        await self._endings.one(token_id)
        await self._audit.record(Audited.TOKEN_ENDED, actor_id=by, subject_id=user_id, address=address)
