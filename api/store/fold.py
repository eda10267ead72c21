"""Applies edits, deletions, reactions, pins and replies to the messages that they concern. Pure; both stores use it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple, Self

from api.models.attachments import files_in
from api.models.log import (
    SHOWN_REACTORS,
    Entry,
    EntryData,
    Json,
    Kind,
    LinkPreview,
    Message,
    Reaction,
    ShownAs,
)
from api.models.previews import previews_in, still_linked


class Mentions(NamedTuple):
    """Whom a text mentions."""

    user_ids: tuple[str, ...] = ()
    everybody: bool = False
    """Whether it mentions all members of the room."""


def mentions_in(data: EntryData) -> Mentions:
    """Return whom the text of a message or an edit mentions, by the data of its entry."""
    user_ids = data.get("mentions")
    listed = user_ids if isinstance(user_ids, list) else []
    named = tuple(one for one in listed if isinstance(one, str))
    return Mentions(named, data.get("mentions_all") is True)


class Replies(NamedTuple):
    """The replies below a message, without those that are deleted."""

    number: int = 0
    last_seq: int | None = None
    """The seq of the newest of them."""
    last_at: int | None = None
    """When that was written."""


NO_REPLIES = Replies()


class LinkPreviews(NamedTuple):
    """The previews of links in a message."""

    items: tuple[LinkPreview, ...] = ()
    removed: bool = False
    """Whether somebody has taken them away, so that none come any more."""


NO_PREVIEWS = LinkPreviews()


class State(NamedTuple):
    """What later entries have made of a message."""

    body: str | None = None
    """None while it is as it was sent."""
    edited_at: int | None = None
    deleted_by: int | None = None
    """The seq of the entry that deleted it, None where it is not deleted."""
    pinned_by: int | None = None
    """The seq of the entry that pinned it, None where it is not pinned."""
    reactions: tuple[Reaction, ...] = ()
    replies: Replies = NO_REPLIES
    """A deleted message keeps them."""
    mentions: Mentions | None = None
    """None while it is as it was sent."""
    previews: LinkPreviews = NO_PREVIEWS

    def after(self, entry: Entry, seq: int) -> "State":
        """Return the state after one more entry that changes the message at `seq`, but for its reactions and replies.

        What they are depends on more than this state, so whoever keeps that applies the entry to them. What comes after
        a deletion is ignored, and so are entries of unknown kinds.
        """
        if self.deleted_by is not None or entry.data.get("target") != seq:
            return self
        match entry.kind:
            case Kind.EDIT:
                body, mentions = str(entry.data["body"]), mentions_in(entry.data)
                previews = self.previews._replace(items=still_linked(self.previews.items, body))
                return self._replace(body=body, edited_at=entry.at, mentions=mentions, previews=previews)
            case Kind.PREVIEW:
                removed = self.previews.removed or entry.data.get("removed") is True
                return self._replace(previews=LinkPreviews(previews_in(entry.data), removed))
            case Kind.DELETE:
                return State(deleted_by=entry.seq, replies=self.replies)
            case Kind.PIN:
                pinned_by = (self.pinned_by or entry.seq) if entry.data["pinned"] else None
                return self._replace(pinned_by=pinned_by)
            case _:
                return self


UNCHANGED: Final = State()


def changed_by(entry: Entry) -> tuple[int, ...]:
    """Return the seqs of the messages that an entry changes: its target, and the root of a reply or a deleted reply."""
    root = entry.data.get("thread") if entry.kind in {Kind.MESSAGE, Kind.DELETE} else None
    return tuple(seq for seq in (entry.data.get("target"), root) if isinstance(seq, int))


@dataclass(slots=True)
class Changes:
    """The entries that target one message, applied to it."""

    _seq: int
    _state: State = UNCHANGED
    reactions: dict[str, dict[str, None]] = field(default_factory=dict)
    """By emoji, the ids of users. Both are in the order of reacting."""

    @classmethod
    def by(cls, seq: int, entries: Iterable[Entry]) -> Self:
        """Apply these entries to the message at `seq`, in whatever order they are given.

        Those of unknown kinds are ignored, and all that come after a deletion.
        """
        made = cls(seq)
        for entry in sorted(entries, key=lambda entry: entry.seq):
            made._apply(entry)
        return made

    def has_reaction(self, emoji: str, user_id: str) -> bool:
        """Return whether a user has reacted with this emoji."""
        return user_id in self.reactions.get(emoji, ())

    def state(self) -> State:
        """Return what they have made of the message."""
        reactions = tuple(
            Reaction(emoji, len(users), tuple(islice(users, SHOWN_REACTORS)))
            for emoji, users in self.reactions.items()
        )
        return self._state._replace(reactions=reactions)

    def _apply(self, entry: Entry) -> None:
        self._state = self._state.after(entry, self._seq)
        if self._state.deleted_by is not None:
            self.reactions.clear()
        elif entry.kind == Kind.REACTION:
            self._react(str(entry.data["emoji"]), entry)

    def _react(self, emoji: str, entry: Entry) -> None:
        """Apply one reaction. An emoji without users is removed, so that it comes last if it is used again."""
        users = self.reactions.setdefault(emoji, {})
        if entry.data["added"]:
            users.setdefault(entry.user_id)
        else:
            users.pop(entry.user_id, None)
        if not users:
            del self.reactions[emoji]


def fold(messages: Iterable[Entry], changes: Iterable[Entry]) -> list[Message]:
    """Return each `message` entry with its edits, deletion, reactions, pins and replies applied, in the order given.

    `changes` are the entries that target these messages, the replies below them, and the deletions of these replies, in
    any order. Those that concern another message, are of an unknown kind or are `unreadable` are ignored. A deleted
    message keeps its place and its replies, and has an empty body, no ref, no files, no reactions, no pin, no mentions
    and no previews.
    """
    given = [*changes]
    by_message: dict[int, list[Entry]] = {}
    for change in given:
        for seq in changed_by(change):
            by_message.setdefault(seq, []).append(change)
    below = replies_below(given)

    def state_of(seq: int) -> State:
        state = Changes.by(seq, by_message.get(seq, ())).state()
        return state._replace(replies=below.get(seq, NO_REPLIES))

    return [folded(message, state_of(message.seq)) for message in messages]


def replies_below(entries: Iterable[Entry]) -> dict[int, Replies]:
    """Return the replies among these entries, without those that others of them delete, by the seq of their root."""
    times: dict[int, dict[int, int]] = {}
    deleted: set[object] = set()
    for entry in entries:
        if entry.kind == Kind.MESSAGE and isinstance(root := entry.data.get("thread"), int):
            times.setdefault(root, {})[entry.seq] = entry.at or 0
        elif entry.kind == Kind.DELETE:
            deleted.add(entry.data["target"])
    left = {
        root: {seq: at for seq, at in below.items() if seq not in deleted} for root, below in times.items()
    }
    return {root: Replies(len(below), max(below), below[max(below)]) for root, below in left.items() if below}


def with_messages(entries: Iterable[Entry], messages: Iterable[Message]) -> list[Message | Entry]:
    """Return entries in their order, with the folded message in the place of each `message` entry."""
    by_seq = {message.seq: message for message in messages}
    return [by_seq.get(entry.seq, entry) for entry in entries]


def folded(entry: Entry, state: State) -> Message:
    """Return a `message` entry as the message that it is in this state."""
    is_deleted = state.deleted_by is not None
    body = str(entry.data["body"]) if state.body is None else state.body
    reply_to, thread = (entry.data.get(name) for name in ("reply_to", "thread"))
    mentions = mentions_in(entry.data) if state.mentions is None else state.mentions
    mentions = Mentions() if is_deleted else mentions
    return Message(
        room_id=entry.room_id,
        seq=entry.seq,
        at=entry.at or 0,  # only an `unreadable` entry has no time
        user_id=entry.user_id,
        username=entry.username,
        ref=None if is_deleted else entry.ref,
        body="" if is_deleted else body,
        reply_to=reply_to if isinstance(reply_to, int) else None,
        thread=thread if isinstance(thread, int) else None,
        edited_at=state.edited_at,
        deleted=is_deleted,
        pinned=state.pinned_by is not None,
        reactions=state.reactions,
        reply_count=state.replies.number,
        last_reply_at=state.replies.last_at,
        mentions=mentions.user_ids,
        mentions_all=mentions.everybody,
        is_bot=entry.data.get("is_bot") is True,
        shown_as=None if is_deleted else _shown_as(entry.data.get("shown_as")),
        files=() if is_deleted else files_in(entry.data),
        previews=state.previews.items,
    )


def _shown_as(value: Json) -> ShownAs | None:
    """Return how a message asks to be shown, or None where it does not say it."""
    fields = value if isinstance(value, dict) else {}
    name, icon_url, icon_emoji = (
        text if isinstance(text := fields.get(one), str) else None
        for one in ("name", "icon_url", "icon_emoji")
    )
    return None if name is None else ShownAs(name, icon_url, icon_emoji)
