"""Identifies the user of a request or a socket by its access token."""

from dataclasses import dataclass

from api.accounts.security import Tokens
from api.accounts.uses import SessionUses
from api.clock import now_ms
from api.errors import Unauthorized
from api.models.accounts import User
from api.store.reads import BatchedReads


@dataclass(frozen=True, slots=True)
class Client:
    """The address and the User-Agent of a request."""

    address: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and the session that a token has proven, until `expires_at` (milliseconds)."""

    user: User
    session_id: str
    expires_at: int
    is_admin: bool = False


class Authenticator:
    """Verifies access tokens, looks up the user and the session of each, and stores that the session is in use."""

    def __init__(self, reads: BatchedReads, tokens: Tokens, uses: SessionUses) -> None:
        self._reads = reads
        self._tokens = tokens
        self._uses = uses

    async def identify(self, token: str) -> Identity:
        """Return the identity that an access token proves.

        Raises `Unauthorized`, also when the session has ended or the account is disabled, and `Unavailable`.
        """
        claims = self._tokens.verify(token, now=now_ms())
        session = await self._reads.session(claims.session_id)
        account = await self._reads.account(claims.user_id)
        if session is None or account is None or account.disabled or session.user_id != account.user.id:
            raise Unauthorized
        await self._uses.note(session, claims.generation)
        return Identity(account.user, claims.session_id, claims.expires_at, account.admin)
