"""The JSON of messages and of their pages, made without the models that describe it: those take five times as long."""

from collections.abc import Iterable
from typing import Any

import orjson

from api.models.log import Around, Entry, Head, History, Message, Timeline
from api.protocol.entries import entry_event
from api.protocol.fields import timestamp


def message_json(message: Message) -> bytes:
    """Return the JSON of a `MessageOut`."""
    return message.json(_made)


def _made(message: Message) -> bytes:
    return orjson.dumps(message_fields(message))


def message_fields(message: Message) -> dict[str, Any]:
    """Return the fields of a `MessageOut`."""
    shown_as = message.shown_as
    return {
        "room_id": message.room_id,
        "seq": message.seq,
        "at": timestamp(message.at),
        "user_id": message.user_id,
        "username": message.username,
        "ref": message.ref,
        "body": message.body,
        "reply_to": message.reply_to,
        "thread": message.thread,
        "edited_at": timestamp(message.edited_at),
        "deleted": message.deleted,
        "pinned": message.pinned,
        "reactions": message.reactions,
        "reply_count": message.reply_count,
        "last_reply_at": timestamp(message.last_reply_at),
        "mentions": message.mentions,
        "mentions_all": message.mentions_all,
        "is_bot": message.is_bot,
        "shown_as": None if shown_as is None else shown_as.data,
        "files": message.files,
        "previews": message.previews,
    }


def history_json(page: History) -> bytes:
    """Return the JSON of a `HistoryOut`."""
    items = messages_json(page.items)
    return orjson.dumps({"items": items, "epoch": page.epoch, "has_more": page.has_more})


def timeline_json(page: Timeline) -> bytes:
    """Return the JSON of a `TimelineOut`."""
    items = _timeline(page.items)
    return orjson.dumps({"items": items, "epoch": page.epoch, "has_more": page.has_more})


def around_json(page: Around, *, with_notices: bool) -> bytes:
    """Return the JSON of a `TimelineAroundOut`, or of a `HistoryAroundOut`."""
    return orjson.dumps(
        {
            "items": _timeline(page.items) if with_notices else messages_json(page.items),
            "epoch": page.epoch,
            "has_more_before": page.has_more_before,
            "has_more_after": page.has_more_after,
        }
    )


def pins_json(messages: Iterable[Message]) -> bytes:
    """Return the JSON of a `PinsOut`."""
    return orjson.dumps({"items": messages_json(messages)})


def log_json(entries: Iterable[Entry], head: Head) -> bytes:
    """Return the JSON of a `LogOut`."""
    items = [entry_event(entry) for entry in entries]
    return orjson.dumps({"items": items, "epoch": head.epoch, "seq": head.seq})


def messages_json(messages: Iterable[Message | Entry]) -> list[orjson.Fragment]:
    """Return the JSON of each message, as a part of a greater one. Entries are left out."""
    return [orjson.Fragment(one.json(_made)) for one in messages if isinstance(one, Message)]


def _timeline(items: Iterable[Message | Entry]) -> list[Any]:
    return [_message_item(one) if isinstance(one, Message) else entry_event(one) for one in items]


def _message_item(message: Message) -> orjson.Fragment:
    return orjson.Fragment(message_json(message)[:-1] + b',"type":"message"}')
