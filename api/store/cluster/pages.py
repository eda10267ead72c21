"""Reads entries and messages from RethinkDB: the head first, then `batches`, merged by seq."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from api.errors import NotFound
from api.models.log import Entry, Head, History, Kind, Message, Timeline
from api.store import paging
from api.store.cluster.batches import (
    ALL_SHOWN,
    MESSAGES,
    changes_of,
    entries_after,
    entries_at,
    newest_near,
    newest_shown,
    oldest_near,
    oldest_shown,
    replies_after,
    replies_below,
    spans,
)
from api.store.cluster.changed import Who
from api.store.cluster.folds import Folds
from api.store.cluster.queries import heads_query, heads_table, is_head, tail_after
from api.store.cluster.rows import Reader, head_of, is_key
from api.store.cluster.waiting import MAX_BATCH
from api.store.fold import UNCHANGED, Changes, State, changed_by, fold, folded, with_messages
from api.store.paging import PageSpace
from api.store.rethinkdb import Pool, Prepared, r

FIRST_LOOK: Final = 100
"""More entries are read in two steps. Each of the table's eight parts reads on by itself, so where entries are long, a
query for many of them costs the database several times what the page takes."""


class Pages:
    """Reads the logs of all rooms."""

    def __init__(self, pool: Pool, reader: Reader, folds: Folds) -> None:
        self._pool = pool
        self._reader = reader
        self._folds = folds

    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        """Return where the logs of these rooms end."""
        asked = [room_id for room_id in room_ids if is_key(room_id)]
        if not asked:
            return {}
        rows = [row for row in await self._pool.read(heads_query(asked)) if not row.get("deleted")]
        return {head.room_id: head for head in self._reader.read(rows, head_of)}

    async def log(self, room_id: str, after: int, limit: int) -> list[Entry]:
        """Return exactly one entry for each seq in (after, after + limit], up to the head or the end of a page."""
        after = max(after, 0)
        entries = await self._log(room_id, after, min(limit, FIRST_LOOK))
        if len(entries) == FIRST_LOOK < limit:
            entries += await self._log(room_id, after + FIRST_LOOK, limit - FIRST_LOOK)
        return paging.cut(entries)[0]

    async def _log(self, room_id: str, after: int, limit: int) -> list[Entry]:
        until = after + limit
        if after >= 2**53 or not is_key(room_id):
            return []
        found = await self._merged(_LOG, room_id, after, until)
        if found is None:
            return []
        until = min(until, found.head["seq"], found.last_seq if found.is_cut else until)
        return self._reader.whole(room_id, found.rows, after, until)

    async def history(self, room_id: str, before: int | None, after: int | None, limit: int) -> History:
        """Return a page of folded messages. Raises `NotFound`."""
        shown, head, has_more = await self._shown(MESSAGES, room_id, before, after, limit)
        return History(await self.folded(room_id, shown, head["seq"]), head["epoch"], has_more)

    async def timeline(self, room_id: str, before: int | None, after: int | None, limit: int) -> Timeline:
        """Return a page of folded messages and notices. Raises `NotFound`."""
        shown, head, has_more = await self._shown(ALL_SHOWN, room_id, before, after, limit)
        messages = [entry for entry in shown if entry.kind == Kind.MESSAGE]
        found = await self.folded(room_id, messages, head["seq"])
        return Timeline(with_messages(shown, found), head["epoch"], has_more)

    async def thread(self, room_id: str, root: int, after: int, limit: int) -> History:
        """Return a page of the folded replies below a root. Raises `NotFound`."""
        if not is_key(room_id):
            raise NotFound
        root, above = (min(max(seq, 0), 2**53) for seq in (root, after))
        found = await self._merged(_THREAD, room_id, above, 2**53 - 1, root=root, limit=limit + 1)
        if found is None:
            raise NotFound
        rows = [row for row in _messages_of(found) if row["data"].get("thread") == root]
        if found.is_cut:
            rows = [row for row in rows if row["seq"] <= found.last_seq]
        shown, is_cut = paging.cut(self._reader.entries(rows[:limit]))
        has_more = is_cut or found.is_cut or len(rows) > limit
        messages = await self.folded(room_id, shown, found.head["seq"])
        return History(messages, found.head["epoch"], has_more)

    async def _shown(
        self, kinds: tuple[str, ...], room_id: str, before: int | None, after: int | None, limit: int
    ) -> tuple[list[Entry], dict[str, Any], bool]:
        """Return the entries of a page in order of seq, the head, and whether there are more. Raises `NotFound`."""
        if not is_key(room_id):
            raise NotFound
        above = min(max(after or 0, 0), 2**53)
        until = (2**53 if before is None else min(max(before, 0), 2**53)) - 1
        read = _READS[kinds, after is None]
        found = await self._read(read, read.near, room_id, above, until, limit + 1)
        are_all_near = min(until, read.end(found.head)) - above <= limit + 1 + MAX_BATCH
        if not (are_all_near or found.is_cut or len(found.rows) > limit):
            found = await self._read(read, read.far, room_id, above, until, limit + 1)
        shown, is_cut = paging.cut(self._reader.entries(found.rows[:limit]))
        has_more = is_cut or found.is_cut or len(found.rows) > limit
        shown.sort(key=lambda entry: entry.seq)
        return shown, found.head, has_more

    async def _read(  # noqa: PLR0917  a query and its parameters
        self, read: "_Read", query: Prepared, room_id: str, above: int, until: int, limit: int
    ) -> "_Found":
        """Return the entries of a page, in the order in which it is read. Raises `NotFound`."""
        newest_first = read.newest_first
        found = await self._merged(query, room_id, above, until, newest_first=newest_first, limit=limit)
        if found is None:
            raise NotFound
        rows = [row for row in found.rows if row.get("kind") in read.kinds]
        if newest_first:
            rows.reverse()
        elif found.is_cut:
            rows = [row for row in rows if row["seq"] <= found.last_seq]
        return found._replace(rows=rows)

    async def look_at(self, room_id: str, seqs: Sequence[int], who: Who | None = None) -> "dict[int, Looked]":
        """Return what an append must know of the messages at these seqs, which are in order.

        Of an unknown room it returns nothing. `who` is the user and the emoji of a reaction.
        """
        seqs = [seq for seq in seqs if 0 < seq < 2**53]
        found = await self._at(room_id, seqs) if is_key(room_id) and seqs else None
        if found is None:
            return {}
        epoch, end = found.head["epoch"], found.head["seq"]
        looked = dict.fromkeys(seqs, Looked(epoch, end, None))
        messages = [one for one in self._reader.entries(_messages_of(found)) if one.seq in looked]
        known = await self._folds.of(room_id, [one.seq for one in messages], who) if messages else None
        if known is not None:
            states = known.states()
            for one in messages:
                has_reacted = who is not None and known.has_reacted(one.seq, who)
                state = states.get(one.seq, UNCHANGED)
                looked[one.seq] = Looked(known.epoch, known.seq, one, state, has_reacted)
        elif messages:
            of_others = await self._changes(room_id, messages, end)
            for one in messages:
                changes = Changes.by(one.seq, (each for each in of_others if one.seq in changed_by(each)))
                has_reacted = who is not None and changes.has_reaction(*who)
                looked[one.seq] = Looked(epoch, end, one, changes.state(), has_reacted)
        return looked

    async def _at(self, room_id: str, seqs: Sequence[int]) -> "_Found | None":
        """Return the rows at these seqs, which are in order, and maybe others between them."""
        first, last = seqs[0] - 1, seqs[-1]
        return await self._merged(_AT, room_id, first, last, is_page=False, seqs=seqs, spans=spans(seqs))

    async def changes_of(self, room_id: str, seq: int, kind: Kind, after: int, limit: int) -> list[Entry]:
        """Return entries of one kind that change the message at `seq`."""
        if not (is_key(room_id) and 0 < seq < 2**53):
            return []
        places = [[room_id, seq]]
        found = await self._merged(
            _OF_KIND, room_id, seq, 2**53, is_page=False, places=places, kind=kind.value
        )
        entries = self._reader.entries(found.rows if found else [])
        wanted = [
            one for one in entries if one.kind == kind and one.seq > after and one.data.get("target") == seq
        ]
        return wanted[:limit]

    async def reactions(self, room_id: str, seq: int, emoji: str, after: int, limit: int) -> list[Entry]:
        """Return the entries that have made a page of who has reacted to a message, and maybe others."""
        if not (is_key(room_id) and 0 < seq < 2**53):
            return []
        seqs = await self._folds.reactions(room_id, seq, emoji, after, limit)
        if seqs is None:
            return [
                *await self.changes_of(room_id, seq, Kind.REACTION, 0, 2**53),
                *await self.changes_of(room_id, seq, Kind.DELETE, 0, 1),
            ]
        if not seqs:
            return []
        found = await self._at(room_id, seqs)
        entries = self._reader.entries(found.rows if found else [])
        return [entry for entry in entries if entry.seq in {*seqs}]

    async def _merged(
        self,
        query: Prepared,
        room_id: str,
        above: int,
        until: int,
        *,
        newest_first: bool = False,
        is_page: bool = True,
        **given: Any,
    ) -> "_Found | None":
        """Return the rows in (above, until] of a head's tail and of `batches`, of these only one page if `is_page`.

        Returns None for a head that is missing, of a deleted room, or that we did not write.
        """
        answer: list[dict[str, Any]] = []
        space = PageSpace()

        def is_enough(row: dict[str, Any]) -> bool:
            answer.append(row)
            return is_page and len(answer) > 1 and not space.takes(row)  # the first one is the head

        asked = query({"room_id": room_id, "above": above, "until": until, **given})
        is_cut = await self._pool.read_until(asked, is_enough)
        if not answer:
            return None
        (first, *stored) = answer[:-1] if is_cut else answer
        head: dict[str, Any] = first["head"]
        if head.get("deleted"):
            return None
        rows = with_stored(first["tail"], reversed(stored) if newest_first else stored, head["seq"])
        seqs = (row["seq"] for row in stored if type(row.get("seq")) is int and row["seq"] <= head["seq"])
        return _Found(head, [rows[seq] for seq in sorted(rows)], is_cut, max((above + 1, *seqs)))

    async def folded(self, room_id: str, messages: list[Entry], until: int) -> list[Message]:
        """Return `message` entries, in order of seq, as the messages that they are now. The log ends at `until`."""
        if not messages:
            return []
        known = await self._folds.of(room_id, [message.seq for message in messages])
        if known is None:
            return fold(messages, await self._changes(room_id, messages, until))
        states = known.states()
        return [folded(message, states.get(message.seq, UNCHANGED)) for message in messages]

    async def _changes(self, room_id: str, messages: list[Entry], until: int) -> list[Entry]:
        """Return the entries that change or answer these messages, and others that the tail holds."""
        places = [[room_id, message.seq] for message in messages]
        roots = [message.seq for message in messages if message.data.get("thread") is None] or [0]
        found = await self._merged(
            _CHANGES,
            room_id,
            messages[0].seq,
            until,
            is_page=False,
            places=places,
            roots=[roots[0], roots[-1]],
        )
        return self._reader.entries(found.rows if found else [])


def with_stored(
    tail: Iterable[dict[str, Any]], stored: Iterable[dict[str, Any]], end: int
) -> dict[int, dict[str, Any]]:
    """Return the rows of a tail and, up to the `end` of the log, the stored ones that it lacks or has not erased.

    Of two stored rows with the same seq the first counts. The rows come by seq.
    """
    rows = {row["seq"]: row for row in tail if type(row["seq"]) is int}
    for row in stored:
        seq = row.get("seq")
        if type(seq) is int and seq <= end and (seq not in rows or row.get("erased")):
            rows[seq] = row
    return rows


class Looked(NamedTuple):
    """The message that an entry would change, None if there is none, and what it is by now.

    That is after the entry `as_of` of an epoch, or maybe after later ones.
    """

    epoch: str
    as_of: int
    message: Entry | None
    state: State = UNCHANGED
    has_reacted: bool = False


class _Found(NamedTuple):
    """The rows of a page by seq, and the head of their room without its tail.

    If the page `is_cut`, because its rows are long, it is whole up to `last_seq`, the last of its stored rows; one that
    was read newest first is whole down to its first row.
    """

    head: dict[str, Any]
    rows: list[dict[str, Any]]
    is_cut: bool
    last_seq: int


def _messages_of(found: _Found) -> list[dict[str, Any]]:
    return [row for row in found.rows if row.get("kind") == Kind.MESSAGE]


def _page(
    stored: Callable[[Any, Any], Any], end: Callable[[Any], Any] = lambda head: head["seq"]
) -> Prepared:
    """Return the query for a head with the rows of its tail in a page after `above`, and then the stored rows of it.

    The head is read first, as entries that it no longer carries were flushed before. `stored` takes the parameter of
    the query and the last seq of the page: `until` or the head's `end`, whichever is less. The answer is a stream, so
    that it can be read in parts.
    """

    def page(head: Any, given: Any, until: Any) -> Any:
        tail = tail_after(head, given["above"]).filter(lambda row: row["seq"] <= until)
        first = r.expr([{"head": head.without("tail"), "tail": tail}])
        return first.union(stored(given, until), interleave=False)

    def both(head: Any, given: Any) -> Any:
        return r.expr([given["until"], end(head)]).min().do(lambda until: page(head, given, until))

    return Prepared(
        lambda given: (
            heads_table()
            .get(given["room_id"])
            .do(lambda head: r.branch(is_head(head), both(head, given), r.expr([])))
        )
    )


_LOG: Final = _page(lambda given, until: entries_after(given["room_id"], given["above"], until))


class _Read(NamedTuple):
    """How a page of the history is read: the kinds of its entries, its order, and the queries near a seq and far."""

    kinds: tuple[str, ...]
    newest_first: bool
    near: Prepared
    far: Prepared

    def end(self, head: dict[str, Any]) -> int:
        """Return the seq after which a log has nothing of this page."""
        last: int = head["message_seq"] if self.kinds == MESSAGES else max(head["message_seq"], _moved(head))
        return last if self.newest_first else head["seq"]


def _moved(head: dict[str, Any]) -> int:
    moved = head.get("moved")
    return moved if type(moved) is int else int(head["seq"])


def _newest(kinds: tuple[str, ...]) -> _Read:
    def end(head: Any) -> Any:
        if kinds == MESSAGES:
            return head["message_seq"]
        return r.expr([head["message_seq"], head["moved"].default(head["seq"])]).max()

    def query(find: Callable[..., Any]) -> Prepared:
        return _page(lambda given, until: find(given["room_id"], until, given["limit"], kinds), end)

    return _Read(kinds, newest_first=True, near=query(newest_near), far=query(newest_shown))


def _oldest(kinds: tuple[str, ...]) -> _Read:
    def query(find: Callable[..., Any]) -> Prepared:
        return _page(
            lambda given, until: find(given["room_id"], given["above"] + 1, until, given["limit"], kinds)
        )

    return _Read(kinds, newest_first=False, near=query(oldest_near), far=query(oldest_shown))


_READS: Final = {
    (kinds, newest_first): (_newest if newest_first else _oldest)(kinds)
    for kinds in (MESSAGES, ALL_SHOWN)
    for newest_first in (True, False)
}
_THREAD: Final = _page(
    lambda given, until: replies_after(given["room_id"], given["root"], given["above"], until, given["limit"])
)
_CHANGES: Final = _page(
    lambda given, _until: changes_of(given["places"]).union(
        replies_below(given["room_id"], given["roots"].nth(0), given["roots"].nth(1))
    )
)
_OF_KIND: Final = _page(
    lambda given, _until: changes_of(given["places"]).filter(lambda row: row["kind"] == given["kind"])
)
_AT: Final = _page(lambda given, _until: entries_at(given["room_id"], given["seqs"], given["spans"]))
