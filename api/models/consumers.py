"""Consumers: positions that the server keeps for a reader, and what such a reader is given."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.models.followers import Lease, Start
from api.models.log import Entry


@dataclass(frozen=True, slots=True)
class Consumer:
    """A reader of all rooms of a user, or of those in `room_ids` that the user is in.

    `start` says where it begins in a room in which it has no position. `acked_at` is when it last acknowledged
    anything, to the minute; None before it did. `id` is never used again, so that positions of a consumer that ended
    are not those of another of the same name. `lobby_epoch` is that of the lobby when it was made, which tells whether
    the database was set back since; None where an earlier version made it.
    """

    id: str
    user_id: str
    name: str
    room_ids: tuple[str, ...] | None
    start: Start
    created_at: int
    lobby_epoch: str | None
    acked_at: int | None = None

    @property
    def follower(self) -> str:
        """The name under which its positions are kept."""
        return f"consumer:{self.id}"

    @property
    def lease(self) -> Lease:
        """The lease under which its positions are written. Nobody takes it, for any reader may go on."""
        return Lease(self.follower, 0)


@dataclass(frozen=True, slots=True)
class GivenUpTo:
    """How far a reader was given a room's log. `epoch` is None where it was told that the room was deleted."""

    room_id: str
    epoch: str | None
    seq: int


@dataclass(frozen=True, slots=True)
class Given:
    """What a reader is given of one room: entries in the order of their seqs, without holes.

    `reset` is the seq up to which the reader's entries still hold, where the room has begun a new epoch since.
    `is_deleted` says that the room was deleted: nothing of it comes any more.
    """

    place: GivenUpTo
    entries: Sequence[Entry] = ()
    reset: int | None = None
    is_deleted: bool = False
