"""The bodies of bots, and of the tokens of programs."""

from typing import Annotated, Final

from pydantic import Field

from api.accounts.tokens import MadeToken
from api.http.bodies.accounts import UserOut
from api.http.bodies.forms import Answer, DisplayName, RoomName, WithChoices
from api.models.accounts import NEVER, Grant, Scope, Session, User
from api.protocol.fields import Id, Strict, timestamp

MAX_SECONDS: Final = 3_650 * 86_400
MAX_ROOMS: Final = 100
"""A token is bound to at most so many rooms, as one request asks for at most so many by their ids."""


class NewToken(WithChoices):
    """A token to make for a program. It is for all rooms without `room_ids`. `expires_in` is in seconds."""

    name: RoomName
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    room_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_ROOMS)] | None = None
    expires_in: Annotated[int, Field(ge=60, le=MAX_SECONDS, strict=True)] | None = None

    def grant(self) -> Grant:
        """Return its record."""
        room_ids = None if self.room_ids is None else frozenset(self.room_ids)
        return Grant(self.name, frozenset(self.scopes), room_ids)


class TokenOut(Answer):
    """A token, without its secret. `room_ids` is null for all rooms, and `last_used_at` where it was never used."""

    token_id: str
    name: str
    scopes: list[Scope]
    room_ids: list[str] | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None

    @classmethod
    def of(cls, session: Session) -> "TokenOut":
        """Make it from the session that the token is."""
        grant = session.grant or Grant("", frozenset(), frozenset())
        return cls(
            token_id=session.id,
            name=grant.name,
            scopes=[one for one in Scope if one in grant.scopes],
            room_ids=None if grant.room_ids is None else sorted(grant.room_ids),
            created_at=timestamp(session.created_at),
            expires_at=None if session.expires_at == NEVER else timestamp(session.expires_at),
            last_used_at=timestamp(session.last_used_at) if session.pair_used else None,
        )


class MadeTokenOut(TokenOut):
    """A token that was just made. `token` is shown this once: it goes into `Authorization: Bearer`."""

    token: str

    @classmethod
    def with_token(cls, made: MadeToken) -> "MadeTokenOut":
        """Make it from a new token."""
        return cls(token=made.token, **TokenOut.of(made.session).model_dump())


class ProgramTokensOut(Answer):
    """The tokens of a user, newest first. They fit in one answer, because their number is limited."""

    items: list[TokenOut]

    @classmethod
    def of(cls, sessions: list[Session]) -> "ProgramTokensOut":
        """Make it from the sessions that the tokens are."""
        return cls(items=[TokenOut.of(one) for one in sessions])


class NewBot(Strict):
    """A bot to make: a user as which a program writes."""

    username: str
    display_name: DisplayName | None = None


class NewBotName(Strict):
    """Another display name for a bot."""

    display_name: DisplayName


class BotOut(UserOut):
    """A bot as its owner sees it."""

    created_at: str

    @classmethod
    def of(cls, user: User) -> "BotOut":
        """Make it from its record."""
        return cls(created_at=timestamp(user.created_at), **UserOut.of(user).model_dump())


class BotsOut(Answer):
    """A page of the caller's bots, oldest first."""

    items: list[BotOut]
    next_cursor: str | None
