"""The JSON of rooms as their members see them, made without the models that describe it, as that of messages."""

from collections.abc import Iterable
from typing import Any

import orjson

from api.http.bodies.message_json import message_json
from api.models.accounts import ERASED_NAME, User
from api.models.rooms import RoomView
from api.protocol.fields import timestamp


def room_json(view: RoomView) -> bytes:
    """Return the JSON of a `RoomOut`."""
    return view.json(_made)


def rooms_json(views: Iterable[RoomView], next_cursor: str | None) -> bytes:
    """Return the JSON of a `RoomsOut`."""
    items = [orjson.Fragment(room_json(view)) for view in views]
    return orjson.dumps({"items": items, "next_cursor": next_cursor})


def _made(view: RoomView) -> bytes:
    return orjson.dumps(_fields(view))


def _fields(view: RoomView) -> dict[str, Any]:
    room, unread, notify, place = view.room, view.unread, view.notify, view.place
    # Only members may read messages, also in a public room.
    last = None if view.role is None else view.last_message
    return {
        "id": room.id,
        "name": room.name,
        "topic": room.topic,
        "visibility": room.visibility,
        "archived": room.archived,
        "slow_seconds": room.slow_seconds,
        "post_role": room.post_role,
        "created_at": timestamp(room.created_at),
        "role": view.rights,
        "epoch": view.epoch,
        "seq": view.seq,
        "read_seq": view.read_seq,
        "unread_count": unread.count,
        "first_unread_seq": unread.first_seq,
        "mention_count": unread.mention_count,
        "notify": None
        if notify is None
        else {"level": notify.level, "muted_until": timestamp(notify.muted_until)},
        "last_message": None if last is None else orjson.Fragment(message_json(last)),
        "kind": room.kind,
        "avatar": room.avatar or None,
        "users": _people(view),
        "member_count": view.member_count,
        "place": None
        if place is None
        else {"favourite": place.favourite, "section": place.section, "hidden": view.is_hidden},
    }


def _people(view: RoomView) -> list[dict[str, Any]]:
    """Return the people of a direct room, for its members."""
    if view.role is None or not view.room.people:
        return []
    users = {user.id: user for user in view.users}
    shown = [users.get(one) or User(one, ERASED_NAME, ERASED_NAME, created_at=0) for one in view.room.people]
    return [
        {
            "id": one.id,
            "username": one.username,
            "display_name": one.display_name,
            "avatar": one.avatar or None,
            "is_bot": one.is_bot,
        }
        for one in shown
    ]
