"""Appends to the rooms' logs on RethinkDB.

Each room has one document, the head, which numbers and deduplicates entries, and carries the newest ones in its tail.
One atomic update of the head appends a batch, and its answer is the ack. Later `Flusher` flushes entries from the tail
to the table `batches`; only flushed entries are trimmed from the tail. docs/decisions/0002 has the figures and the
rejected ways.
"""

import asyncio
import time
from collections import deque
from typing import Any, Final

import structlog

from api import failpoints
from api.errors import NotFound, RefConflict, Unavailable
from api.failpoints import Failpoint
from api.models.log import Appended, Draft, Kind
from api.store.cluster.acting import AT_ONCE
from api.store.cluster.append_query import (
    confirm_query,
    exact_append,
    head_query,
    look_query,
    relative_query,
    tails_at,
)
from api.store.cluster.batches import rows_at
from api.store.cluster.epochs import ClusterEpochs
from api.store.cluster.flusher import Flusher
from api.store.cluster.heads import KnownHead, KnownHeads, is_mark_of, read_head
from api.store.cluster.queries import NO_MARK, heads_table
from api.store.cluster.rows import entry_of, is_key, is_no_message, our_rows, row_of
from api.store.cluster.unflushed import Unflushed
from api.store.cluster.waiting import (
    Guard,
    Overtaken,
    Seen,
    Waiting,
    fail,
    guards_of,
    next_batch,
    seen_by_user,
)
from api.store.rethinkdb import Pool, r

MAX_TRIES: Final = 10
"""An append that something was in the way of is tried this often before it fails."""
CONTENDED_SECONDS: Final = 1.0
"""While another node appends to the same room, heads that this node knows are old at once. So it does not try for this
long to append to them."""
GATHER_SHARE: Final = 0.2
"""Wait this share of the last batch's duration before the next, so that senders who were just acked can join it.

Without this wait, fifty senders fall into two batches of twenty-five that alternate, and most of the database's cost is
per batch."""
MAX_GATHER_SECONDS: Final = 0.01
"""The wait by `GATHER_SHARE` is at most this long."""

log = structlog.get_logger("api.store")


