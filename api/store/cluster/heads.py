"""Remembers the heads that this node has lately written or read, so that it can compute what an append writes.

A head is remembered only as it is as a whole: with it, all refs are known that were not yet flushed when this node last
knew the mark. If another node has appended since, the database notices, as the newest append of the head is another.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from api.models.changes import everybody_by
from api.models.log import Kind
from api.store.cluster.queries import Mark
from api.store.cluster.rows import our_rows
from api.store.mentions import EVERYBODY

MAX_HEADS: Final = 2_000
"""This many heads are remembered, those used last. For another room an append reads the head first."""
MOVES: Final = 64
"""A head remembers this many changes of membership and room, so that an append by an older reading can be refused."""
DELETES: Final = 64
"""A known head remembers this many deletes, so that an answer need not look whether its message is deleted."""
NOTED: Final = 16
"""A head notes whom its newest messages mention, this many of them. For all members it has `everybody_by`."""
MAX_BATCH_ROWS: Final = 16
"""Appends are gathered in one batch until it has this many rows, as a flush costs the database much for each batch."""
MAX_BATCH_BYTES: Final = 32_768
"""Nor is an append added to a batch of this size."""
MOVING: Final = frozenset({Kind.MEMBER, Kind.ROOM})
"""Entries of these kinds may change who may write what. A head remembers the newest of them as its `moves`."""


@dataclass(slots=True)
class KnownHead:
    """The fields of a head, but for its tail."""

    epoch: str
    attempt: str
    """The newest append. No two have the same name, so it tells this head from one that was set back and has grown."""
    seq: int
    number: int
    message_seq: int
    flushed: int
    trimmed: int
    dropped: int
    """The seq of the last move that is no longer remembered."""
    moves: list[tuple[str | None, int]]
    """The user (None: everybody) and the seq of the newest entries of a kind in `MOVING`."""
    mentioned: list[list[Any]]
    """The seq and the mentioned user ids of the newest messages that mention anybody."""
    ids: dict[str, int]
    """The seqs of the entries that may not be flushed, by the id of their row."""
    batch: int = 0
    """The first seq of the batch that this node is filling, and 0 if there is none."""
    batch_bytes: int = 0
    whole_from: int = field(default=0, compare=False)
    """The seq after which all deletes are in `deleted`."""
    deleted: dict[int, int] = field(default_factory=dict, compare=False)
    """The seqs of the newest deletes, by the seq of the message that they delete."""

    def may_append(self, rows: Iterable[dict[str, Any]], seen: Mapping[str, int]) -> bool:
        """Say whether these rows are new here, and no membership has changed since it was `seen` (by user, a seq)."""
        if any(row["id"] in self.ids for row in rows):
            return False
        return not any(self.has_moved(user_id, as_of) for user_id, as_of in seen.items())

    def has_moved(self, user_id: str, as_of: int) -> bool:
        """Say whether there is, or may be, an entry after `as_of` that changes this membership, or the room."""
        return self.dropped > as_of or any(
            seq > as_of and moved in {None, user_id} for moved, seq in self.moves
        )

    def has_deleted(self, target: int, as_of: int) -> bool:
        """Say whether there is, or may be, an entry after `as_of` that deletes this message."""
        return self.whole_from > as_of or self.deleted.get(target, 0) > as_of

    def batch_for(self, rows: int, size: int) -> int:
        """Return the first seq of the batch that an append of so many rows and bytes belongs to."""
        filled = self.seq + 1 - self.batch
        if self.batch and filled + rows <= MAX_BATCH_ROWS and self.batch_bytes + size <= MAX_BATCH_BYTES:
            return self.batch
        return self.seq + 1

    def grow(self, rows: list[dict[str, Any]], *, flushed: int, trimmed: int) -> None:
        """Take note of an append. `rows` are numbered; `flushed` and `trimmed` are the marks of the head after it."""
        messages = [row for row in rows if row["kind"] == Kind.MESSAGE]
        self.seq, self.attempt = rows[-1]["seq"], rows[-1]["attempt"]
        self.number += len(messages)
        if messages:
            self.message_seq = messages[-1]["seq"]
        self.flushed, self.trimmed = flushed, trimmed
        self.ids |= {row["id"]: row["seq"] for row in rows}
        self.mentioned = noted(self.mentioned, rows, self.seq)
        self.moves += [moved_by(row) for row in rows if row["kind"] in MOVING]
        if surplus := self.moves[:-MOVES]:
            self.dropped, self.moves = surplus[-1][1], self.moves[-MOVES:]
        self.deleted |= deleted_by(rows)
        if len(self.deleted) > DELETES:
            self.whole_from, self.deleted = self.seq, {}

    def forget_flushed(self, seq: int) -> None:
        """Forget the ids of entries up to `seq`, which are flushed."""
        if any(one <= seq for one in self.ids.values()):
            self.ids = {id_: one for id_, one in self.ids.items() if one > seq}


def deleted_by(rows: Iterable[dict[str, Any]]) -> dict[int, int]:
    """Return the seqs of the deletes among these rows, by the seq of the message that they delete."""
    return {row["data"].get("target"): row["seq"] for row in rows if row["kind"] == Kind.DELETE}


def moved_by(row: dict[str, Any]) -> tuple[str | None, int]:
    """Return whom an entry of a kind in `MOVING` concerns (None: everybody), and its seq."""
    return (row["user_id"] if row["kind"] == Kind.MEMBER else None), row["seq"]


def noted(mentioned: list[list[Any]], rows: list[dict[str, Any]], seq: int) -> list[list[Any]]:
    """Return whom the newest entries up to `seq` mention, after `rows` were added."""
    new = [[row["seq"], ids] for row in rows if row["kind"] == Kind.MESSAGE and (ids := _ids(row))]
    return [one for one in [*mentioned, *new] if one[0] > seq - NOTED] if mentioned or new else []


def _ids(row: dict[str, Any]) -> list[str]:
    data = row["data"]
    # A node of an older version looks for `EVERYBODY` alone.
    return [EVERYBODY, everybody_by(row["user_id"])] if data.get("mentions_all") else data.get("mentions", [])


def read_head(row: dict[str, Any], after: int) -> KnownHead:
    """Read a whole head. `after` is the seq up to which its entries are known to be flushed, if that is later.

    Raises `KeyError`, `TypeError` for one that we did not write.
    """
    epoch, tail = row["epoch"], row["tail"]
    numbers = {name: row[name] for name in ("seq", "number", "message_seq", "flushed", "trimmed")}
    if not isinstance(epoch, str) or any(type(one) is not int for one in numbers.values()):
        raise TypeError
    mark = max(after, numbers["flushed"])
    ids = {one["id"]: one["seq"] for one in our_rows(tail) if one["seq"] > mark}
    moves = row.get("moves")
    if moves is None:  # a head of the first versions has them only in its tail
        rows = [one for one in our_rows(tail) if one["kind"] == Kind.MEMBER]
        moves = {"dropped": numbers["trimmed"], "rows": rows}
    known = [(one.get("user_id"), one["seq"]) for one in moves["rows"]]
    return KnownHead(
        epoch,
        str(row.get("attempt", "")),
        **numbers,
        dropped=moves["dropped"],
        moves=known,
        mentioned=list(row.get("mentioned", [])),
        ids=ids,
        whole_from=numbers["trimmed"],
        deleted=deleted_by(our_rows(tail)),
    )


def is_mark_of(mark: Mark, head: KnownHead, rows: Iterable[dict[str, Any]]) -> bool:
    """Say whether this head, whose tail has these rows, is flushed up to a mark. One that was set back is not."""
    if mark.epoch != head.epoch:
        return False
    return mark.seq <= head.flushed or (mark.seq, mark.attempt) in (
        (row["seq"], row["attempt"]) for row in rows
    )


class KnownHeads:
    """The heads that this node knows, by room."""

    def __init__(self) -> None:
        self._heads: OrderedDict[str, KnownHead] = OrderedDict()
        self._lent: dict[str, tuple[KnownHead, int]] = {}  # each with the batch that the append adds to

    def get(self, room_id: str) -> KnownHead | None:
        """Return what is known of a room's head."""
        known = self._heads.get(room_id)
        if known is not None:
            self._heads.move_to_end(room_id)
        return known

    def peek(self, room_id: str) -> KnownHead | None:
        """Return what was last known of a room's head, also while an append to it is under way."""
        lent, _ = self._lent.get(room_id, (None, 0))
        return self._heads.get(room_id) or lent

    def put(self, room_id: str, head: KnownHead) -> None:
        """Remember a head."""
        self._heads[room_id] = head
        self._heads.move_to_end(room_id)
        if len(self._heads) > MAX_HEADS:
            self._heads.popitem(last=False)

    def drop(self, room_id: str) -> None:
        """Forget a head, because it may be another by now."""
        self._heads.pop(room_id, None)

    @contextmanager
    def lent(self, room_id: str, head: KnownHead) -> Iterator[None]:
        """Forget a head while an append to it is under way; its `batch` is already the one of that append."""
        self.drop(room_id)
        self._lent[room_id] = head, head.batch
        try:
            yield
        finally:
            del self._lent[room_id]

    def forget_all(self) -> None:
        """Forget all heads, because the database was set back."""
        self._heads.clear()

    def end_batch(self, room_id: str) -> int | None:
        """Let the next append of this node begin a new batch, because the one before it is being flushed.

        Returns the first seq of a batch that an append under way may still add to, or None.
        """
        if (known := self._heads.get(room_id)) is not None:
            known.batch = known.batch_bytes = 0
        if room_id not in self._lent:
            return None
        lent, batch = self._lent[room_id]
        lent.batch = lent.batch_bytes = 0
        return batch

    def passed(self, room_id: str, epoch: str, seq: int) -> None:
        """Forget a head that has grown further than is known here."""
        known = self._heads.get(room_id)
        if known is not None and (known.epoch != epoch or known.seq < seq):
            self.drop(room_id)

    def shown(self, head: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        """Learn from a head that was read with its newest entries. It has `id`, `epoch`, `seq` and both marks."""
        known = self._heads.get(head["id"])
        if known is None or known.epoch != head["epoch"] or known.seq >= head["seq"]:
            return
        new = [row for row in our_rows(rows) if row["seq"] > known.seq]
        if len(new) == head["seq"] - known.seq and not any(row["kind"] in MOVING for row in new):
            known.grow(new, flushed=head["flushed"], trimmed=head["trimmed"])
            known.batch = known.batch_bytes = 0
        else:
            self.drop(head["id"])
