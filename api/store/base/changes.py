"""What a store promises of following its changes."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from api.models.changes import Change

QUIET_SECONDS = 5.0
"""How often a healthy feed yields something: two beats missed (10 s) and it is taken for dead, which with the
reopening stays inside the 12 s in which a paused database must be noticed."""

Wants: TypeAlias = Callable[[str], bool]
"""Says whether somebody is to hear of a room's entries."""


def all_rooms(_room_id: str) -> bool:
    """Want every room."""
    return True


class ChangeStore(ABC):
    """The changes of all rooms and sessions, as they are made."""

    @abstractmethod
    def open(self, wants: Wants = all_rooms) -> AbstractAsyncContextManager[AsyncIterator[list[Change]]]:
        """Tail every later change of all rooms and sessions, in batches.

        Entries of rooms that are not wanted when they come may be left out, but for changes of membership. Who begins
        to want a room, and then reads its log, misses nothing.

        A store that finds itself set back, to an earlier state than an earlier tail has told of, begins new
        epochs and yields `Restored` first.

        Entering returns once the tail is open: see *Whole* in `store.py`. Yields a batch at least every
        `QUIET_SECONDS`, of a lone `Quiet` when nothing happened; raises `Unavailable` when the database is
        lost or has been silent for longer than two such beats. An entry that is missing, or cannot be read, comes as
        `unreadable`, so that between two entries of a room that is wanted there is none missing; it is logged once.
        Any other row that makes no sense is skipped and logged once. Neither stops the tail.
        """
