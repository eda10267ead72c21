"""Appends to the rooms' logs on RethinkDB, and flushes appended entries to the table `batches`.

Each room has one document, the head, which numbers and deduplicates entries, and carries the newest ones in its tail.
One atomic update of the head appends a batch, and its answer is the ack. Afterwards entries are flushed from the tail
to the table `batches`. Flushing is idempotent, and only flushed entries are trimmed from the tail. docs/decisions/0002
has the figures and the rejected ways.
"""

# ruff: noqa: D102 - the promises stand in `LogStore`

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from api import failpoints
from api.errors import Invalid, MembershipChanged, NotFound, RefConflict, Unavailable
from api.failpoints import Failpoint
from api.models.kinds import KINDS
from api.models.log import Appended, Draft, Entry, Head, History, Kind, Message, Timeline
from api.models.page import Page
from api.models.rooms import Member
from api.store.base.log import LogStore
from api.store.cluster.acting import require_allowed
from api.store.cluster.append_query import append_query, confirm_query, quick_query
from api.store.cluster.batches import erase_queries, flush_query
from api.store.cluster.epochs import ClusterEpochs
from api.store.cluster.pages import Pages
from api.store.cluster.pins import Pins, drop_query, keep_query
from api.store.cluster.queries import NO_MARK, Mark, project
from api.store.cluster.rows import Reader, acting_row, entry_of, is_key, is_no_message, row_of
from api.store.cluster.targets import Targets
from api.store.cluster.unflushed import Unflushed
from api.store.cluster.waiting import Overtaken, Seen, Waiting, fail, next_batch, seen_by_user
from api.store.reactors import reactors
from api.store.rethinkdb import Pool
from api.store.shape import require_shape

MAX_STALE: Final = 10
"""An append whose mark is too old is tried this often before it fails."""
GATHER_SHARE: Final = 0.2
"""Wait this share of the last batch's duration before the next, so that senders who were just acked can join it.

Without this wait, fifty senders fall into two batches of twenty-five that alternate, and most of the database's cost is
per batch."""
MAX_GATHER_SECONDS: Final = 0.01
"""The wait by `GATHER_SHARE` is at most this long."""
RETRY_SECONDS: Final = 0.2
MAX_RETRY_SECONDS: Final = 1.0
"""The pause between two attempts to flush grows from `RETRY_SECONDS` to this."""

log = structlog.get_logger("api.store")


