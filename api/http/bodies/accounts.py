"""The bodies of signing up, logging in and refreshing, and of users."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from api.accounts.sessions import TokenPair
from api.accounts.signup import Newcomer
from api.http.bodies.forms import Answer, DisplayName, StatusText, TimeZone
from api.models.accounts import Profile, User
from api.protocol.fields import Strict, timestamp

Code = Annotated[str, Field(min_length=1, max_length=64)]


class NewAccount(Strict):
    """The names and the password of a new account."""

    username: str
    password: str
    display_name: DisplayName | None = None

    @property
    def newcomer(self) -> Newcomer:
        """The record of it."""
        return Newcomer(self.username, self.password, self.display_name)


class SignUp(NewAccount):
    """A new account. `invite` is the code of an invite, where one is needed."""

    invite: Code | None = None


class SetUp(NewAccount):
    """The account of the first administrator. `token` is that of the setup link."""

    token: Code


class LogIn(Strict):
    """A username and its password."""

    username: str
    password: str


class Refresh(Strict):
    """The refresh token to use up, or null when the session cookie holds it."""

    refresh_token: Annotated[str | None, Field(max_length=4_096)] = None


class NewProfile(Strict):
    """What users say about themselves. Each field that is left out stays as it is; one must be given.

    A `time_zone` of null takes it away.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    display_name: DisplayName | SkipJsonSchema[None] = None
    status_text: StatusText | SkipJsonSchema[None] = None
    time_zone: TimeZone | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "NewProfile":
        given = self.model_fields_set - {"time_zone"}
        if not self.model_fields_set or any(getattr(self, name) is None for name in given):
            raise ValueError("must have a field that changes, and no name or status of null")
        return self

    def profile(self) -> Profile:
        """Return its record."""
        time_zone = self.time_zone or "" if "time_zone" in self.model_fields_set else None
        return Profile(self.display_name, self.status_text, time_zone)


class UserOut(Answer):
    """A user as others see them. `status_text` is empty, and `time_zone` null, where they do not say it.

    `avatar` is the id of their picture, which `/avatars/{avatar}/{size}` shows, or null. `is_bot` says that it is no
    person: a program writes as this user.
    """

    id: str
    username: str
    display_name: str
    status_text: str
    time_zone: str | None
    avatar: str | None
    is_bot: bool

    @classmethod
    def of(cls, user: User) -> "UserOut":
        """Make it from its record."""
        return cls(
            id=user.id,
            username=user.username,
            display_name=user.display_name,
            status_text=user.status_text,
            time_zone=user.time_zone or None,
            avatar=user.avatar or None,
            is_bot=user.is_bot,
        )


class FoundUser(UserOut):
    """A user as others see them. `online` says whether they are connected, or were until a moment ago."""

    online: bool

    @classmethod
    def of(cls, user: User, *, online: bool) -> "FoundUser":  # type: ignore[override]
        """Make it from its record."""
        return cls(online=online, **UserOut.of(user).model_dump())


class BlocksOut(Answer):
    """A page of the users whom the caller has blocked."""

    items: list[UserOut]
    next_cursor: str | None


class UsersOut(Answer):
    """A page of users."""

    items: list[FoundUser]
    next_cursor: str | None


class Me(UserOut):
    """A user as they see themselves. `admin` says whether they are an administrator."""

    created_at: str
    admin: bool

    @classmethod
    def of(cls, user: User, *, admin: bool) -> "Me":  # type: ignore[override]
        """Make it from its record."""
        return cls(
            admin=admin,
            created_at=timestamp(user.created_at),
            **UserOut.of(user).model_dump(),
        )


class TokensOut(Answer):
    """A session's tokens. The access token expires in `expires_in` seconds. `refresh_token` is null in cookie mode."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  the scheme, not a secret
    expires_in: int
    refresh_token: str | None

    @classmethod
    def of(cls, issued: TokenPair) -> "TokensOut":
        """Make it from issued tokens."""
        return cls(
            access_token=issued.access_token,
            expires_in=issued.expires_in,
            refresh_token=issued.refresh_token,
        )


class Welcome(TokensOut):
    """A user with the tokens of a new session."""

    user: UserOut

    @classmethod
    def to(cls, user: User, issued: TokenPair) -> "Welcome":
        """Make it from a user and issued tokens."""
        return cls(user=UserOut.of(user), **TokensOut.of(issued).model_dump())
