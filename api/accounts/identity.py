"""Who a request or a socket comes from, and how that is proven: by an access token."""

from dataclasses import dataclass

from api.accounts.security import Tokens
from api.clock import now_ms
from api.errors import Unauthorized
from api.models.accounts import User
from api.store.reads import Reads


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from, and what its program calls itself."""

    address: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection has proven to be, and until when (milliseconds)."""

    user: User
    session_id: str
    expires_at: int
    is_admin: bool = False


class Authenticator:
    """Tells from an access token who its bearer is."""

    def __init__(self, reads: Reads, tokens: Tokens) -> None:
        self._reads = reads
        self._tokens = tokens

    async def identify(self, token: str) -> Identity:
        """Return who an access token proves its bearer to be. Raises `Unauthorized`, `Unavailable`."""
        claims = self._tokens.verify(token, now=now_ms())
        session = await self._reads.session(claims.session_id)
        account = await self._reads.account(claims.user_id)
        if session is None or account is None or account.disabled or session.user_id != account.user.id:
            raise Unauthorized
        return Identity(account.user, claims.session_id, claims.expires_at, account.admin)
