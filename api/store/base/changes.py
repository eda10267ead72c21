"""Declares the part of a store that yields new entries and ended sessions as they come."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from api.models.changes import Change

QUIET_SECONDS = 5.0
"""A healthy feed yields something at least this often. After twice as long without anything (10 s) it counts as lost.
With the reopening, that is within the 12 s in which a paused database must be noticed."""

Wants: TypeAlias = Callable[[str], bool]
"""Says of a room, by its id, whether anybody here wants its entries."""


def all_rooms(_room_id: str) -> bool:
    """Want every room."""
    return True


class ChangeStore(ABC):
    """The changes of all rooms and sessions, as they are made."""

    @property
    def is_restored(self) -> bool:
        """Whether the next batch of the open tail is `Restored`. Until it has come, no position of before counts."""
        return False

    @abstractmethod
    def open(
        self, wants: Wants = all_rooms, *, grown: bool = False
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Change]]]:
        """Tail every later change of all rooms and sessions, in batches.

        An entry may be left out if its room is not wanted when the entry comes, unless it changes a membership. A
        caller that begins to want a room, and then reads its log, misses nothing.

        With `grown`, the tail also yields a `Grown` for each room that grows, wanted or not: one for each batch in
        which it has grown, after its entries. It costs the database a little more, so only who needs it asks for it.

        If the store was set back to an earlier state than a previous tail has yielded, it begins new epochs, and the
        tail yields `Restored` first.

        Entering returns once the tail is open: see *Whole* in `store.py`. The tail yields a batch at least every
        `QUIET_SECONDS`: a lone `Quiet` when nothing happened. It raises `Unavailable` when the database is lost, or has
        been silent for longer than twice that time.

        An entry that is missing, or cannot be read, comes as `unreadable` and is logged once. Any other row that makes
        no sense is skipped and logged once. Neither stops the tail. Of very many entries at once only the newest may
        come: a caller that sees a gap between two seqs reads the log. The signals of other stores are yielded too,
        unless they are lost.
        """
