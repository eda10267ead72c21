"""What a store promises of the rooms' logs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.log import Appended, Draft, Entry, Head, History, Message
from api.models.rooms import Member


class LogStore(ABC):
    """The logs of all rooms: appending to them, and reading their entries and messages."""

    @abstractmethod
    async def append(self, room_id: str, draft: Draft, *, author: Member | None = None) -> Appended:
        """Add an entry to a room's log; durable when this returns.

        What its author may do is the caller's to check. With the membership that was looked at for that, nothing
        is stored unless it is still as it was: then `MembershipChanged` is raised, and the caller looks again.

        A retry (same user and ref, room, kind and data) returns the entry stored before, with `is_new` False.
        A DELETE erases the target's body, and that of its edits, from storage. `edit`, `delete` and `reaction`
        need an existing `message` as target. Raises `NotFound` (room or target), `RefConflict`, `Unavailable`,
        `StorageFull`. MEMBER drafts are refused: `members.change` makes them.
        """

    @abstractmethod
    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        """Return where the logs of these rooms end. Unknown rooms are left out."""

    @abstractmethod
    async def entries(self, room_id: str, *, after: int, limit: int) -> list[Entry]:
        """Return exactly one entry for each seq in (after, after + limit], in order, up to the head; [] at or past it.

        What is missing, or cannot be read, is an `unreadable` entry, and is logged once. There may be fewer than
        `limit`, when they are long, but at least one; then the caller asks again after the last.
        """

    @abstractmethod
    async def history(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> History:
        """Return the newest `limit` messages below `before` (None: of all), or the oldest above `after`.

        Raises `NotFound`. Not both bounds at once.
        """

    @abstractmethod
    async def message(self, room_id: str, seq: int) -> Message | None:
        """Return one message, folded; None when seq is not a message's."""
