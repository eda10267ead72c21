"""Entries as rows of the tables, in heads and in batches alike, and the one reader of rows."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import orjson
import structlog

from api.models.kinds import KINDS, said
from api.models.log import UNREADABLE, Draft, Entry, Head, Kind
from api.models.rooms import Role
from api.store.shape import dense, read_entry

MAX_KEY_BYTES: Final = 127
KEPT_BY_MEMBERS: Final = ("joined_at", "read_seq", "read_number")
"""What a member keeps when their role changes."""
MAX_POISON: Final = 1_000
"""Rows that are logged; further ones are passed over in silence."""

_COLUMNS: Final = ("room_id", "seq", "kind", "user_id", "username", "at", "ref", "data")

T = TypeVar("T")

log = structlog.get_logger("api.store")


class Reader:
    """Reads rows; one that we did not write is passed over, or unreadable as an entry, and logged once."""

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

    def entries(self, rows: Iterable[Any]) -> list[Entry]:
        """Return the entries that rows hold, without those that cannot be read."""
        return self.read(rows, entry_of)

    def whole(self, room_id: str, rows: Iterable[Any], after: int, until: int) -> list[Entry]:
        """Return exactly one entry of a room for each seq in (after, until], as far as these rows have it readable."""
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


def row_of(room_id: str, draft: Draft, sent: Draft, once: str | None) -> dict[str, Any]:
    """Return the row of an entry without its seq.

    `sent` is what its author wrote, by which a retry is known. `once` is what no other entry of any room may have.
    """
    content = orjson.dumps(
        [room_id, sent.kind.value, said(sent.kind, sent.data)], option=orjson.OPT_SORT_KEYS
    )
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
        **({"acts": True} if KINDS[draft.kind].acts else {}),
    }


def acting_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of an entry that is to be carried out, as it is. Raises as `entry_of` does."""
    if entry_of(row).kind == Kind.MEMBER:
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