class Appender:
    """Appends to the logs of all rooms."""

    def __init__(
        self, pool: Pool, unflushed: Unflushed, heads: KnownHeads, flusher: Flusher, epochs: ClusterEpochs
    ) -> None:
        self._pool = pool
        self._unflushed = unflushed
        self._heads = heads
        self._flusher = flusher
        self._epochs = epochs
        self._queues: dict[str, deque[Waiting]] = {}
        self._contended: dict[str, float] = {}  # by room, until when, in the time of `time.monotonic`
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def close(self) -> None:
        """Cancel everything that is under way. Appends that wait raise `Unavailable`."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for queue in self._queues.values():  # those of tasks that were cancelled before they began
            fail(queue, Unavailable("the store is closed"))
        self._queues.clear()

    async def append(
        self,
        room_id: str,
        draft: Draft,
        *,
        once: str | None = None,
        seen: Seen | None = None,
        guards: tuple[Guard, ...] = (),
    ) -> Appended:
        """Number and store an entry, together with the others that wait for this room; see `LogStore.append`.

        `once` is a key that no other entry may have; without it the key is made from user and ref. `seen` are
        memberships that must not have changed since they were read. If one has, raises `MembershipChanged`, and a new
        reading shows the change. If one of the `guards` does not hold, raises `TargetChanged`.
        """
        if self._closed:
            raise Unavailable("the store is closed")
        if not is_key(room_id):
            raise NotFound
        waiting = Waiting(
            row_of(room_id, draft, once),
            asyncio.get_running_loop().create_future(),
            seen,
            guards,
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
        if not self._epochs.is_compared:
            # A head that was set back would grow, and then nobody would notice that it is shorter than it was.
            raise Unavailable
        elsewhere = {
            row["id"]: row
            for waiting in batch
            if (row := self._unflushed.row(waiting.row["id"])) is not None and row["room_id"] != room_id
        }
        if elsewhere:
            # A user may use a ref only once over all rooms. One case is not noticed: another node has acked the ref
            # for another room, and has not yet flushed it, which may take two seconds: docs/decisions/0002.
            self._answer([waiting for waiting in batch if waiting.row["id"] in elsewhere], elsewhere, "", "")
            batch = [waiting for waiting in batch if waiting.row["id"] not in elsewhere]
        if not batch:
            return
        attempt = self._flusher.attempt()
        rows = list(
            {waiting.row["id"]: waiting.row | {"attempt": attempt} for waiting in reversed(batch)}.values()
        )[::-1]
        rows.sort(key=is_no_message)  # messages first, as relative_query requires
        failpoints.reached(Failpoint.BEFORE_APPEND)
        try:
            with self._unflushed.appending(attempt):
                stored, epoch = await self._stored(room_id, rows, batch)
        except Overtaken as overtaken:
            await self._flusher.flush(room_id)  # so that the callers see the change when they read again
            for waiting, error in overtaken.errors.items():
                fail([waiting], error)
            await self._append(room_id, [one for one in batch if one not in overtaken.errors])
            return
        failpoints.reached(Failpoint.AFTER_APPEND)
        self._answer(batch, stored, epoch, attempt)
        # Retries are flushed too: the node that appended them may have crashed before it flushed them.
        if unflushed := [row for row in stored.values() if self._is_unflushed(room_id, row)]:
            self._flusher.soon(room_id, at_once=any(row["kind"] in AT_ONCE for row in unflushed))

    async def _stored(
        self, room_id: str, rows: list[dict[str, Any]], batch: list[Waiting]
    ) -> tuple[dict[str, dict[str, Any]], str]:
        """Store these rows, except those whose id is taken. Returns the stored rows by id, and the epoch.

        Raises `Overtaken`.
        """
        seen, guards = seen_by_user(batch), guards_of(batch)
        found: dict[str, dict[str, Any]] = {}
        for _ in range(MAX_TRIES):
            fresh = [row for row in rows if row["id"] not in found]
            if not fresh:
                # Rows that were found are sure to be on disk only after a write.
                await self._pool.write(confirm_query(room_id))
                return found, self._flusher.mark(room_id).epoch
            numbered = await self._appended(room_id, fresh, seen, guards)
            if numbered is not None:
                return found | {row["id"]: row for row in numbered}, self._flusher.mark(room_id).epoch
            found |= await self._found(room_id, fresh, batch)
        raise Unavailable

    async def _appended(
        self, room_id: str, rows: list[dict[str, Any]], seen: dict[str, int], guards: list[Guard]
    ) -> list[dict[str, Any]] | None:
        """Append rows if nothing is in the way. Returns them numbered, or None if nothing was written."""
        is_plain = not any(is_no_message(row) for row in rows)
        if is_plain and not self._is_contended(room_id):
            head = self._heads.get(room_id) or await self._read_head(room_id)
            if all(guard.is_met_by(head) for guard in guards):
                return await self._append_exactly(room_id, head, rows, seen)
        mark = self._flusher.mark(room_id)
        if mark is NO_MARK:
            return None
        answer = await self._pool.run(relative_query(room_id, rows, mark, seen, guards))
        if answer is None:
            return None
        first = answer["first"]
        numbered = [row | {"seq": seq, "batch": first} for seq, row in enumerate(rows, first)]
        known = self._heads.get(room_id)
        is_newest = answer["seq"] == numbered[-1]["seq"]
        # A head that was set back may have grown to the same seq by other entries.
        before = answer["epoch"], first - 1, answer["before"]
        is_next = known is not None and (known.epoch, known.seq, known.attempt) == before
        if known is not None and is_next and is_newest and not _is_more(rows):
            known.grow(numbered, flushed=answer["flushed"], trimmed=answer["trimmed"])
            known.batch = known.batch_bytes = 0
        else:
            self._heads.drop(room_id)
        self._note(room_id, answer["epoch"], answer["flushed"], numbered)
        return numbered

    async def _append_exactly(
        self, room_id: str, head: KnownHead, rows: list[dict[str, Any]], seen: dict[str, int]
    ) -> list[dict[str, Any]] | None:
        """Append new messages to the head as it is known here. Returns None if it is another, or a ref is known."""
        if not head.may_append(rows, seen):
            return None
        exact = exact_append(room_id, head, rows, self._flushed_in(room_id, head.epoch))
        head.batch_bytes = exact.size + (head.batch_bytes if head.batch == exact.batch else 0)
        head.batch = exact.batch
        with self._heads.lent(room_id, head):  # until the answer tells that the head is as it was computed
            counts = await self._pool.run(exact.query)
        if counts is None:
            return None
        if counts["errors"]:
            raise Unavailable
        if not counts["replaced"]:
            self._contended[room_id] = time.monotonic() + CONTENDED_SECONDS
            return None
        head.grow(exact.rows, flushed=exact.flushed, trimmed=exact.trimmed)
        self._heads.put(room_id, head)
        self._note(room_id, head.epoch, exact.flushed, exact.rows)
        return exact.rows

    async def _read_head(self, room_id: str) -> KnownHead:
        """Read a head that this node does not know. What it says is compared when it is appended to."""
        return self._learned(room_id, await self._pool.run(head_query(room_id)))

    def _learned(self, room_id: str, row: dict[str, Any] | None) -> KnownHead:
        """Remember a head that was read. Raises `NotFound`, and `Unavailable` for one that we did not write."""
        if row is None or row.get("deleted"):
            self._heads.drop(room_id)
            raise NotFound
        try:
            mark = self._flusher.mark(room_id)
            if mark.epoch == row["epoch"] and not is_mark_of(mark, read_head(row, 0), our_rows(row["tail"])):
                self._flusher.forget()  # the database was set back
            head = read_head(row, self._flushed_in(room_id, row["epoch"]))
        except (KeyError, TypeError):
            raise Unavailable from None
        self._heads.put(room_id, head)
        return head

    async def _found(
        self, room_id: str, rows: list[dict[str, Any]], batch: list[Waiting]
    ) -> dict[str, dict[str, Any]]:
        """Look why rows could not be appended. Returns those that are stored already, by id. Raises `Overtaken`."""
        answer = await self._pool.run(look_query(room_id, [row["id"] for row in rows]))
        head = self._learned(room_id, answer["head"])
        self._flusher.note(room_id, head.epoch, head.flushed)
        ids = {row["id"] for row in rows}
        found = await self._referred(room_id, answer["refs"], head.seq)
        tail = our_rows(answer["head"]["tail"])
        found |= {row["id"]: row for row in tail if row["id"] in ids}
        errors = {
            one: error
            for one in batch
            if one.row["id"] not in found and (error := one.overtaken_by(head, tail)) is not None
        }
        if errors:
            raise Overtaken(errors)
        return found

    async def _referred(
        self, room_id: str, refs: list[dict[str, Any]], seq: int
    ) -> dict[str, dict[str, Any]]:
        """Return the rows to which these refs lead, by id. Removes refs that lead nowhere.

        A flush stores the refs first. So a row that is not flushed yet is looked for in the tail of its room, and once
        more among the flushed ones, as it may have left the tail meanwhile. If two nodes stored a ref in two rooms at
        the same time, it leads to both; this room's row counts. Its rows after the end of its log, which was at `seq`,
        are of an earlier life of the database.
        """
        found: dict[str, dict[str, Any]] = {}
        for look in (rows_at, tails_at, rows_at):
            left = [ref for ref in refs if ref["id"] not in found]
            if not left:
                break
            answer = await self._pool.run(look([place for ref in left for place in ref["places"]]))
            wanted = {ref["id"] for ref in left}
            rows = [row for row in answer if isinstance(row, dict) and row.get("id") in wanted]
            if any(row["room_id"] == room_id and row["seq"] > seq for row in rows):
                # The ref may be newer than the head was. A head that is read after it has the entry, if it lives.
                seq = await self._pool.run(heads_table().get(room_id)["seq"].default(0))
                rows = [row for row in rows if row["room_id"] != room_id or row["seq"] <= seq]
            rows.sort(key=lambda row: row["room_id"] == room_id)
            found |= {row["id"]: row for row in rows}
        for ref in refs:
            if ref["id"] not in found:  # it is of an earlier life of the database
                await self._pool.write(r.table("refs").get_all(ref["id"]).filter(ref).delete())
        return found

    def _note(self, room_id: str, epoch: str, flushed: int, rows: list[dict[str, Any]]) -> None:
        """Note rows that were appended."""
        self._flusher.note(room_id, epoch, flushed)
        self._unflushed.remember(room_id, epoch, rows)

    def _is_contended(self, room_id: str) -> bool:
        """Say whether another node was lately found to append to the same room."""
        until = self._contended.get(room_id)
        if until is not None and until < time.monotonic():
            del self._contended[room_id]
            return False
        return until is not None

    def _flushed_in(self, room_id: str, epoch: str) -> int:
        mark = self._flusher.mark(room_id)
        return mark.seq if mark.epoch == epoch else 0

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
        return bool(row["room_id"] == room_id and row["seq"] > self._flusher.mark(room_id).seq)


def _is_more(rows: list[dict[str, Any]]) -> bool:
    """Say whether these rows change more of a head than `KnownHead.grow` knows."""
    return any(row["kind"] == Kind.DELETE or row["data"].get("deleted") for row in rows)
