"""What has changed in the rooms of a user who was away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api.models.log import Entry, Head


class Known(NamedTuple):
    """How far a client knows the log of a room: the last entry that it has applied, in an epoch."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Caught:
    """What a client is given of one room, to catch up with its log, which ends at `head`.

    Where `is_reset`, the client cannot go on from what it knows. Where the entries do not reach up to the head, not
    `is_whole`: there was no space for the others.
    """

    head: Head
    entries: Sequence[Entry] = ()
    is_reset: bool = False
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Sync:
    """What a client is given at once, the room with the newest entry first.

    Of the rooms that it named, the user may not read those in `not_found`. `has_more` says that there was no space for
    everything.
    """

    rooms: Sequence[Caught]
    not_found: Sequence[str]
    has_more: bool
