"""A position: how far a reader has come in a room."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """The last entry that was handled. The seq counts within the epoch, one life of the room's numbering."""

    epoch: str
    seq: int
