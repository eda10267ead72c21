"""Entries as rows of the tables, in heads and in batches alike, and the one reader of rows."""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import orjson
import structlog

from api.models.log import Draft, Entry, Head, Kind
from api.models.rooms import Role
from api.store.shape import has_shape

MAX_KEY_BYTES: Final = 127
KEPT_BY_MEMBERS: Final = ("joined_at", "read_seq", "read_number")
"""What a member keeps when their role changes."""
MAX_POISON: Final = 1_000
"""Rows that are logged; further ones are passed over in silence."""

T = TypeVar("T")

log = structlog.get_logger("api.store")


class Reader:
    """Reads rows; one that we did not write is passed over, and logged once."""

    def __init__(self) -> None:
        self._poison: set[str] = set()

    def read(self, rows: Iterable[Any], read: Callable[[dict[str, Any]], T]) -> list[T]:
        """Return what `read` makes of each row but for those of which it raises."""
        made = []
        for row in rows:
            try:
                made.append(read(row))
            except (KeyError, TypeError, ValueError):
                self._log(row)
        return made

    def _log(self, row: Any) -> None:
        key = str(row.get("id") if isinstance(row, dict) else row)[:200]
        if key not in self._poison and len(self._poison) < MAX_POISON:
            self._poison.add(key)
            log.error("poison_row_skipped", id=key)


def head_of(row: dict[str, Any]) -> Head:
    """Read a row of `heads_query`. Raises `KeyError` or `ValueError` for one that we did not write."""
    if row["seq"] < 0:
        raise ValueError
    return Head(row["id"], row["epoch"], row["seq"])


def entry_of(row: dict[str, Any]) -> Entry:
    """Read a row. Raises `KeyError`, `TypeError` or `ValueError` for one that we did not write."""
    room_id, seq, user_id, username, at, ref, data = (
        row[name] for name in ("room_id", "seq", "user_id", "username", "at", "ref", "data")
    )
    kind = Kind(row["kind"])
    if not all(isinstance(text, str) for text in (room_id, user_id, username)):
        raise TypeError
    if type(seq) is not int or type(at) is not int or not isinstance(ref, str | None):
        raise TypeError
    if not has_shape(kind, data):
        raise TypeError
    return Entry(room_id, seq, kind, user_id, username, at, ref, data)


def row_of(room_id: str, draft: Draft, said: Draft, once: str | None) -> dict[str, Any]:
    """Return the row of an entry without its seq. `once` is what no other entry of any room may have."""
    content = orjson.dumps([room_id, said.kind.value, said.data], option=orjson.OPT_SORT_KEYS)
    if once is None:
        key = orjson.dumps([draft.user_id, draft.ref]) if draft.ref is not None else new_key()
        once = _digest(key)
    else:
        once = _digest(once.encode())  # it becomes a primary key, of which 127 bytes is the most
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
    }


def acting_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of an entry that is to be carried out, as it is. Raises as `entry_of` does."""
    if entry_of(row).kind is Kind.MEMBER:
        membership_after(row)
    return row


def membership_after(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of `members` for whoever a member entry is about. Raises as `entry_of` does."""
    entry = entry_of(row)
    return membership_of(
        {
            "id": [entry.room_id, entry.user_id],
            "room_id": entry.room_id,
            "user_id": entry.user_id,
            "role": entry.data["role"],
            "joined_at": entry.at,
            "read_seq": entry.seq,  # what was said before they came is not unread to them
            "read_number": row["number"],
            "seq": entry.seq,
        }
    )


def carried_over(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """Return what a row of `members` becomes by another, in whatever order they come; `project` says it in ReQL."""
    if old is None:
        return new
    if old["seq"] >= new["seq"]:
        return old
    if old["role"] is None or new["role"] is None:
        return new
    return new | {name: old[name] for name in KEPT_BY_MEMBERS}


def membership_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `members` as it is. Raises as `entry_of` does."""
    if row["role"] is not None:
        Role(row["role"])
    if not all(isinstance(row[name], str) for name in ("room_id", "user_id")):
        raise TypeError
    if not all(type(row[name]) is int for name in ("seq", *KEPT_BY_MEMBERS)):
        raise TypeError
    return row


def is_key(text: str) -> bool:
    """Say whether a text can be a primary key; what cannot be one is nobody's."""
    return 0 < len(text.encode(errors="surrogatepass")) <= MAX_KEY_BYTES and "\0" not in text


def is_no_message(row: dict[str, Any]) -> bool:
    """Say whether a row counts for nothing among unread messages."""
    return bool(row["kind"] != Kind.MESSAGE)


def new_key() -> bytes:
    """Return a key that is like no other, for an entry that may be written twice."""
    return secrets.token_bytes(16)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:40]
