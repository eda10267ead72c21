"""Makes the pages of who has reacted to a message with one emoji. Pure; both stores use it."""

from collections.abc import Iterable

from api.models.log import Entry, Kind
from api.models.page import Page
from api.store import paging


def reactors(  # noqa: PLR0917  a list, and the page of it
    room_id: str, seq: int, emoji: str, changes: Iterable[Entry], cursor: str | None, limit: int
) -> Page[Entry]:
    """Return a page of the reactions with an emoji that stand, in their order.

    `changes` are the entries that have changed the message at `seq`, in any order. Raises `BadCursor`.
    """
    after = start(room_id, seq, emoji, cursor)
    standing = [entry for entry in _standing(emoji, changes) if entry.seq > after]
    return paging.page(
        _list(room_id, seq, emoji),
        standing,
        limit,
        key=lambda entry: (entry.seq, ""),
        item=lambda entry: entry,
    )


def start(room_id: str, seq: int, emoji: str, cursor: str | None) -> int:
    """Return the seq after which the reactions of a page begin. Raises `BadCursor`."""
    return max(paging.start(_list(room_id, seq, emoji), cursor)[0], 0)


def _list(room_id: str, seq: int, emoji: str) -> str:
    return f"reactors {room_id} {seq} {emoji}"


def _standing(emoji: str, changes: Iterable[Entry]) -> list[Entry]:
    """Return the reactions with an emoji that were not taken back, in their order."""
    by_user: dict[str, Entry] = {}
    for change in sorted(changes, key=lambda entry: entry.seq):
        if change.kind == Kind.DELETE:
            return []
        if change.kind == Kind.REACTION and change.data["emoji"] == emoji:
            if change.data["added"]:
                by_user.setdefault(change.user_id, change)
            else:
                by_user.pop(change.user_id, None)
    return list(by_user.values())
