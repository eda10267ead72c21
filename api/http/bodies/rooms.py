"""The bodies of rooms and members."""

from typing import Annotated, Final, Literal, cast

from pydantic import ConfigDict, Field, StrictBool, model_validator

from api.http.bodies.forms import Answer, RoomName, Section, Topic, WithChoices
from api.http.bodies.messages import MessageOut
from api.models.rooms import (
    MAX_SLOW_SECONDS,
    MAX_UNREAD,
    MOST_PEOPLE,
    Member,
    Notify,
    NotifyLevel,
    Role,
    RoomFields,
    RoomKind,
    Visibility,
)
from api.protocol.fields import Epoch, Id, Seq, Strict, Time, timestamp

_UNREAD: Final = (
    "The number of messages after `read_seq` that are not the caller's own and not deleted;"
    f" {MAX_UNREAD} means that many or more"
)

_MENTIONS: Final = (
    f"How many of these mention the caller, or everybody in the room; {MAX_UNREAD} means that many or more"
)


class NewRoom(WithChoices):
    """A room to make."""

    name: RoomName
    visibility: Visibility
    topic: Topic = ""


class NewSettings(WithChoices):
    """What is to change of a room. One field must be given; null leaves it as it is."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: RoomName | None = None
    topic: Topic | None = None
    visibility: Visibility | None = None
    archived: StrictBool | None = None
    slow_seconds: Annotated[int, Field(ge=0, le=MAX_SLOW_SECONDS, strict=True)] | None = None
    post_role: Literal[Role.MEMBER, Role.MODERATOR] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "NewSettings":
        if not self.model_fields_set:
            raise ValueError("must have a field that changes")
        return self

    def fields_given(self) -> RoomFields:
        """Return the fields that are not null."""
        return cast("RoomFields", {name: value for name, value in self if value is not None})


class NewRole(WithChoices):
    """The role to give a user in a room."""

    role: Role


class ReadUpTo(Strict):
    """The seq up to which everything has been seen.

    With another `epoch` than the room's nothing is changed. `back` lets the stored seq become lower.
    """

    seq: Seq
    epoch: Epoch | None = None
    back: bool = False


class NewPlace(Strict):
    """Where the caller keeps a room in their list of rooms. What is left out has its default."""

    favourite: bool = False
    section: Section | None = None
    hidden: bool = False


class NewDirect(Strict):
    """The people of a direct room. The caller is one of them in any case."""

    user_ids: Annotated[list[Id], Field(min_length=2, max_length=MOST_PEOPLE - 1)]


class NewNotify(WithChoices):
    """How the caller wants to be notified of a room: of nothing before `muted_until`, and then as `level` says."""

    level: NotifyLevel
    muted_until: Time | None = None

    def notify(self) -> Notify:
        """Return its record."""
        return Notify(self.level, self.muted_until)


class NotifyOut(Answer):
    """How the caller is notified of a room. `muted_until` is null where it is not muted; a past time mutes nothing."""

    level: NotifyLevel
    muted_until: str | None


class PlaceOut(Answer):
    """Where the caller keeps a room in their list of rooms."""

    favourite: bool
    section: str | None
    hidden: bool


class PersonOut(Answer):
    """One of the people of a direct room. One whose account was erased has the names `erased`."""

    id: str
    username: str
    display_name: str
    avatar: str | None
    is_bot: bool


class RoomOut(Answer):
    """A room as the caller sees it.

    For a non-member `role`, `notify`, `place` and `last_message` are null, and nothing is unread.
    """

    id: str
    name: str
    topic: str
    visibility: Visibility
    archived: bool
    slow_seconds: Annotated[int, Field(description="How long members wait after each message")]
    post_role: Annotated[
        Role, Field(description="Who may send messages: those with this role, or one above it")
    ]
    created_at: str
    role: Annotated[
        Role | None,
        Field(description="In the lobby `owner` for administrators, who have an owner's rights there"),
    ]
    epoch: str
    seq: int
    read_seq: int
    unread_count: Annotated[int, Field(le=MAX_UNREAD, description=_UNREAD)]
    first_unread_seq: Annotated[int | None, Field(description="The seq of the first of the unread messages")]
    mention_count: Annotated[int, Field(le=MAX_UNREAD, description=_MENTIONS)]
    notify: NotifyOut | None
    last_message: MessageOut | None
    kind: RoomKind
    avatar: Annotated[
        str | None, Field(description="The id of its picture, which `/avatars/{avatar}/{size}` shows")
    ]
    users: Annotated[list[PersonOut], Field(description="The people of a direct room, with the caller")]
    member_count: int
    place: PlaceOut | None


class RoomsOut(Answer):
    """A page of rooms."""

    items: list[RoomOut]
    next_cursor: str | None


class MemberOut(Answer):
    """A member of a room.

    `online` says whether they are connected, or were until a moment ago. `read_seq` is how far they have read, or null
    where the others are not told.
    """

    user_id: str
    username: str
    display_name: str
    avatar: str | None
    is_bot: bool
    role: Role
    joined_at: str
    online: bool
    read_seq: int | None

    @classmethod
    def of(cls, member: Member, *, online: bool, with_receipt: bool) -> "MemberOut":
        """Make it from its record."""
        return cls(
            user_id=member.user_id,
            username=member.username,
            display_name=member.display_name,
            avatar=member.avatar or None,
            is_bot=member.is_bot,
            role=member.role,
            joined_at=timestamp(member.joined_at),
            online=online,
            read_seq=member.receipt if with_receipt else None,
        )


class MembersOut(Answer):
    """A page of members."""

    items: list[MemberOut]
    next_cursor: str | None
