"""The bodies of invites."""

from typing import Annotated, Any, Final

from pydantic import Field

from api.accounts.invites import MAX_USES, invite_link
from api.http.bodies.forms import Answer, WithChoices
from api.models.invites import Invite, Preview
from api.models.rooms import Role
from api.protocol.fields import Strict, timestamp

WEEK_SECONDS: Final = 7 * 86_400
MAX_SECONDS: Final = 365 * 86_400


class NewInvite(Strict):
    """An invite to make. With `admin`, who uses it becomes an administrator. `expires_in` is in seconds."""

    admin: bool = False
    max_uses: Annotated[int, Field(ge=1, le=MAX_USES)] = 1
    expires_in: Annotated[int, Field(ge=60, le=MAX_SECONDS)] = WEEK_SECONDS


class InviteTerms(Answer):
    """What all invites have. `made_by` is the id of a user, or null for one made on the command line."""

    invite_id: str
    made_by: str | None
    created_at: str
    expires_at: str | None
    max_uses: int
    uses_left: int

    @classmethod
    def terms_of(cls, invite: Invite) -> dict[str, Any]:
        """Return these fields of its record."""
        return {
            "invite_id": invite.id,
            "made_by": invite.made_by,
            "created_at": timestamp(invite.created_at),
            "expires_at": timestamp(invite.expires_at),
            "max_uses": invite.max_uses,
            "uses_left": invite.uses_left,
        }


class InviteOut(InviteTerms):
    """An invite to the server."""

    admin: bool

    @classmethod
    def of(cls, invite: Invite) -> "InviteOut":
        """Make it from its record."""
        return cls(admin=invite.admin, **cls.terms_of(invite))


class MadeInvite(InviteOut):
    """An invite that was just made, with its code and the link to give away. Neither is shown again."""

    code: str
    url: str

    @classmethod
    def with_code(cls, invite: Invite, code: str, base: str) -> "MadeInvite":
        """Make it from its record, its code, and the address with which links begin."""
        return cls(code=code, url=invite_link(base, code), **InviteOut.of(invite).model_dump())


class InvitesOut(Answer):
    """A page of invites, newest first."""

    items: list[InviteOut]
    next_cursor: str | None


class NewRoomInvite(WithChoices):
    """An invite to a room to make. Who uses it gets the `role`. `expires_in` is in seconds."""

    role: Role = Role.MEMBER
    max_uses: Annotated[int, Field(ge=1, le=MAX_USES, strict=True)] = 1
    expires_in: Annotated[int, Field(ge=60, le=MAX_SECONDS, strict=True)] = WEEK_SECONDS


class RoomInviteOut(InviteTerms):
    """An invite to a room. Who made it may give at most the `role`."""

    room_id: str | None
    role: Role | None

    @classmethod
    def of(cls, invite: Invite) -> "RoomInviteOut":
        """Make it from its record."""
        return cls(room_id=invite.room_id, role=invite.role, **cls.terms_of(invite))


class MadeRoomInvite(RoomInviteOut):
    """An invite to a room that was just made, with its code and the link to give away. Neither is shown again."""

    code: str
    url: str

    @classmethod
    def with_code(cls, invite: Invite, code: str, base: str) -> "MadeRoomInvite":
        """Make it from its record, its code, and the address with which links begin."""
        return cls(code=code, url=invite_link(base, code), **RoomInviteOut.of(invite).model_dump())


class RoomInvitesOut(Answer):
    """A page of invites to a room, newest first."""

    items: list[RoomInviteOut]
    next_cursor: str | None


class InviterOut(Answer):
    """Who has made an invite, as those see them who have its code."""

    id: str
    username: str
    display_name: str


class PreviewOut(Answer):
    """What anybody who has its code sees of an invite. One to the server has no room."""

    room_name: str | None
    member_count: int | None
    invited_by: InviterOut | None

    @classmethod
    def of(cls, preview: Preview) -> "PreviewOut":
        """Make it from its record."""
        maker = preview.invited_by
        return cls(
            room_name=preview.room_name,
            member_count=preview.member_count,
            invited_by=maker
            and InviterOut(id=maker.id, username=maker.username, display_name=maker.display_name),
        )
