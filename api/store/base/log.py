"""Declares the part of a store that keeps the rooms' logs: appending, entries and messages."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from api.models.log import (
    Appended,
    Draft,
    End,
    Entry,
    Head,
    History,
    Kind,
    Message,
    News,
    Stretch,
    Timeline,
)
from api.models.page import Page
from api.models.rooms import Member

MessagePlace: TypeAlias = tuple[str, int]
"""The id of a room, and the seq of a message in it."""


class LogStore(ABC):
    """The logs of all rooms: appending to them, and reading their entries and messages."""

    @abstractmethod
    async def append(
        self, room_id: str, draft: Draft, *, author: Member | None = None, epoch: str | None = None
    ) -> Appended:
        """Add an entry to a room's log. It is durable when this returns.

        The caller checks whether the author may do this. If the caller passes the membership that it checked as
        `author`, the entry is stored only if neither that membership nor what the room lets its members write has
        changed. Else `MembershipChanged` is raised, nothing is stored, and the caller checks again.

        A retry (same user and ref, room, kind and data) returns the entry stored before, with `is_new` False.

        An entry that changes or answers a message needs an existing `message` as its target. What becomes of it is
        decided by `Ruling` when it is stored, so one order holds on all nodes. Nothing is stored after a DELETE, which
        erases the bodies of its target and of the target's edits from storage: a second one returns the DELETE that
        stands, with `is_new` False, and anything else raises `Deleted`. An entry without a ref that changes nothing is
        not stored either; then the entry of the message itself is returned, with `is_new` False. An answer, and the
        DELETE of one, get their `thread`: see `completed`.

        `epoch` is that of the target's seq: if it is given and is not the room's, raises `EpochChanged`. Also raises
        `NotFound` (room or target), `RefConflict`, `Unavailable`, `StorageFull`, and `Invalid` at a limit. A MEMBER
        or ROOM draft raises `Invalid`, as only changes of memberships and of rooms make such entries.
        """

    @abstractmethod
    async def is_stored(self, room_id: str, draft: Draft) -> bool:
        """Say whether an entry is stored under the user and ref of a draft, so that appending it stores nothing."""

    @abstractmethod
    async def sent_as(self, room_id: str, user_id: str, ref: str) -> Entry | None:
        """Return the entry of a user in a room that is stored under a ref, as it is now, or None."""

    @abstractmethod
    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        """Return where the logs of these rooms end, by room id. Unknown rooms are left out."""

    @abstractmethod
    async def ends(self, room_ids: Sequence[str]) -> dict[str, End]:
        """Return the ends of the logs of these rooms, by room id. Unknown rooms are left out.

        It is one query. The time of the last entry may be unknown where that was written long ago.
        """

    @abstractmethod
    async def stretches(self, wanted: Sequence[Stretch]) -> list[list[Entry]]:
        """Return the entries of stretches of different rooms, as `entries` returns them, until a page is full.

        There is a list for each stretch, in their order. It is shorter where the log ends before, or where the page is
        full; then those after it are empty. The number of queries does not grow with that of rooms.
        """

    @abstractmethod
    async def entries(self, room_id: str, *, after: int, limit: int) -> list[Entry]:
        """Return exactly one entry for each seq in (after, after + limit], in order, up to the head; [] at or past it.

        An entry that is missing, or cannot be read, is returned as `unreadable`, and is logged once. If entries are
        long, fewer than `limit` are returned, but at least one; the caller then asks again after the last one.
        """

    @abstractmethod
    async def news(self, after: Mapping[str, int], *, limit: int) -> list[News]:
        """Return what is new in these rooms after a seq of each, and where their logs end.

        Of each room up to `limit` entries come, as `entries` returns them: at least one, if there are any. Unknown
        rooms are left out. Rooms in which little is new are read by one query together.
        """

    @abstractmethod
    async def history(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> History:
        """Return the newest `limit` messages below `before` (None: of all), or the oldest above `after`.

        If messages are long, there are fewer, but at least one. Raises `NotFound`. Only one of the two bounds may be
        given.
        """

    @abstractmethod
    async def timeline(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> Timeline:
        """Return what `history` returns, with the notices between the messages. All are counted in `limit`."""

    @abstractmethod
    async def thread(self, room_id: str, root: int, *, after: int, limit: int) -> History:
        """Return the first `limit` replies below the message `root` above the seq `after`, oldest first.

        They are the messages whose `thread` is that root, deleted ones too. A message that is a reply itself, and every
        other seq, has none. If messages are long, there are fewer, but at least one. Raises `NotFound` for a room.
        """

    @abstractmethod
    async def changes_of(
        self, room_id: str, seq: int, kind: Kind, *, after: int = 0, limit: int
    ) -> list[Entry]:
        """Return the first `limit` entries of one kind above the seq `after` that change the message at `seq`."""

    @abstractmethod
    async def reactors(
        self, room_id: str, seq: int, emoji: str, *, cursor: str | None, limit: int
    ) -> Page[Entry]:
        """List the reactions to the message at `seq` with an emoji that stand, in their order. Raises `BadCursor`."""

    @abstractmethod
    async def messages_by(self, room_id: str, user_id: str, *, since: int, limit: int) -> list[int]:
        """Return the seqs of up to `limit` of the newest messages of a user in a room that are not deleted.

        They were written at the time `since` (milliseconds) or later, and before this was called.
        """

    @abstractmethod
    async def pins(self, room_id: str) -> list[Message]:
        """Return the pinned messages of a room, that which was pinned last first."""

    @abstractmethod
    async def messages(self, places: Sequence[MessagePlace]) -> dict[MessagePlace, Message]:
        """Return the messages at these places, with their later changes folded in. Other places are left out.

        The number of queries does not grow with that of places or rooms.
        """

    async def message(self, room_id: str, seq: int) -> Message | None:
        """Return one message with its later changes folded in; None if the entry at `seq` is no message."""
        return (await self.messages([(room_id, seq)])).get((room_id, seq))
