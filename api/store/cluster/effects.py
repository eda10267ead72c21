"""Decides what a flush writes beside the batches and the refs of its entries. Pure.

A flush may be repeated, and another node may do the same at the same time. So each of these writes must be safe to do
twice, and must change nothing where a later entry has already been noted. All of them are done before the entries count
as flushed: a reader takes the tail of a head first, and then what flushes have written.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from api.models.log import Entry, Kind
from api.store.cluster.acting import AT_ONCE
from api.store.cluster.mention_rows import may_mention, rows_after
from api.store.cluster.rows import Reader, acting_row, is_reply
from api.store.fold import changed_by


class Effects(NamedTuple):
    """What a flush of some entries of one room writes, in the order of these fields."""

    acting: list[dict[str, Any]]
    """The rows of the entries that are carried out one by one, of kinds in `AT_ONCE`, but not those that delete."""
    deletes: dict[int, int]
    """By the seq of each message that is deleted, that of the entry. A pin of the message may come before it only."""
    changed: dict[int, list[Entry]]
    """The entries that change each message, by the seq of the message. Its row in the table `changed` is raised."""
    mentions: list[dict[str, Any]]
    """What is made of the rows of the table `mentions`; see `mention_rows`."""


def effects_of(rows: Iterable[dict[str, Any]], reader: Reader) -> Effects:
    """Return what a flush of these rows writes. They are in the order of their seqs. Unreadable rows are left out."""
    rows = list(rows)
    changed: dict[int, list[Entry]] = {}
    for entry in reader.entries(row for row in rows if _may_change(row)):
        for seq in changed_by(entry):
            changed.setdefault(seq, []).append(entry)
    at_once = reader.read([row for row in rows if row["kind"] in AT_ONCE], acting_row)
    return Effects(
        acting=[row for row in at_once if row["kind"] != Kind.DELETE],
        deletes={row["data"]["target"]: row["seq"] for row in at_once if row["kind"] == Kind.DELETE},
        changed=changed,
        mentions=rows_after(reader.entries(row for row in rows if may_mention(row))),
    )


def _may_change(row: dict[str, Any]) -> bool:
    """Say whether a row must be read to find out what it changes. Most are messages that answer nothing."""
    return row["kind"] != Kind.MESSAGE or is_reply(row)
