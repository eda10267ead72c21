"""Counts unread messages on RethinkDB.

They are counted in the tails of the heads, and in `batches` where a tail does not reach back far enough. A batch tells
who wrote each of its messages, and the table `mentions` which of them mention whom, so no bodies are read.
"""

import asyncio
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from math import ceil
from typing import Any, Final, NamedTuple

from api.models.log import Kind
from api.models.rooms import MAX_UNREAD, Unread
from api.store.cluster.batches import authors_between, next_authors
from api.store.cluster.mention_rows import seqs_between
from api.store.cluster.queries import heads_table, is_head, tail_after
from api.store.rethinkdb import Pool, Prepared, r
from api.store.unread import MAX_LOOKED, unread

ROOMS: Final = 10
"""One query looks into this many rooms. Each costs the database a millisecond or two, whatever is in it."""
QUERIES: Final = 2
"""At most this many queries of a node count at once. So many who ask at once wait for each other, and sends do not."""
NEAR: Final = 1_000
"""The first query reads this many entries of each room. So most counts, which end at `MAX_UNREAD`, take one query."""
BATCHES: Final = 200
"""Every further query reads this many batches that have messages, in one room."""


class Span(NamedTuple):
    """The entries of a room after the seq `after`, up to the seq `until`."""

    after: int
    until: int


