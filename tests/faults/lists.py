"""Checks what nodes list in the end against the fold of the log: threads, who reacted, and mentions. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from tests.faults.fold import Timeline
from tests.faults.history import Fields, Record, What
from tests.faults.log import Fault, Log, Violation

KNOWN: Final = {
    *(
        "room_id",
        "seq",
        "at",
        "user_id",
        "username",
        "ref",
        "body",
        "reply_to",
        "thread",
        "edited_at",
        "deleted",
    ),
    *("is_bot", "shown_as", "files", "previews", "mentions", "mentions_all"),
    *("pinned", "reactions", "reply_count", "last_reply_at"),
}
"""The fields of a message that the fold of the log knows."""
Compared: TypeAlias = tuple[list[Any], list[Any]]
"""What a node lists, and what the log says."""


def check_lists(records: list[Record], log: Log, truths: Mapping[str, Timeline]) -> list[Violation]:
    """Return all violations by these lists. What is older than the log that was looked at is left out."""
    messages = [{"room_id": room} | message for room, truth in truths.items() for message in truth.messages()]
    found: list[Violation] = []
    for record in records:
        fault = Fault.DIVERGED
        match record.what:
            case What.THREAD:
                listed, right = _thread(record, log, messages)
            case What.REACTORS:
                listed, right = _reactors(record, log, truths)
            case What.MENTIONS:
                fault = Fault.MISCOUNTED
                listed, right = _mentions(record, log, messages)
            case _:
                continue
        if listed != right:
            of = record.seq or record.user
            where = f"{record.client} lists {listed} as {record.what} of {of}: {right}"
            found.append(Violation(fault, where))
    return found


def _thread(record: Record, log: Log, messages: Sequence[Fields]) -> Compared:
    """Compare the replies below a message, oldest first. Deleted ones keep their place."""
    if log.is_unseen(record.room, record.seq):
        return [], []
    right = [one for one in messages if (one["room_id"], one["thread"]) == (record.room, record.seq)]
    return [_known(one) for one in _items(record)], right


def _reactors(record: Record, log: Log, truths: Mapping[str, Timeline]) -> Compared:
    """Compare who has reacted to a message with an emoji, in that order."""
    if log.is_unseen(record.room, record.seq):
        return [], []
    right = truths[record.room].reactors(record.seq or 0, _fields(record)["emoji"])
    return [(one["user_id"], one["at"]) for one in _items(record)], right


def _mentions(record: Record, log: Log, messages: Sequence[Fields]) -> Compared:
    """Compare the messages of others that mention a user, newest first, as far as they were read.

    The user joined the rooms before what was looked at of their logs.
    """
    items, user_id = _items(record), record.user
    rooms = {one["room_id"] for one in messages}
    listed = [
        _known(one)
        for one in items
        if one["room_id"] in rooms and not log.is_unseen(one["room_id"], one["seq"])
    ]
    end = None if _fields(record)["is_whole"] else _place(items[-1])
    right = [
        one
        for one in messages
        if one["user_id"] != user_id
        and not one["deleted"]
        and (one["mentions_all"] or user_id in one["mentions"])
        and (end is None or _place(one) >= end)
    ]
    return listed, sorted(right, key=_place, reverse=True)


def _fields(record: Record) -> Fields:
    return record.fields or {}


def _items(record: Record) -> list[Fields]:
    items: list[Fields] = _fields(record)["items"]
    return items


def _place(message: Fields) -> tuple[str, int, str]:
    """Return by what mentions are ordered. A newer message is greater."""
    return message["at"], message["seq"], message["room_id"]


def _known(message: Fields) -> Fields:
    """Return what the fold of the log says of a message, too."""
    return {name: value for name, value in message.items() if name in KNOWN}
