"""Invites: codes that let people in, to the server or to a room."""

import hashlib
from dataclasses import dataclass

from api.models.accounts import User
from api.models.rooms import Role


@dataclass(frozen=True, slots=True)
class Invite:
    """A code that lets `max_uses` people in until `expires_at`. Its id is the hash of the code, which is not stored.

    Without a `room_id` it is one to the server, and lets people sign up. With `admin` they become administrators. The
    one `for_setup` makes the first administrator, and is in no list. `role` is what members of a room get by it.

    `made_by` is None for one that was made on the command line. `use_count` is how many have used it.
    """

    id: str
    made_by: str | None
    created_at: int
    expires_at: int | None
    max_uses: int
    room_id: str | None = None
    role: Role | None = None
    admin: bool = False
    for_setup: bool = False
    use_count: int = 0

    @property
    def uses_left(self) -> int:
        """How many more people it lets in."""
        return max(0, self.max_uses - self.use_count)

    def is_open(self, now: int) -> bool:
        """Say whether it lets anybody in at a time."""
        return bool(self.uses_left) and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class Preview:
    """What anybody who has its code may see of an invite. Of one to the server there is no room.

    `invited_by` is None for one that was made on the command line.
    """

    invited_by: User | None
    room_name: str | None = None
    member_count: int | None = None


def invite_id(code: str) -> str:
    """Return the id of the invite with this code: its SHA-256 in 64 hexadecimal digits."""
    return hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()
