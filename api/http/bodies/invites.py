"""The bodies of invites."""

from typing import Annotated, Final

from pydantic import Field

from api.accounts.invites import MAX_USES, invite_link
from api.http.bodies.forms import Answer
from api.models.invites import Invite
from api.protocol.fields import Strict, timestamp

WEEK_SECONDS: Final = 7 * 86_400
MAX_SECONDS: Final = 365 * 86_400


class NewInvite(Strict):
    """An invite to make. With `admin`, who uses it becomes an administrator. `expires_in` is in seconds."""

    admin: bool = False
    max_uses: Annotated[int, Field(ge=1, le=MAX_USES)] = 1
    expires_in: Annotated[int, Field(ge=60, le=MAX_SECONDS)] = WEEK_SECONDS


class InviteOut(Answer):
    """An invite to the server. `made_by` is the id of a user, or null for one made on the command line."""

    invite_id: str
    admin: bool
    made_by: str | None
    created_at: str
    expires_at: str | None
    max_uses: int
    uses_left: int

    @classmethod
    def of(cls, invite: Invite) -> "InviteOut":
        """Make it from its record."""
        return cls(
            invite_id=invite.id,
            admin=invite.admin,
            made_by=invite.made_by,
            created_at=timestamp(invite.created_at),
            expires_at=timestamp(invite.expires_at),
            max_uses=invite.max_uses,
            uses_left=invite.uses_left,
        )


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
