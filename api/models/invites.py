"""Invites: codes that let people in, to the server or to a room."""

from dataclasses import dataclass

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
