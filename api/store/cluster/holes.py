"""Finds entries in the tail of a head by their places, or by their seqs where rows are missing. Pure ReQL."""

from typing import Any

from api.store.rethinkdb import r


def has_mark(head: Any, mark: Any) -> Any:
    """Return whether the tail has the entry of a mark."""
    return r.branch(
        is_whole(head),
        head["tail"].nth(mark["seq"] - head["trimmed"] - 1)["attempt"] == mark["attempt"],
        head["tail"].contains(lambda row: (row["seq"] == mark["seq"]) & (row["attempt"] == mark["attempt"])),
    )


def left_after(head: Any, trim: Any) -> Any:
    """Return the tail without the entries up to the seq `trim`."""
    return r.branch(
        is_whole(head),
        head["tail"].slice(trim - head["trimmed"]),
        head["tail"].filter(lambda row: row["seq"] > trim),
    )


def is_whole(head: Any) -> Any:
    """Return whether the tail has a row for each of its seqs. Else a place in it says nothing of a seq.

    Only another program leaves a seq out, and the entries after it must not be dropped in its place.
    """
    return head["tail"].count() == head["seq"] - head["trimmed"]
