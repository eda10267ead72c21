"""Checks what a history says of messages as they are: shown, listed, counted, pinned and erased. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from tests.faults.fold import Timeline
from tests.faults.history import Fields, Record, What
from tests.faults.lists import check_lists
from tests.faults.log import Fault, Log, Violation, place_of

COMPARED: Final = 50
"""So many of the newest messages of a room everybody must show."""
MOST_COUNTED: Final = 999
PREVIEW_CHARACTERS: Final = 200
READ: Final = {
    *(What.STORED, What.READ, What.SHOWN, What.PAGE, What.EDITS, What.UNREAD),
    *(What.THREAD, What.MENTIONS),
}
"""The records of what was read in the end."""


def check_states(records: list[Record], log: Log) -> list[Violation]:
    """Return all violations by what was read in the end, against the log that was read with it."""
    truths = _folds(log)
    return [
        *_after_deletes(log),
        *_threads(log),
        *_erased(records, log),
        *_shown(records, truths),
        *_edits(records, log),
        *_pins(records, log, truths),
        *check_lists(records, log, truths),
        *_unread(records, log, truths),
    ]


def _folds(log: Log) -> dict[str, Timeline]:
    """Return the fold of each room's log."""
    found: dict[str, Timeline] = {room: Timeline(most=len(log.stored)) for room in log.heads}
    for (room, _epoch, seq), content in sorted(log.stored.items(), key=lambda item: item[0][2]):
        entry = {"type": content.kind, "seq": seq, "user_id": content.user, "ref": content.ref}
        if room in found and content.kind is not None:
            found[room].apply({"at": None, "username": None, "body": ""} | content.fields | entry)
    return found


def _after_deletes(log: Log) -> list[Violation]:
    return [
        Violation(Fault.AFTER_DELETE, f"{content} is stored at {seq} of {room}, {target} was deleted at {at}")
        for (room, target), at in log.deleted.items()
        for seq, content in log.changes(room, target)
        if seq > at
    ]


def _threads(log: Log) -> list[Violation]:
    """Check that a reply is in the thread of what it answers, or in the one below it."""
    messages = {(room, seq): one for (room, _epoch, seq), one in log.stored.items() if one.kind == "message"}
    found: list[Violation] = []
    for (room, seq), content in messages.items():
        answered = content.fields.get("reply_to", 0)
        if (room, answered) in messages:
            root = messages[room, answered].fields.get("thread", answered)
            if content.fields.get("thread") != root:
                found.append(Violation(Fault.DIVERGED, f"{content} at {seq} of {room} is not below {root}"))
    return found


def _erased(records: list[Record], log: Log) -> list[Violation]:
    """Check that nothing that was read in the end has words or refs of deleted messages and of their edits."""
    found = [
        Violation(Fault.NOT_ERASED, f"{content} is stored at {place}")
        for place, content in log.stored.items()
        if log.is_erased(place) and (content.ref is not None or content.fields.get("body"))
    ]
    words = erased_words(records, log)
    for record in records:
        if record.what in READ:
            left = words.intersection(_texts(record.fields))
            if left:
                found.append(Violation(Fault.NOT_ERASED, f"{record.what} of {record.client} has {left}"))
    return found


def erased_words(records: list[Record], log: Log) -> set[str]:
    """Return the bodies of deleted messages and of their edits, as far as the history has them, and their refs."""
    words: set[str | None] = set()
    for record in records:
        if record.kind not in {"message", "edit"}:
            continue
        fields = record.fields or {}
        if record.what is What.ACK and record.kind == "message":
            is_gone = log.is_deleted(record.room, record.seq)
        elif record.what is What.RECEIVE:
            is_gone = log.is_erased(place_of(record))
        else:
            is_gone = record.kind == "edit" and log.is_deleted(record.room, fields.get("target"))
        if is_gone:
            words |= {record.ref, fields.get("body")}
    return {word for word in words if word}


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _shown(records: list[Record], truths: dict[str, Timeline]) -> list[Violation]:
    """Check that everybody shows the newest messages, and each of them as the fold of the log."""
    found: list[Violation] = []
    shown: defaultdict[tuple[str, str, What], dict[int, Fields]] = defaultdict(dict)
    for record in records:
        if record.what in {What.SHOWN, What.PAGE} and record.seq is not None:
            shown[record.client, record.room, record.what][record.seq] = record.fields or {}
    for (client, room, what), messages in shown.items():
        truth = {message["seq"]: message for message in truths[room].messages()}
        must = list(truth)[-COMPARED:]
        missing = [seq for seq in must if seq not in messages]
        if missing:
            found.append(Violation(Fault.DIVERGED, f"{client} does not show {missing[:5]} of {room}"))
        extra = [seq for seq in messages if must and seq >= must[0] and seq not in must]
        if extra:
            found.append(Violation(Fault.DIVERGED, f"{client} shows {extra[:5]} of {room}, which are none"))
        for seq in must:
            mine, right = messages.get(seq), truth[seq]
            if mine is not None and _differ(mine, right, exact=what is What.PAGE):
                found.append(Violation(Fault.DIVERGED, f"{client} shows {mine} in {room}: {right}"))
    return found