class ClusterLog(LogStore):
    """The logs of all rooms: the appender writes them, the pages read them."""

    def __init__(
        self, pool: Pool, appender: "Appender", pages: Pages, pins: Pins, epochs: ClusterEpochs
    ) -> None:
        self._pool = pool
        self._appender = appender
        self._pages = pages
        self._pins = pins
        self._targets = Targets(pool, pages, pins)
        self._epochs = epochs

    async def append(
        self, room_id: str, draft: Draft, *, author: Member | None = None, epoch: str | None = None
    ) -> Appended:
        if draft.kind is Kind.MEMBER:
            raise Invalid("membership changes by joining and leaving")
        require_shape(draft)
        await require_allowed(self._pool, draft.kind)
        target, appended = draft.data.get("target"), None
        if isinstance(target, int):
            appended = await self._targets.standing(room_id, draft, target, epoch)
        if appended is None:
            seen = None if author is None else Seen(author.as_of, frozenset({author.user_id}))
            appended = await self._appender.append(room_id, draft, seen=seen)
        self._epochs.note(room_id, appended.epoch, appended.entry.seq)
        if KINDS[draft.kind].erases:
            await self._appender.flush(room_id)  # the flush erases the bodies
            if self._appender.flushed(room_id) < appended.entry.seq:
                raise Unavailable("an entry before it is for nodes of a newer version to carry out")
        return appended

    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        heads = await self._pages.heads(room_ids)
        for head in heads.values():
            self._epochs.note(head.room_id, head.epoch, head.seq)
        return heads

    async def entries(self, room_id: str, *, after: int, limit: int) -> list[Entry]:
        return await self._pages.log(room_id, after, limit)

    async def history(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> History:
        return await self._pages.history(room_id, before, after, limit)

    async def timeline(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> Timeline:
        return await self._pages.timeline(room_id, before, after, limit)

    async def changes_of(
        self, room_id: str, seq: int, kind: Kind, *, after: int = 0, limit: int
    ) -> list[Entry]:
        return await self._pages.changes_of(room_id, seq, kind, after, limit)

    async def reactors(
        self, room_id: str, seq: int, emoji: str, *, cursor: str | None, limit: int
    ) -> Page[Entry]:
        target = await self._pages.look_at(room_id, seq)
        changes = () if target is None else target.changes
        return reactors(room_id, seq, emoji, changes, cursor, limit)

    async def pins(self, room_id: str) -> list[Message]:
        seqs = await self._pins.of_room(room_id)
        found = await asyncio.gather(*(self._pages.message(room_id, seq) for seq in seqs))
        return [message for message in found if message is not None and not message.deleted]

    async def message(self, room_id: str, seq: int) -> Message | None:
        return await self._pages.message(room_id, seq)


@dataclass(slots=True)
class _Flush:
    """A room whose tail is being flushed, at least up to `seq`."""

    task: "asyncio.Task[None]"
    seq: int = 0


class Appender:
    """Appends to the logs of all rooms, and flushes what was appended."""

    def __init__(self, pool: Pool, reader: Reader, unflushed: Unflushed) -> None:
        self._pool = pool
        self._reader = reader
        self._unflushed = unflushed
        self._queues: dict[str, deque[Waiting]] = {}
        self._flushed: dict[str, Mark] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushes: dict[str, _Flush] = {}
        self._closed = False

    async def close(self) -> None:
        """Cancel everything that is under way. Appends that wait raise `Unavailable`."""
        self._closed = True
        tasks = [*self._tasks, *(flush.task for flush in self._flushes.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for queue in self._queues.values():  # those of tasks that were cancelled before they began
            fail(queue, Unavailable("the store is closed"))
        self._queues.clear()

    # -- appending

    async def append(
        self,
        room_id: str,
        draft: Draft,
        *,
        once: str | None = None,
        sent: Draft | None = None,
        seen: Seen | None = None,
    ) -> Appended:
        """Number and store an entry, together with the others that wait for this room; see `LogStore.append`.

        `once` is a key that no other entry may have; without it the key is made from user and ref. `sent` is what the
        author wrote, if less of it is stored; a retry is compared with it. `seen` are memberships that must not have
        changed since they were read. If one has, raises `MembershipChanged`, and a new reading shows the change.
        """
        if self._closed:
            raise Unavailable("the store is closed")
        if not is_key(room_id):
            raise NotFound
        waiting = Waiting(
            row_of(room_id, draft, sent or draft, once), asyncio.get_running_loop().create_future(), seen
        )
        queue = self._queues.get(room_id)
        if queue is None:
            self._queues[room_id] = queue = deque()
            task = asyncio.create_task(self._drain(room_id, queue), name="append")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        queue.append(waiting)
        return await asyncio.shield(waiting.answer)

    async def _drain(self, room_id: str, queue: deque[Waiting]) -> None:
        """Append batch after batch until nobody waits for this room."""
        batch: list[Waiting] = []
        try:
            await asyncio.sleep(0)  # so that all appends of this turn of the event loop join the batch
            while queue:
                batch = next_batch(queue)
                began = time.monotonic()
                try:
                    await self._append(room_id, batch)
                except Exception as error:
                    if not isinstance(error, NotFound | Unavailable):
                        log.exception("append_failed")
                        error = Unavailable()
                    fail(batch, error)
                if queue:
                    took = time.monotonic() - began
                    await asyncio.sleep(min(GATHER_SHARE * took, MAX_GATHER_SECONDS))
        finally:
            fail([*batch, *queue], Unavailable("the store is closed"))
            queue.clear()
            if self._queues.get(room_id) is queue:
                del self._queues[room_id]

    async def _append(self, room_id: str, batch: list[Waiting]) -> None:
        elsewhere = {
            row["id"]: row
            for waiting in batch
            if (row := self._unflushed.row(waiting.row["id"])) is not None and row["room_id"] != room_id
        }
        if elsewhere:
            # A user may use a ref only once over all rooms. One case is not noticed: another node has acked the ref
            # for another room, and has not yet flushed it, which takes a few milliseconds: docs/decisions/0002.
            self._answer([waiting for waiting in batch if waiting.row["id"] in elsewhere], elsewhere, "", "")
            batch = [waiting for waiting in batch if waiting.row["id"] not in elsewhere]
        if not batch:
            return
        attempt = secrets.token_urlsafe(8)
        rows = list(
            {waiting.row["id"]: waiting.row | {"attempt": attempt} for waiting in reversed(batch)}.values()
        )[::-1]
        rows.sort(key=is_no_message)  # messages first, as append_query requires
        failpoints.reached(Failpoint.BEFORE_APPEND)
        try:
            with self._unflushed.appending(attempt):
                stored, epoch = await self._stored(room_id, rows, batch)
        except Overtaken as overtaken:
            await self.flush(room_id)  # so that the callers see the change when they read again
            fail(overtaken.waiting, MembershipChanged())
            await self._append(room_id, [one for one in batch if one not in overtaken.waiting])
            return
        failpoints.reached(Failpoint.AFTER_APPEND)
        self._answer(batch, stored, epoch, attempt)
        # Retries are flushed too: the node that appended them may have crashed before it flushed them.
        if unflushed := [row["seq"] for row in stored.values() if self._is_unflushed(room_id, row)]:
            self._flush_soon(room_id, max(unflushed))

    async def _stored(
        self, room_id: str, rows: list[dict[str, Any]], batch: list[Waiting]
    ) -> tuple[dict[str, dict[str, Any]], str]:
        """Store these rows, except those whose id is taken. Returns the stored rows by id, and the epoch.

        Raises `Overtaken`.
        """
        sent = {row["id"]: row for row in rows}
        seen = seen_by_user(batch)
        if quickly := await self._stored_quickly(room_id, rows, seen):
            return quickly
        for _ in range(MAX_STALE):
            mark = self._flushed.get(room_id, NO_MARK)
            answer = await self._pool.run(append_query(room_id, rows, mark, seen))
            if answer["missing"]:
                raise NotFound
            if answer["errors"]:
                raise Unavailable
            if mark.epoch == answer["epoch"] and mark.seq > answer["seq"]:
                self.forget()  # the database was set back, so the mark is wrong
            self._mark(room_id, answer["epoch"], answer["flushed"])
            # If two nodes stored a ref in two rooms at the same time, it is in both; this room's row counts.
            found = sorted(answer["found"], key=lambda row: row.get("room_id") == room_id)
            stored = {row["id"]: sent[row["id"]] | row for row in [*found, *answer["known"]]}
            if len(stored) == len(rows):
                if not answer["written"]:  # rows that were found are sure to be on disk only after a write
                    await self._pool.write(confirm_query(room_id))
                self._remember(room_id, answer["epoch"], stored)
                return stored, answer["epoch"]
            if overtaken := [waiting for waiting in batch if waiting.is_overtaken(answer)]:
                raise Overtaken(overtaken)
        raise Unavailable

    async def _stored_quickly(
        self, room_id: str, rows: list[dict[str, Any]], seen: dict[str, int]
    ) -> tuple[dict[str, dict[str, Any]], str] | None:
        """Store these rows as `_stored` does, if they are new messages that pass every check; else return None."""
        mark = self._flushed.get(room_id, NO_MARK)
        if mark is NO_MARK or any(row["kind"] != Kind.MESSAGE for row in rows):
            return None
        answer = await self._pool.run(quick_query(room_id, rows, mark, seen))
        if answer is None:
            return None
        self._mark(room_id, answer["epoch"], answer["flushed"])
        stored = {row["id"]: row | {"seq": seq} for seq, row in enumerate(rows, answer["first"])}
        self._remember(room_id, answer["epoch"], stored)
        return stored, answer["epoch"]

    def _remember(self, room_id: str, epoch: str, stored: dict[str, dict[str, Any]]) -> None:
        rows = [row for row in stored.values() if self._is_unflushed(room_id, row)]
        self._unflushed.remember(room_id, epoch, rows)

    @staticmethod
    def _answer(batch: list[Waiting], stored: dict[str, dict[str, Any]], epoch: str, attempt: str) -> None:
        given: set[str] = set()
        for waiting in batch:
            row = stored[waiting.row["id"]]
            if waiting.answer.done():
                continue
            if row["digest"] != waiting.row["digest"]:
                waiting.answer.set_exception(RefConflict())
                continue
            is_new = row.get("attempt") == attempt and row["id"] not in given
            given.add(row["id"])
            waiting.answer.set_result(Appended(entry_of(row), epoch, is_new))

    def _is_unflushed(self, room_id: str, row: dict[str, Any]) -> bool:
        return bool(row["room_id"] == room_id and row["seq"] > self.flushed(room_id))

    def flushed(self, room_id: str) -> int:
        """Return the seq up to which this node knows that a room is flushed, and its entries carried out."""
        return self._flushed.get(room_id, NO_MARK).seq

    def forget(self) -> None:
        """Forget which entries are flushed and which are not, because the database was set back."""
        self._flushed.clear()
        self._unflushed.forget_all()

    # -- flushing

    def _flush_soon(self, room_id: str, seq: int) -> None:
        flush = self._flushes.get(room_id)
        if flush is None:
            task = asyncio.create_task(self._flush_all(room_id), name="flush")
            flush = self._flushes[room_id] = _Flush(task)
        flush.seq = max(flush.seq, seq)

    async def _flush_all(self, room_id: str) -> None:
        """Flush until nothing is left to flush. The next append writes into the head how far that is."""
        flush = self._flushes[room_id]
        pause = RETRY_SECONDS
        try:
            while self.flushed(room_id) < (wanted := flush.seq):
                try:
                    await self.flush(room_id)
                    pause = RETRY_SECONDS
                    if flush.seq == wanted:
                        break  # also if the head has fewer entries, as when the database was set back
                except Exception as error:
                    if not isinstance(error, Unavailable):
                        log.exception("flush_failed")
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, MAX_RETRY_SECONDS)
        finally:
            del self._flushes[room_id]  # without an await since `seq` was read, so no append was missed

    async def flush(self, room_id: str) -> None:
        """Copy the tail durably to `batches`, and carry out the entries that act. Idempotent.

        Stops before the batch with the first entry that acts and whose kind this version does not know; see `acting`.
        """
        mark = self._flushed.get(room_id, NO_MARK)
        epoch, newest = self._unflushed.newest(room_id)
        failpoints.reached(Failpoint.BEFORE_FLUSH)
        answer = await self._pool.run(flush_query(room_id, mark))
        if answer is None:
            return
        if answer["errors"]:
            raise Unavailable
        if answer["epoch"] == epoch and answer["seq"] < newest:
            self.forget()  # the database was set back
        failpoints.reached(Failpoint.AFTER_FLUSH)
        for row in self._reader.read(answer["acting"], acting_row):
            await self._act(row)
        self._mark(room_id, answer["epoch"], answer["until"])

    def _mark(self, room_id: str, epoch: str, seq: int) -> None:
        """Remember the seq up to which a room is flushed. What was remembered of another epoch is dropped."""
        mark = self._flushed.get(room_id, NO_MARK)
        self._flushed[room_id] = mark = Mark(epoch, max(seq, mark.seq) if mark.epoch == epoch else seq)
        self._unflushed.forget(room_id, *mark)

    async def _act(self, row: dict[str, Any]) -> None:
        """Carry out one entry: copy a `member` to `members` or a `pin` to `pins`, or erase what a `delete` deletes."""
        if row["kind"] == Kind.MEMBER:
            await self._pool.write(project(row))
        elif row["kind"] == Kind.DELETE:
            for erase in erase_queries(row["room_id"], row["data"]["target"]):
                await self._pool.write(erase)
            await self._pool.write(drop_query(row))
        elif row["kind"] == Kind.PIN:
            await self._pool.write(keep_query(row))
