"""Applies edits, deletions and reactions to the messages that they target. Pure; both stores use it."""

from collections.abc import Iterable

from api.models.log import Entry, Kind, Message, Reaction


def fold(messages: Iterable[Entry], changes: Iterable[Entry]) -> list[Message]:
    """Return each `message` entry with its edits, deletion and reactions applied, in the order given.

    `changes` are the entries that target these messages, in any order. Those that target another message, are of an
    unknown kind or are `unreadable` are ignored. A deleted message keeps its place, and has an empty body and no
    reactions.
    """
    by_target: dict[int, list[Entry]] = {}
    for change in sorted(changes, key=lambda entry: entry.seq):
        target = change.data.get("target")
        if isinstance(target, int):
            by_target.setdefault(target, []).append(change)
    return [_fold_one(message, by_target.get(message.seq, [])) for message in messages]


def with_messages(entries: Iterable[Entry], messages: Iterable[Message]) -> list[Message | Entry]:
    """Return entries in their order, with the folded message in the place of each `message` entry."""
    folded = {message.seq: message for message in messages}
    return [folded.get(entry.seq, entry) for entry in entries]


def _fold_one(message: Entry, changes: list[Entry]) -> Message:
    body = str(message.data["body"])
    edited_at: int | None = None
    reactions: dict[str, dict[str, None]] = {}  # emoji -> user ids, in the order of reacting
    for change in changes:
        if change.kind == Kind.DELETE:
            return _message(message, body="", deleted=True)
        if change.kind == Kind.EDIT:
            body, edited_at = str(change.data["body"]), change.at
        elif change.kind == Kind.REACTION:
            _react(reactions, str(change.data["emoji"]), change)
    folded = tuple(Reaction(emoji, tuple(users)) for emoji, users in reactions.items())
    return _message(message, body=body, edited_at=edited_at, reactions=folded)


def _react(reactions: dict[str, dict[str, None]], emoji: str, change: Entry) -> None:
    """Apply one reaction. An emoji without users is removed, so that it comes last if it is used again."""
    users = reactions.setdefault(emoji, {})
    if change.data["added"]:
        users.setdefault(change.user_id)
    else:
        users.pop(change.user_id, None)
    if not users:
        del reactions[emoji]


def _message(
    entry: Entry,
    *,
    body: str,
    deleted: bool = False,
    edited_at: int | None = None,
    reactions: tuple[Reaction, ...] = (),
) -> Message:
    reply_to = entry.data.get("reply_to")
    return Message(
        room_id=entry.room_id,
        seq=entry.seq,
        at=entry.at or 0,  # only an `unreadable` entry has no time
        user_id=entry.user_id,
        username=entry.username,
        ref=entry.ref,
        body=body,
        reply_to=reply_to if isinstance(reply_to, int) else None,
        edited_at=edited_at,
        deleted=deleted,
        reactions=reactions,
    )
