"""Turns entries into rows of RethinkDB and back, and skips rows that Tailwire did not write."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from types import NoneType
from typing import Any, Final, TypeVar

import orjson
import structlog

from api.models.kinds import KINDS, said
from api.models.log import UNREADABLE, Draft, Entry, Head, Kind
from api.models.rooms import Notify, NotifyLevel, Role, Room, RoomKind, RoomPlace, Visibility, Writable
from api.store.shape import dense, read_entry

MAX_KEY_BYTES: Final = 127
"""A primary key of RethinkDB has at most this length."""
KEPT_BY_MEMBERS: Final = ("joined_at", "read_seq")
"""The columns of `members` that stay as they are when a member's role changes."""
RECEIPT: Final = "receipt_seq"
"""The column of `members` that stays likewise. It is missing until a member goes back for the first time."""
KEPT_BY_PEOPLE: Final = ("notify", "turn", "place")
"""The columns of `members` that stay also when the membership ends, and when it begins again."""
MAX_POISON: Final = 1_000
"""This many unreadable rows are logged, each once; further ones are skipped without a log line."""

_ACTING: Final = ("thread", "mentions", "mentions_all")
"""A message with one of these acts: the flush makes rows of it that a node of an older version would not make."""
_COLUMNS: Final = ("room_id", "seq", "kind", "user_id", "username", "at", "ref", "data")

T = TypeVar("T")

log = structlog.get_logger("api.store")


class Reader:
    """Reads rows. One that we did not write is skipped, or comes as an `unreadable` entry, and is logged once."""

    def __init__(self) -> None:
        self._poison: set[str] = set()

    def read(self, rows: Iterable[Any], read: Callable[[dict[str, Any]], T]) -> list[T]:
        """Return `read(row)` of each row. Skips a row if that raises `KeyError`, `TypeError` or `ValueError`."""
        made = []
        for row in rows:
            try:
                made.append(read(row))
            except (KeyError, TypeError, ValueError):
                self._log(row)
        return made

    def entries(self, rows: Iterable[Any]) -> list[Entry]:
        """Return the entries that rows hold, without those that cannot be read."""
        return self.read(rows, entry_of)

    def whole(self, room_id: str, rows: Iterable[Any], after: int, until: int) -> list[Entry]:
        """Return exactly one entry of a room for each seq in (after, until]: from these rows, or else `unreadable`."""
        found = dense(room_id, _readable(room_id, rows), after, until)
        for entry in found:
            if entry.kind == UNREADABLE:
                self._log_once(_place(room_id, entry.seq))
        return found

    def _log(self, row: Any) -> None:
        if isinstance(row, dict):
            is_entry = isinstance(row.get("room_id"), str) and type(row.get("seq")) is int
            self._log_once(_place(row["room_id"], row["seq"]) if is_entry else str(row.get("id")))
        else:
            self._log_once(str(row))

    def _log_once(self, key: str) -> None:
        key = key[:200]
        if key not in self._poison and len(self._poison) < MAX_POISON:
            self._poison.add(key)
            log.error("poison_row_skipped", id=key)


def _place(room_id: str, seq: int) -> str:
    return f"{room_id}/{seq}"


def _readable(room_id: str, rows: Iterable[Any]) -> Iterator[Entry]:
    """Yield the entries of a room that these rows hold."""
    for row in rows:
        try:
            entry = entry_of(row)
        except (KeyError, TypeError, ValueError):
            continue
        if entry.room_id == room_id:
            yield entry


def head_of(row: dict[str, Any]) -> Head:
    """Read a row of `heads_query`. Raises `KeyError` or `ValueError` for one that we did not write."""
    if row["seq"] < 0:
        raise ValueError
    return Head(row["id"], row["epoch"], row["seq"])


def entry_of(row: dict[str, Any]) -> Entry:
    """Read a row. Raises `KeyError`, `TypeError` or `ValueError` for one that we did not write."""
    return read_entry(**{name: row[name] for name in _COLUMNS})


def row_of(room_id: str, draft: Draft, once: str | None = None) -> dict[str, Any]:
    """Return the row of an entry without its seq.

    A retry is compared by the `digest` of what the author wrote. `once` is a key that no other entry of any room may
    have; without it the key is made from user and ref.
    """
    content = orjson.dumps(
        [room_id, draft.kind.value, said(draft.kind, draft.data)], option=orjson.OPT_SORT_KEYS
    )
    if once is None:
        key = orjson.dumps([draft.user_id, draft.ref]) if draft.ref is not None else new_key()
        once = _digest(key)
    else:
        once = _digest(once.encode())  # hashed, so that every id is short enough for an index
    return {
        "room_id": room_id,
        "kind": draft.kind.value,
        "user_id": draft.user_id,
        "username": draft.username,
        "at": draft.at,
        "ref": draft.ref,
        "data": draft.data,
        "id": once,
        "digest": _digest(content),
        **({"acts": True} if KINDS[draft.kind].acts or any(map(draft.data.get, _ACTING)) else {}),
    }


