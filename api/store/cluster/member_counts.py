"""Keeps in the head of a room how many members it has, so that no list of rooms counts them. Pure.

A head has `members`: their `count` after the change of a membership, or of the room, at the seq `moved`. It counts
only where that is the newest such change, which the head has as `moved`: nodes of older versions leave `members` as it
is.
"""

from collections.abc import Iterable
from typing import Any

from api.models.log import Kind
from api.store.rethinkdb import r


def came(rows: Iterable[dict[str, Any]]) -> int:
    """Return by how many members these entries change their number."""
    members = (row["data"] for row in rows if row["kind"] == Kind.MEMBER)
    return sum((data["role"] is not None) - (data.get("was") is not None) for data in members)


def counted(head: Any, more: Any, moved: Any) -> Any:
    """Return what a head knows of its members after an append that changes their number by `more`.

    `moved` is the seq of the newest change then. It is null if the head did not know how many there were before.
    """
    is_known = head["members"]["moved"].default(-1) == head["moved"].default(-2)
    return r.branch(is_known, {"count": head["members"]["count"] + more, "moved": moved}, None)


def known_count(head: dict[str, Any]) -> int | None:
    """Return how many members a room has, if its head knows it."""
    known = head.get("members")
    return int(known["count"]) if known is not None and known["moved"] == head.get("moved") else None


def note_count_query(room_id: str, moved: int, count: int) -> Any:
    """Return the write that lets a head know how many members its room has, unless that has changed since `moved`."""
    form = {"members": {"count": count, "moved": moved}}
    head = r.table("heads").get(room_id)
    return head.update(lambda head: r.branch(head["moved"].default(None) == moved, form, {}))
