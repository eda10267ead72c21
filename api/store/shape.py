"""Checks that an entry has the fields of its kind and a size in bounds, and fills holes in a log. Pure."""

from collections.abc import Iterable
from typing import Any, Final

import orjson

from api.errors import Invalid
from api.models.accounts import User
from api.models.kinds import KINDS, is_kind
from api.models.log import Draft, Entry, EntryData, Kind, unreadable
from api.models.rooms import Membership, Role, Room

MAX_ENTRY_BYTES: Final = 64 * 1024
"""An entry has at most this length as JSON. A longer row was written by another program, and is `unreadable`."""
_MAX_AT: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: a later time cannot be written as a date."""


def has_shape(kind: str, data: Any) -> bool:
    """Say whether `data` has all fields of its kind, each of the exact type. It may have others.

    An unknown kind must only have a valid name.
    """
    if not isinstance(data, dict):
        return False
    if (shape := KINDS.get(kind)) is None:
        return is_kind(kind)
    return all(
        field.holds(data[name]) if name in data else field.default is not ...
        for name, field in shape.fields.items()
    )


def require_appendable(draft: Draft) -> None:
    """Raise `Invalid` for a draft of a kind that only a change of a membership or of a room makes."""
    if draft.kind in {Kind.MEMBER, Kind.ROOM}:
        raise Invalid("memberships change by joining and leaving, and rooms by changing them")


def require_shape(draft: Draft) -> None:
    """Raise `Invalid` unless a draft's data has the fields of its kind and no others, and is not too long."""
    if not has_shape(draft.kind, draft.data) or not draft.data.keys() <= KINDS[draft.kind].fields.keys():
        raise Invalid(f"these are not the fields of an entry of kind {draft.kind}")
    try:
        _require_length(draft.user_id, draft.username, draft.ref, draft.data)
    except (TypeError, ValueError):
        raise Invalid(
            "a text holds what is no character, a number is too large, or all is too long"
        ) from None


def read_entry(
    *, room_id: Any, seq: Any, kind: Any, user_id: Any, username: Any, at: Any, ref: Any, data: Any
) -> Entry:
    """Return the entry that these columns of a row hold. Raises `TypeError` or `ValueError` if they hold none."""
    if type(seq) is not int or type(at) is not int or not isinstance(ref, str | None):
        raise TypeError
    if not all(isinstance(text, str) for text in (room_id, user_id, username)):
        raise TypeError
    if seq < 1 or not 0 <= at <= _MAX_AT or not has_shape(kind, data):
        raise ValueError
    _require_length(user_id, username, ref, data)
    return Entry(room_id, seq, kind, user_id, username, at, ref, data)


def dense(room_id: str, entries: Iterable[Entry], after: int, until: int) -> list[Entry]:
    """Return exactly one entry for each seq in (after, until]: the given one, or else an `unreadable` one.

    If two have the same seq, the first one counts.
    """
    found: dict[int, Entry] = {}
    for entry in entries:
        found.setdefault(entry.seq, entry)
    return [found.get(seq) or unreadable(room_id, seq) for seq in range(after + 1, until + 1)]


def member_draft(user: User, was: Role | None, membership: Membership, at: int, by: str) -> Draft:
    """Return the draft that says what `by` makes of a user's membership. `was` is the role before."""
    role, returns_as = membership.role, membership.returns_as
    data: EntryData = {
        "role": None if role is None else role.value,
        "by": by,
        "display_name": user.display_name,
    }
    if returns_as is not None:
        data["returns_as"] = returns_as.value
    if membership.banned:
        data["banned"] = True
    if was is not None:
        data["was"] = was.value
    if user.is_bot:
        data["is_bot"] = True
    return Draft(Kind.MEMBER, user.id, user.username, at, ref=None, data=data)


def room_draft(user: User, room: Room, at: int, *, deleted: bool = False) -> Draft:
    """Return the draft that says what `user` makes of a room. It is the last one of the room if that is `deleted`."""
    data: EntryData = {
        "name": room.name,
        "topic": room.topic,
        "visibility": room.visibility.value,
        "archived": room.archived,
        "slow_seconds": room.slow_seconds,
        "post_role": room.post_role.value,
        "avatar": room.avatar,
    }
    if deleted:
        data["deleted"] = True
    return Draft(Kind.ROOM, user.id, user.username, at, ref=None, data=data)


def _require_length(user_id: str, username: str, ref: str | None, data: EntryData) -> None:
    """Raise `ValueError` for an entry that is too long, and orjson's `TypeError` for one that JSON cannot hold."""
    if len(orjson.dumps((user_id, username, ref, data))) > MAX_ENTRY_BYTES:
        raise ValueError
