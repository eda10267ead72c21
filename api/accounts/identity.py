"""Identifies the user of a request or a socket by an access token, or by the token of a program."""

from collections import Counter
from dataclasses import dataclass

from api.accounts.checked import CheckedTokens, IsFed
from api.accounts.opaque import is_opaque, proves, token_id_of
from api.accounts.scopes import Needs
from api.accounts.session_tokens import Tokens, generation_of
from api.accounts.uses import SessionUses
from api.clock import now_ms
from api.errors import Forbidden, NotFound, RateLimited, Unauthorized
from api.limits.throttles import Throttles
from api.models.accounts import ALL_SCOPES, NEVER, Grant, Scope, Session, SessionKind, User
from api.store.reads import BatchedReads


@dataclass(frozen=True, slots=True)
class Client:
    """The address and the User-Agent of a request."""

    address: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and the session that a token has proven, until `expires_at` (milliseconds), or for ever.

    The `session_id` of a program is the id of its token, which is in `token_id` too. `scopes` is what it may do, and
    `room_ids` where: None means in all rooms. Who has logged in may do everything everywhere.
    """

    user: User
    session_id: str
    expires_at: int | None
    is_admin: bool = False
    scopes: frozenset[Scope] = ALL_SCOPES
    room_ids: frozenset[str] | None = None
    token_id: str | None = None

    def require(self, needs: Needs) -> None:
        """Raise `Forbidden` unless this may do what needs so much."""
        if self.token_id is None:
            return
        if not needs.scopes:
            raise Forbidden("A token cannot do this: it needs a log-in")
        if needs.scopes.isdisjoint(self.scopes):
            raise Forbidden(f"The token does not have the scope {' or '.join(sorted(needs.scopes))}")
        if needs.all_rooms and self.room_ids is not None:
            raise Forbidden("The token is bound to certain rooms")

    def reaches(self, room_id: str) -> bool:
        """Return whether a room is among those to which this is bound."""
        return self.room_ids is None or room_id in self.room_ids

    def require_room(self, room_id: str) -> None:
        """Raise `NotFound` for a room outside those to which this is bound, as for one that does not exist."""
        if not self.reaches(room_id):
            raise NotFound


class Authenticator:
    """Verifies tokens, looks up the user and the session of each, and stores that the session is in use."""

    def __init__(  # its dependencies
        self,
        reads: BatchedReads,
        tokens: Tokens,
        uses: SessionUses,
        throttles: Throttles,
        *,
        is_fed: IsFed,
    ) -> None:
        self._reads = reads
        self._tokens = tokens
        self._uses = uses
        self._throttles = throttles
        self._checked: CheckedTokens[Identity] = CheckedTokens(is_fed)
        self.forget = self._checked.forget
        self.forget_all_of = self._checked.forget_all_of
        self.token_counts: Counter[str] = Counter()
        """How often tokens of programs were presented: of persons and bots, and those that were refused."""

    async def identify(self, token: str, address: str) -> Identity:
        """Return the identity that a token proves, which came from an address.

        Raises `Unauthorized`, also when the session has ended or the account is disabled, `RateLimited` after too many
        guesses from this address, and `Unavailable`.
        """
        if is_opaque(token):
            return await self._by_opaque(token, address)
        claims = self._tokens.verify(token, now=now_ms())
        known = self._checked.get(claims.session_id)
        if known is not None and known.proof == token:
            return known.value
        began = self._checked.now()
        session = await self._reads.session(claims.session_id)
        account = await self._reads.account(claims.user_id)
        if session is None or account is None or account.disabled or session.user_id != account.user.id:
            raise Unauthorized
        if session.kind is SessionKind.TOKEN:
            raise Unauthorized
        await self._uses.note(session, claims.generation)
        identity = Identity(account.user, claims.session_id, claims.expires_at, account.admin)
        if not account.admin:  # those lose their rights at once
            self._checked.put(claims.session_id, token, account.user.id, identity, began)
        return identity

    async def _by_opaque(self, token: str, address: str) -> Identity:
        try:
            identity = await self._check_opaque(token, address)
        except (Unauthorized, RateLimited):
            self.token_counts["refused"] += 1
            raise
        self.token_counts["bot" if identity.user.is_bot else "person"] += 1
        return identity

    async def _check_opaque(self, token: str, address: str) -> Identity:
        token_id = token_id_of(token)
        known = self._checked.get(token_id)
        if known is not None and proves(token, known.proof) and not _is_over(known.value):
            return known.value
        self._throttles.require_few_token_guesses(address)
        began = self._checked.now()
        session = await self._reads.session(token_id)
        if session is None or session.grant is None or not proves(token, session.refresh_hash):
            self._throttles.guess_token(address)
            raise Unauthorized
        account = await self._reads.account(session.user_id)
        if account is None or account.disabled:
            raise Unauthorized
        identity = _identity_of(account.user, session, session.grant)
        if _is_over(identity):
            raise Unauthorized("The token has expired")
        await self._uses.note(session, generation_of(session.refresh_hash))
        self._checked.put(token_id, session.refresh_hash, account.user.id, identity, began)
        return identity


def _identity_of(user: User, session: Session, grant: Grant) -> Identity:
    """Return what the token with this session proves. No token has the rights of an administrator."""
    return Identity(
        user,
        session.id,
        None if session.expires_at == NEVER else session.expires_at,
        scopes=grant.scopes,
        room_ids=grant.room_ids,
        token_id=session.id,
    )


def _is_over(identity: Identity) -> bool:
    return identity.expires_at is not None and identity.expires_at <= now_ms()
