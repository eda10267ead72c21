"""Leases and positions: who does what only one process may do, and how far a follower has come in each room."""

from dataclasses import dataclass
from enum import StrEnum

from api.models.log import Head


class Start(StrEnum):
    """Where a follower or a consumer that is new begins in the rooms that are there."""

    BEGINNING = "beginning"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do something alone, for a time. `number` grows with each new holder of the same name."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class LeaseState:
    """What is stored of a lease: the number of its last holder, and whether that holder still has it."""

    name: str
    number: int
    is_held: bool


@dataclass(frozen=True, slots=True)
class FollowerPosition:
    """How far a follower has come in a room: it has handled every entry of this epoch up to `seq`."""

    room_id: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The log of a room beside the position that a follower has in it, which is None before it has one.

    `began` is the seq at which the epoch of the head began. `is_deleted` says that the room was deleted.
    """

    head: Head
    began: int
    is_deleted: bool
    position: FollowerPosition | None

    @property
    def reached(self) -> int | None:
        """The seq up to which the follower has handled the log as it is now; None before it has a position.

        Entries of an earlier epoch are those of this one up to where this one began, and no further.
        """
        position = self.position
        if position is None:
            return None
        return position.seq if position.epoch == self.head.epoch else min(position.seq, self.began)

    @property
    def lag(self) -> int:
        """How many entries the follower has still to handle; 0 in a room in which it has no position."""
        return 0 if self.reached is None or self.is_deleted else max(0, self.head.seq - self.reached)
