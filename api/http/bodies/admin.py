"""The queries and the bodies of administration and of the audit log."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Query
from pydantic.json_schema import SkipJsonSchema

from api.http.bodies.accounts import Me
from api.http.bodies.forms import Answer, DisplayName
from api.models.accounts import Account, AccountState, Audited, AuditEvent
from api.models.page import Page
from api.models.rooms import Role, RoomKind, RoomView, Visibility
from api.protocol.fields import Id, Strict, timestamp

# -- queries

PartOfName = Annotated[
    str | SkipJsonSchema[None],
    Query(
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00]+$",
        description="A part of the username or of the display name, or an id",
    ),
]
StateInQuery = Annotated[AccountState | SkipJsonSchema[None], Query(description="Only such accounts")]
EventInQuery = Annotated[Audited | SkipJsonSchema[None], Query(description="Only events of this kind")]
AboutUser = Annotated[
    str | SkipJsonSchema[None],
    Query(pattern="^[A-Za-z0-9_-]{1,64}$", description="Only what this user did, or what was done to them"),
]


# -- requests


class AccountToMake(Strict):
    """An account that an administrator makes for somebody, who gets to know the password another way."""

    username: str
    password: str
    display_name: DisplayName | None = None


class NewPassword(Strict):
    """A new password for another user."""

    new_password: str


class Flags(Strict):
    """Changes of an account by an administrator. Null leaves a flag as it is."""

    disabled: bool | None = None
    admin: bool | None = None


class NewOwner(Strict):
    """Who is to own a room."""

    owner_id: Id


# -- answers


class AccountOut(Me):
    """An account as administrators see it. `owner_id` is the person to whom a bot belongs, else null."""

    disabled: bool
    erasing: bool
    owner_id: str | None

    @classmethod
    def of(cls, account: Account) -> "AccountOut":  # type: ignore[override]
        """Make it from its record."""
        return cls(
            **Me.of(account.user, admin=account.admin).model_dump(),
            disabled=account.disabled,
            erasing=account.erasing,
            owner_id=account.owner_id,
        )


class AccountsOut(Answer):
    """A page of accounts."""

    items: list[AccountOut]
    next_cursor: str | None


class AdminRoomOut(Answer):
    """A room as administrators see it, also where they are no members."""

    id: str
    kind: RoomKind
    name: str
    topic: str
    visibility: Visibility
    archived: bool
    slow_seconds: int
    post_role: Role
    created_at: str
    member_count: int
    last_message_at: str | None

    @classmethod
    def of(cls, view: RoomView) -> "AdminRoomOut":
        """Make it from its record."""
        room, last = view.room, view.last_message
        return cls(
            id=room.id,
            kind=room.kind,
            name=room.name,
            topic=room.topic,
            visibility=room.visibility,
            archived=room.archived,
            slow_seconds=room.slow_seconds,
            post_role=room.post_role,
            created_at=timestamp(room.created_at),
            member_count=view.member_count,
            last_message_at=None if last is None else timestamp(last.at),
        )


class AdminRoomsOut(Answer):
    """A page of rooms as administrators see them."""

    items: list[AdminRoomOut]
    next_cursor: str | None


class AuditEventOut(Answer):
    """An event of the audit log: `actor_id` did it to `subject_id`, from `address`. Null means unknown.

    The usernames are those of now, and null for an account that is gone. `room_id` is that of the room where it was
    done, or null where it was done in none.
    """

    at: str
    event: Audited
    actor_id: str | None
    actor_username: str | None
    subject_id: str | None
    subject_username: str | None
    address: str | None
    room_id: str | None


class AuditOut(Answer):
    """A page of the audit log, newest first."""

    items: list[AuditEventOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[AuditEvent], usernames: Mapping[str, str]) -> "AuditOut":
        """Make it from its record and the usernames by id."""
        return cls(
            items=[
                AuditEventOut(
                    at=timestamp(one.at),
                    event=one.event,
                    actor_id=one.actor_id,
                    actor_username=usernames.get(one.actor_id or ""),
                    subject_id=one.subject_id,
                    subject_username=usernames.get(one.subject_id or ""),
                    address=one.address,
                    room_id=one.room_id,
                )
                for one in page.items
            ],
            next_cursor=page.next_cursor,
        )