class UnreadCounts:
    """Counts the unread messages of a user in many rooms at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turns = asyncio.Semaphore(QUERIES)

    async def of(
        self, user_id: str, spans: Mapping[str, Span], blocked: frozenset[str] = frozenset()
    ) -> dict[str, Unread]:
        """Return what is unread to a user in these spans, by room id. Rooms without a head are left out.

        `blocked` are the ids of those whom the user has blocked: they mention nobody.
        """
        silent = frozenset({user_id, *blocked})
        counts = dict[str, Unread]()
        rooms = iter(spans)
        while some := list(islice(rooms, ROOMS)):
            given = {room_id: spans[room_id]._asdict() for room_id in some}
            asked = {"user": user_id, "silent": [*silent], "rooms": some, "spans": given, "near": NEAR}
            for head in await self._run(_SPANS(asked)):
                counts[head["id"]] = await self._count(_Count(user_id, silent, head, spans[head["id"]]))
        return counts

    async def _count(self, count: "_Count") -> Unread:
        while not count.is_done:
            place = {"room_id": count.room_id, "first": count.after + 1, "until": count.until}
            count.add(await self._run(_NEXT(place | {"limit": BATCHES})))
        return count.unread()

    async def _run(self, query: Any) -> Any:
        async with self._turns:
            return await self._pool.run(query)


class _Count:
    """What has been found so far in one room. `until` is the last seq that must be looked for in `batches`."""

    def __init__(self, user_id: str, silent: Container[str], head: dict[str, Any], span: Span) -> None:
        self.room_id: str = head["id"]
        self.after = span.after
        self.until = min(head["trimmed"], span.until)
        self._user_id = user_id
        tail = [row for row in head["tail"] if type(row.get("seq")) is int and row["seq"] <= span.until]
        self._deleted = {_target(row) for row in tail if row.get("kind") == Kind.DELETE}
        self._in_tail = [
            (row["seq"], row.get("user_id"))
            for row in tail
            if row.get("kind") == Kind.MESSAGE and not row.get("erased")
        ]
        self._mentions = mentions_of(user_id, silent, head["mentions"], tail, span)
        self._stored = dict[int, Any]()  # the author of each message by its seq, None for every other entry
        self._take(head["batches"])
        self.after = min(span.after + NEAR, self.until)

    def add(self, batches: list[tuple[int, list[Any]]]) -> None:
        """Add the next batches, which are all that are left if they are fewer than `BATCHES`."""
        self._take(batches)
        self.after = self.until
        if len(batches) >= BATCHES:
            first, authors = batches[-1]
            self.after = ceil(first) + len(authors) - 1

    def _take(self, batches: Iterable[tuple[int, list[Any]]]) -> None:
        # Of two rows with the same seq, the one whose batch begins first counts. We write only whole numbers as seqs.
        for first, authors in sorted(batches, key=lambda batch: batch[0]):
            for seq, author in enumerate(authors, ceil(first)):
                if self.after < seq <= self.until:
                    self._stored.setdefault(seq, author)

    @property
    def is_done(self) -> bool:
        """Say whether enough of `batches` has been read."""
        if self.after >= self.until:
            return True
        messages = self._messages()
        return (
            len(messages) >= MAX_LOOKED or unread(messages, self._deleted, self._user_id).count == MAX_UNREAD
        )

    def unread(self) -> Unread:
        """Return the count of what has been found."""
        counted = unread([*self._messages(), *self._in_tail], self._deleted, self._user_id)
        return replace(counted, mention_count=min(len(self._mentions), MAX_UNREAD))

    def _messages(self) -> list[tuple[int, Any]]:
        return [(seq, author) for seq, author in sorted(self._stored.items()) if author is not None]


def of_end(
    user_id: str, blocked: Iterable[str], room_id: str, end: Iterable[dict[str, Any]], span: Span
) -> Unread:
    """Return what is unread to a user in a span, by all rows of its entries."""
    rows = [row for row in end if row["seq"] > span.after]
    head = {"id": room_id, "trimmed": span.after, "tail": rows, "batches": [], "mentions": []}
    return _Count(user_id, {user_id, *blocked}, head, span).unread()


def mentions_of(
    user_id: str,
    silent: Container[str],
    stored: Iterable[int],
    tail: Iterable[dict[str, Any]],
    span: Span,
) -> set[int]:
    """Return the seqs of the messages in a span that mention a user. Who is `silent` mentions them never.

    `stored` are those of the table as of any entry of the tail, or the one before. The rows of the tail come in the
    order of their seqs, and what they say of a message counts.
    """
    found = set(stored)
    for row in tail:
        seq = row["seq"] if row.get("kind") == Kind.MESSAGE else _target(row)
        if row.get("kind") not in {Kind.MESSAGE, Kind.EDIT, Kind.DELETE} or type(seq) is not int:
            continue
        found.discard(seq)
        if span.after < seq <= span.until and row.get("user_id") not in silent and _names(row, user_id):
            found.add(seq)
    return found


def _names(row: dict[str, Any], user_id: str) -> bool:
    """Say whether a row of a message or an edit mentions a user, or everybody."""
    data = row.get("data")
    if not isinstance(data, dict):
        return False
    named = data.get("mentions")
    return data.get("mentions_all") is True or (isinstance(named, list) and user_id in named)


def _target(row: dict[str, Any]) -> Any:
    data = row.get("data")
    return data.get("target") if isinstance(data, dict) else None


def _spans(given: Any) -> Any:
    """Return the heads of rooms, each with the newest entries of its span and the batches of the oldest."""

    def span(head: Any, after: Any, until: Any) -> Any:
        rows = tail_after(head, after)
        data = dict.fromkeys(("target", "mentions", "mentions_all"), True)
        shown = rows.pluck("seq", "kind", "user_id", "erased", {"data": data})
        last = r.expr([head["trimmed"], until, after + given["near"]]).min()
        # The head was read first. So the entries that its tail lacks are in `batches`.
        batches = r.branch(after < last, authors_between(head["id"], after + 1, last), [])
        known = r.expr([head["trimmed"], until]).min()
        limit = MAX_UNREAD + rows.count()
        mentions = seqs_between(
            head["id"], given["user"], given["silent"], first=after + 1, last=known, limit=limit
        )
        found = {"mentions": r.branch(after < known, mentions, [])}
        return head.pluck("id", "trimmed").merge({"tail": shown, "batches": batches, **found})

    def whole(head: Any) -> Any:
        return given["spans"][head["id"]].do(lambda asked: span(head, asked["after"], asked["until"]))

    heads = heads_table().get_all(r.args(given["rooms"])).filter(is_head).coerce_to("array")
    return heads.map(whole)


def _next(given: Any) -> Any:
    return next_authors(given["room_id"], given["first"], given["until"], given["limit"])


_SPANS: Final = Prepared(_spans)
_NEXT: Final = Prepared(_next)
