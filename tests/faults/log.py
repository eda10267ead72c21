"""The final log of a history, and what its deletes have erased. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from tests.faults.history import Fields, Record, What

CHANGES: Final = ("edit", "delete", "reaction", "pin")
"""The kinds of entries that target a message."""
SENT: Final = ("body", "reply_to", "target", "emoji", "added", "pinned")
"""The fields that authors send. The others are made by the server."""
ERASED: Final = ("body", "mentions", "mentions_all", "files", "shown_as")
"""The fields that a delete erases from the message and from its edits."""

Place: TypeAlias = tuple[str, str | None, int]  # room, epoch, seq
Key: TypeAlias = tuple[str | None, str | None]  # user, ref


class Fault(StrEnum):
    """The name of a violation."""

    LOST_WRITE = "lost-write"
    DUPLICATE = "duplicate"
    NONMONOTONIC = "nonmonotonic"
    SKIPPED = "skipped"
    INCONSISTENT = "inconsistent"
    PHANTOM = "phantom"
    LEAKED = "leaked"
    AFTER_DELETE = "after-delete"
    NOT_ERASED = "not-erased"
    DIVERGED = "diverged"
    MISCOUNTED = "miscounted"


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault, and a text that says where."""

    fault: Fault
    where: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.where}"


class Content(NamedTuple):
    """What an entry says."""

    kind: str | None
    user: str | None
    ref: str | None
    fields: Fields

    def sent(self) -> Fields:
        """Return the fields that its author sent."""
        return {name: value for name, value in self.fields.items() if name in SENT}

    def erased(self) -> "Content":
        """Return what a delete of the message leaves."""
        left = {name: value for name, value in self.fields.items() if name not in ERASED}
        return self._replace(ref=None, fields=left)


def place_of(record: Record) -> Place:
    """Return the place of an entry in the logs."""
    return record.room, record.epoch, record.seq or 0


def content_of(record: Record) -> Content:
    """Return what an entry says."""
    return Content(record.kind, record.user, record.ref, record.fields or {})


class Log:
    """What the store holds in the end, from the lowest seq that was looked at in each room."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.stored: dict[Place, Content] = {}
        self.heads: dict[str, int] = {}
        self.floors: dict[str, int] = {}
        """After which seq the history has begun. What is stored up to there is older."""
        self.epochs: dict[str, str | None] = {}
        self.firsts: dict[str, int] = {}
        self.refs: dict[Key, Place] = {}
        """Where each ref is, also where a delete has erased it after somebody was given the entry."""
        self._begun: dict[tuple[str, str], float] = {}
        """By room and epoch, when somebody was first told of it."""
        received: dict[Key, Place] = {}
        for record in records:
            match record.what:
                case What.STORED:
                    self._store(record)
                case What.FLOOR:
                    self.floors[record.room] = record.seq or 0
                case What.HEAD:
                    self.heads[record.room] = record.seq or 0
                case What.RESET if record.epoch is not None:
                    self._begun.setdefault((record.room, record.epoch), record.at)
                case What.RECEIVE if record.ref is not None:
                    received[record.user, record.ref] = place_of(record)
        self.refs = {key: place for key, place in received.items() if place in self.stored} | self.refs
        self._changes: defaultdict[tuple[str, int], list[tuple[int, Content]]] = defaultdict(list)
        for (room, _epoch, seq), content in self.stored.items():
            if content.kind in CHANGES:
                self._changes[room, content.fields.get("target", 0)].append((seq, content))
        self.deleted: Mapping[tuple[str, int], int] = {
            target: min(seq for seq, content in changes if content.kind == "delete")
            for target, changes in self._changes.items()
            if any(content.kind == "delete" for _, content in changes)
        }
        """By room and seq of a deleted message, the seq of its first delete."""

    def _store(self, record: Record) -> None:
        place = place_of(record)
        self.stored[place] = content_of(record)
        self.epochs[record.room] = record.epoch
        self.firsts[record.room] = min(place[2], self.firsts.get(record.room, place[2]))
        if record.ref is not None:
            self.refs[record.user, record.ref] = place

    def place(self, ack: Record) -> Place:
        """Return where an ack says that the entry is. Over HTTP it says no epoch.

        Until a store that was set back is given new epochs, an entry of the copy has the old one. It keeps its seq.
        """
        epoch = self.epochs.get(ack.room)
        is_early = ack.at < self._begun.get((ack.room, epoch or ""), 0)
        return ack.room, epoch if ack.epoch is None or is_early else ack.epoch, ack.seq or 0

    def is_unseen(self, room: str, seq: int | None) -> bool:
        """Whether a seq is below what was looked at."""
        return seq is None or seq < self.firsts.get(room, 0)

    def is_old(self, place: Place) -> bool:
        """Whether an entry was stored before the history began."""
        return place[2] <= self.floors.get(place[0], 0)

    def is_deleted(self, room: str, seq: int | None) -> bool:
        """Whether the log has a delete of this message."""
        return (room, seq) in self.deleted

    def is_erased(self, place: Place) -> bool:
        """Whether an entry is a deleted message, or an edit of one."""
        room, _epoch, seq = place
        content = self.stored.get(place)
        if content is None:
            return False
        return self.is_deleted(room, seq if content.kind == "message" else content.fields.get("target")) and (
            content.kind in {"message", "edit"}
        )

    def changes(self, room: str, target: int | None) -> list[tuple[int, Content]]:
        """Return the entries that target a message, with their seqs, in no particular order."""
        return self._changes.get((room, target or 0), [])

    def is_same(self, one: Content, other: Content, place: Place) -> bool:
        """Whether both are the entry of this place. Where a delete has erased it, either may be of before or after."""
        return one == other or (self.is_erased(place) and one.erased() == other.erased())

    def keeps(self, sent: Content, place: Place) -> bool:
        """Whether the entry at this place is what its author sent. Deletes of one message are acked with the first.

        Only messages show their ref.
        """
        stored = self.stored.get(place)
        if stored is None or stored.kind != sent.kind:
            return False
        if sent.kind == "delete":
            return stored.sent() == sent.sent()
        ref = stored.ref if stored.kind == "message" else sent.ref
        return self.is_same(stored._replace(ref=ref, fields=stored.sent()), sent, place)
