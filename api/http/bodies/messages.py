"""The bodies of HTTP requests and answers, as OpenAPI shows them."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from api.accounts.accounts import Issued
from api.accounts.names import label
from api.models.log import Member, Message, Role, RoomView, User, Visibility
from api.protocol.commands import Body, Ref, Seq, Strict, timestamp

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,15}", re.ASCII)


def whole(text: object) -> object:
    """Read a number of a query as JSON writes it: `+5`, `05`, ` 5`, `5.0` and `5_0` are none. Raises `ValueError`."""
    if not isinstance(text, str):
        return text  # the default, where nothing was sent
    if not _WHOLE.fullmatch(text):
        raise ValueError("must be a whole number in plain digits")
    return int(text)


def seq_or_zero(text: object) -> object:
    """Read a seq of a path; 0, which is nobody's, for what is not written as one, so that it is not found."""
    return int(text) if isinstance(text, str) and _WHOLE.fullmatch(text) else 0


SeqInPath = Annotated[int, BeforeValidator(seq_or_zero)]

DisplayName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(label)]
RoomName = Annotated[str, Field(min_length=1, max_length=80, strict=True), AfterValidator(label)]
Topic = Annotated[
    str, Field(max_length=250, strict=True), AfterValidator(lambda text: label(text) if text.strip() else "")
]


class Answer(BaseModel):
    """What we send; clients must ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True)


# -- requests


class SignUp(Strict):
    """A new account."""

    username: str
    password: str
    display_name: DisplayName | None = None


class LogIn(Strict):
    """A name and its password."""

    username: str
    password: str


class Refresh(Strict):
    """A refresh token, to be used up; none when the session cookie has it."""

    refresh_token: Annotated[str | None, Field(max_length=4_096)] = None


class Profile(Strict):
    """What a user may change of themselves."""

    display_name: DisplayName


class NewRoom(Strict):
    """A room to be made."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True, hide_input_in_errors=True)

    name: RoomName
    visibility: Visibility
    topic: Topic = ""


class NewRole(Strict):
    """What a user is to be in a room."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True, hide_input_in_errors=True)

    role: Role


class NewMessage(Strict):
    """A message to be sent; `ref` makes a retry safe."""

    ref: Ref
    body: Body
    reply_to: Seq | None = None


class ReadUpTo(Strict):
    """The last entry that has been seen."""

    seq: Seq


# -- answers


class UserOut(Answer):
    """A user as others see them."""

    id: str
    username: str
    display_name: str

    @classmethod
    def of(cls, user: User) -> "UserOut":
        """Make one of its record."""
        return cls(id=user.id, username=user.username, display_name=user.display_name)


class UsersOut(Answer):
    """A page of users."""

    items: list[UserOut]
    next_cursor: str | None


class Me(UserOut):
    """A user as they see themselves."""

    created_at: str

    @classmethod
    def of(cls, user: User) -> "Me":
        """Make one of its record."""
        return cls(
            id=user.id,
            username=user.username,
            display_name=user.display_name,
            created_at=timestamp(user.created_at),
        )


class TokensOut(Answer):
    """A session's tokens. `expires_in`: seconds that the access token holds. `refresh_token`: null in cookie mode."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  the scheme, not a secret
    expires_in: int
    refresh_token: str | None

    @classmethod
    def of(cls, issued: Issued) -> "TokensOut":
        """Make one of what was issued."""
        return cls(
            access_token=issued.access_token,
            expires_in=issued.expires_in,
            refresh_token=issued.refresh_token,
        )


class Welcome(TokensOut):
    """A user with the tokens of a new session."""

    user: UserOut

    @classmethod
    def to(cls, user: User, issued: Issued) -> "Welcome":
        """Make one of both."""
        return cls(user=UserOut.of(user), **TokensOut.of(issued).model_dump())


class ReactionOut(Answer):
    """Who reacted with one emoji."""

    emoji: str
    user_ids: tuple[str, ...]


class MessageOut(Answer):
    """A message with its later edits, deletion and reactions folded in."""

    room_id: str
    seq: int
    at: str
    user_id: str
    username: str
    ref: str | None
    body: str
    reply_to: int | None
    edited_at: str | None
    deleted: bool
    reactions: list[ReactionOut]

    @classmethod
    def of(cls, message: Message) -> "MessageOut":
        """Make one of its record."""
        return cls(
            room_id=message.room_id,
            seq=message.seq,
            at=timestamp(message.at),
            user_id=message.user_id,
            username=message.username,
            ref=message.ref,
            body=message.body,
            reply_to=message.reply_to,
            edited_at=None if message.edited_at is None else timestamp(message.edited_at),
            deleted=message.deleted,
            reactions=[ReactionOut(emoji=one.emoji, user_ids=one.user_ids) for one in message.reactions],
        )


class HistoryOut(Answer):
    """Messages, oldest first. `has_more`: there are further ones in the direction asked for."""

    items: list[MessageOut]
    epoch: str
    has_more: bool


class LogOut(Answer):
    """Raw entries in order, as the socket's events; `seq` is the head."""

    items: list[dict[str, str | int | bool | None]]
    epoch: str
    seq: int


class RoomOut(Answer):
    """A room as the caller sees it. `role` is null for a non-member."""

    id: str
    name: str
    topic: str
    visibility: Visibility
    created_at: str
    role: Role | None
    epoch: str
    seq: int
    read_seq: int
    unread_count: int
    last_message: MessageOut | None

    @classmethod
    def of(cls, view: RoomView) -> "RoomOut":
        """Make one of its record."""
        return cls(
            id=view.room.id,
            name=view.room.name,
            topic=view.room.topic,
            visibility=view.room.visibility,
            created_at=timestamp(view.room.created_at),
            role=view.role,
            epoch=view.epoch,
            seq=view.seq,
            read_seq=view.read_seq,
            unread_count=view.unread_count,
            # What was said in a room is its members' to read.
            last_message=None
            if view.last_message is None or view.role is None
            else MessageOut.of(view.last_message),
        )


class RoomsOut(Answer):
    """A page of rooms."""

    items: list[RoomOut]
    next_cursor: str | None


class MemberOut(Answer):
    """A member of a room."""

    user_id: str
    username: str
    display_name: str
    role: Role
    joined_at: str

    @classmethod
    def of(cls, member: Member) -> "MemberOut":
        """Make one of its record."""
        return cls(
            user_id=member.user_id,
            username=member.username,
            display_name=member.display_name,
            role=member.role,
            joined_at=timestamp(member.joined_at),
        )


class MembersOut(Answer):
    """A page of members."""

    items: list[MemberOut]
    next_cursor: str | None


class Problem(Answer):
    """An error, as RFC 9457 says, with our stable `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None
    errors: list[dict[str, object]] | None = None
    retry_after_seconds: int | None = None