def our_rows(tail: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the items of a tail that Tailwire has written."""
    types = {"id": str, "room_id": str, "kind": str, "attempt": str, "user_id": str, "seq": int}
    return [
        row
        for row in tail
        if isinstance(row, dict) and all(type(row.get(name)) is of for name, of in types.items())
    ]


def acting_row(row: dict[str, Any]) -> dict[str, Any]:
    """Check the row of an entry that acts, and return it unchanged. Raises as `entry_of` does."""
    kind = entry_of(row).kind
    if kind == Kind.MEMBER:
        membership_after(row)
    elif kind == Kind.ROOM:
        room_of({"id": row["room_id"], "created_at": row["at"], **row["data"]})
    return row


def settings_of(room: Room) -> dict[str, Any]:
    """Return what may change of a room, as `rooms`, the head and its entries have it."""
    return {
        "name": room.name,
        "topic": room.topic,
        "visibility": room.visibility.value,
        "archived": room.archived,
        "slow_seconds": room.slow_seconds,
        "post_role": room.post_role.value,
        "avatar": room.avatar,
    }


def room_of(row: dict[str, Any]) -> Room:
    """Read a row of `rooms`. Raises as `entry_of` does."""
    archived, slow_seconds, post_role = writable_of(row)
    avatar = row.get("avatar", "")  # as `kind`, rooms of older versions lack it
    if type(avatar) is not str:
        raise TypeError
    return Room(
        row["id"],
        row["name"],
        row["topic"],
        Visibility(row["visibility"]),
        row["created_at"],
        archived,
        slow_seconds,
        post_role,
        RoomKind(row.get("kind", RoomKind.ROOM)),
        tuple(row.get("people", ())),
        avatar,
    )


def writable_of(row: dict[str, Any]) -> Writable:
    """Read what a room lets its members write. Rooms from before it could be set lack it. Raises as `entry_of` does."""
    archived, slow_seconds = row.get("archived", False), row.get("slow_seconds", 0)
    if type(archived) is not bool or type(slow_seconds) is not int:
        raise TypeError
    return Writable(archived, slow_seconds, Role(row.get("post_role", Role.MEMBER)))


def membership_after(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of `members` that a member entry makes for its user. Raises as `entry_of` does."""
    entry = entry_of(row)
    return membership_of(
        {
            "id": [entry.room_id, entry.user_id],
            "room_id": entry.room_id,
            "user_id": entry.user_id,
            "role": entry.data["role"],
            "returns_as": entry.data.get("returns_as"),
            "banned_at": entry.at if entry.data.get("banned") else None,
            "banned_by": entry.data["by"] if entry.data.get("banned") else None,
            "joined_at": entry.at,
            "read_seq": entry.seq,  # messages from before they joined do not count as unread
            "seq": entry.seq,
        }
    )


def carried_over(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """Return the row of `members` after two changes, which may come in any order. `project` does the same in ReQL."""
    if old is None:
        return new
    if old["seq"] >= new["seq"]:
        return old
    is_going_on = old["role"] is not None and new["role"] is not None
    kept = (*KEPT_BY_PEOPLE, *((*KEPT_BY_MEMBERS, RECEIPT) if is_going_on else ()))
    return new | {name: old[name] for name in kept if name in old}


def membership_of(row: dict[str, Any]) -> dict[str, Any]:
    """Check a row of `members`, and return it unchanged. Raises as `entry_of` does."""
    for role in (row["role"], row.get("returns_as")):  # the first versions did not keep the second
        if role is not None:
            Role(role)
    if not all(isinstance(row[name], str) for name in ("room_id", "user_id")):
        raise TypeError
    if not all(type(row[name]) is int for name in ("seq", *KEPT_BY_MEMBERS)):
        raise TypeError
    if type(row.get("banned_at")) not in {int, NoneType}:  # the first versions knew no bans
        raise TypeError
    if type(row.get(RECEIPT, 0)) is not int:
        raise TypeError
    notify_of(row)
    place_of(row)
    return row


def notify_of(row: dict[str, Any]) -> Notify:
    """Return how a member is notified, by their row of `members`. Raises as `entry_of` does."""
    notify = row.get("notify")
    if notify is None:
        return Notify()
    muted_until = notify["muted_until"]
    if type(muted_until) not in {int, NoneType}:
        raise TypeError
    return Notify(NotifyLevel(notify["level"]), muted_until)


def place_of(row: dict[str, Any]) -> RoomPlace:
    """Return where a member keeps a room, by their row of `members`. Raises as `entry_of` does."""
    place = row.get("place")
    if place is None:
        return RoomPlace()
    if type(place["favourite"]) is not bool or type(place["hidden_at"]) not in {int, NoneType}:
        raise TypeError
    if type(place["section"]) not in {str, NoneType}:
        raise TypeError
    return RoomPlace(place["favourite"], place["section"], place["hidden_at"])


def is_key(text: str) -> bool:
    """Say whether a text can be a primary key. No row has a text as its key that cannot be one."""
    return 0 < len(text.encode(errors="surrogatepass")) <= MAX_KEY_BYTES and "\0" not in text


def is_no_message(row: dict[str, Any]) -> bool:
    """Say whether a row is no message, and so does not count as unread."""
    return bool(row["kind"] != Kind.MESSAGE)


def is_reply(row: dict[str, Any]) -> bool:
    """Say whether a row is a message in a thread. It acts, as it changes the root of the thread."""
    return bool(row["kind"] == Kind.MESSAGE and row["data"].get("thread") is not None)


def new_key() -> bytes:
    """Return a random key for an entry without a ref, which is stored again when it is sent again."""
    return secrets.token_bytes(16)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:40]
