"""Applies edits, deletions, reactions and pins to the messages that they target. Pure; both stores use it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

from api.models.log import SHOWN_REACTORS, Entry, Kind, Message, Reaction


@dataclass(slots=True)
class Changed:
    """What the entries that target a message have made of it."""

    body: str
    edited_at: int | None = None
    is_deleted: bool = False
    pinned_by: int | None = None
    """The seq of the entry that pinned it, None where it is not pinned."""
    reactions: dict[str, dict[str, None]] = field(default_factory=dict)
    """By emoji, the ids of users. Both are in the order of reacting."""

    @classmethod
    def by(cls, message: Entry, changes: Iterable[Entry]) -> Self:
        """Return what these entries, in any order, make of a message. All of them must target it.

        Those of unknown kinds are ignored, and all that come after a deletion.
        """
        made = cls(str(message.data.get("body", "")))  # an `unreadable` one has none
        for change in sorted(changes, key=lambda entry: entry.seq):
            made._apply(change)
            if made.is_deleted:
                return cls("", is_deleted=True)
        return made

    def has_reaction(self, emoji: str, user_id: str) -> bool:
        """Return whether a user has reacted with this emoji."""
        return user_id in self.reactions.get(emoji, ())

    def _apply(self, change: Entry) -> None:
        if change.kind == Kind.DELETE:
            self.is_deleted = True
        elif change.kind == Kind.EDIT:
            self.body, self.edited_at = str(change.data["body"]), change.at
        elif change.kind == Kind.REACTION:
            self._react(str(change.data["emoji"]), change)
        elif change.kind == Kind.PIN:
            self.pinned_by = (self.pinned_by or change.seq) if change.data["pinned"] else None

    def _react(self, emoji: str, change: Entry) -> None:
        """Apply one reaction. An emoji without users is removed, so that it comes last if it is used again."""
        users = self.reactions.setdefault(emoji, {})
        if change.data["added"]:
            users.setdefault(change.user_id)
        else:
            users.pop(change.user_id, None)
        if not users:
            del self.reactions[emoji]


def fold(messages: Iterable[Entry], changes: Iterable[Entry]) -> list[Message]:
    """Return each `message` entry with its edits, deletion, reactions and pins applied, in the order given.

    `changes` are the entries that target these messages, in any order. Those that target another message, are of an
    unknown kind or are `unreadable` are ignored. A deleted message keeps its place, and has an empty body, no
    reactions and no pin.
    """
    by_target: dict[int, list[Entry]] = {}
    for change in changes:
        target = change.data.get("target")
        if isinstance(target, int):
            by_target.setdefault(target, []).append(change)
    return [_folded(message, Changed.by(message, by_target.get(message.seq, ()))) for message in messages]


def with_messages(entries: Iterable[Entry], messages: Iterable[Message]) -> list[Message | Entry]:
    """Return entries in their order, with the folded message in the place of each `message` entry."""
    folded = {message.seq: message for message in messages}
    return [folded.get(entry.seq, entry) for entry in entries]


def _folded(entry: Entry, now: Changed) -> Message:
    reply_to = entry.data.get("reply_to")
    return Message(
        room_id=entry.room_id,
        seq=entry.seq,
        at=entry.at or 0,  # only an `unreadable` entry has no time
        user_id=entry.user_id,
        username=entry.username,
        ref=entry.ref,
        body=now.body,
        reply_to=reply_to if isinstance(reply_to, int) else None,
        edited_at=now.edited_at,
        deleted=now.is_deleted,
        pinned=now.pinned_by is not None,
        reactions=tuple(
            Reaction(emoji, len(users), tuple(islice(users, SHOWN_REACTORS)))
            for emoji, users in now.reactions.items()
        ),
    )