def _differ(mine: Fields, right: Fields, *, exact: bool) -> bool:
    """Whether two states of a message differ in what both say.

    A client that has loaded a page while it followed the log may have those who reacted in another order. So that order
    is compared only where `exact`.
    """
    return any(
        name in mine and _ordered(mine[name], exact) != _ordered(value, exact)
        for name, value in right.items()
    )


def _ordered(value: Any, exact: bool) -> Any:
    if exact or not isinstance(value, list):
        return value
    return sorted(
        str(one | {"user_ids": sorted(one["user_ids"])}) if isinstance(one, dict) else one for one in value
    )


def _edits(records: list[Record], log: Log) -> list[Violation]:
    """Check that the edits of a message are those of the log, and none for a deleted one."""
    found: list[Violation] = []
    for record in records:
        if record.what is not What.EDITS or log.is_unseen(record.room, record.seq):
            continue  # of an older message the log has not all edits
        fields = record.fields or {}
        items, original = fields.get("items", []), fields.get("original")
        edits = sorted(
            (seq, content.fields.get("body"))
            for seq, content in log.changes(record.room, record.seq)
            if content.kind == "edit"
        )
        if log.is_deleted(record.room, record.seq):
            if items or original:
                found.append(Violation(Fault.NOT_ERASED, f"{record.client} has edits of {record}"))
        elif [(one["seq"], one["body"]) for one in items] != edits:
            found.append(Violation(Fault.DIVERGED, f"{record.client} has {items} as edits: {edits}"))
    return found


def _pins(records: list[Record], log: Log, truths: dict[str, Timeline]) -> list[Violation]:
    found: list[Violation] = []
    for record in records:
        if record.what is What.PINS:
            pins = [seq for seq in (record.fields or {})["seqs"] if not log.is_unseen(record.room, seq)]
            if pins != truths[record.room].pins():
                where = f"{record.client} lists {pins} in {record.room}: {truths[record.room].pins()}"
                found.append(Violation(Fault.MISCOUNTED, where))
    return found


def _unread(records: list[Record], log: Log, truths: dict[str, Timeline]) -> list[Violation]:
    """Check that what a user has not read is counted as a recount of the log counts it, and the preview is right."""
    found: list[Violation] = []
    for record in records:
        if record.what is not What.UNREAD:
            continue
        told, truth = record.fields or {}, truths[record.room]
        messages = truth.messages()
        last = messages[-1] if messages else None
        if last is not None and not _is_preview(told["last_message"], last):
            found.append(Violation(Fault.DIVERGED, f"{told['last_message']} is the preview of {last}"))
        if log.is_unseen(record.room, told["read_seq"] + 1):
            continue
        unread = [
            one
            for one in messages
            if one["seq"] > told["read_seq"] and one["user_id"] != record.user and not one["deleted"]
        ]
        mentions = sum(one["mentions_all"] or record.user in one["mentions"] for one in unread)
        right = {
            "unread_count": min(len(unread), MOST_COUNTED),
            "first_unread_seq": unread[0]["seq"] if unread else None,
            "mention_count": min(mentions, MOST_COUNTED),
        }
        if {name: told[name] for name in right} != right:
            found.append(
                Violation(Fault.MISCOUNTED, f"{record.client} tells {record.user} {told}, where {right}")
            )
    return found


def _is_preview(preview: Fields | None, last: Fields) -> bool:
    if preview is None:
        return False
    names = ("seq", "user_id", "deleted")
    return all(preview[name] == last[name] for name in names) and (
        preview["body"].rstrip("…") == last["body"][:PREVIEW_CHARACTERS]
    )
