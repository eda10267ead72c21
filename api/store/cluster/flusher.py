"""Flushes entries from the tails of heads to the table `batches`, and carries out those that act.

An entry is durable in its head, so it need not be flushed at once: one flush of many entries costs the database far
less than many of one. What acts is flushed at once. A flush may be repeated, also by another node.
"""

import asyncio
import secrets
from collections.abc import Iterable
from itertools import count
from typing import Any, Final, NamedTuple

import structlog

from api import failpoints
from api.errors import Unavailable
from api.failpoints import Failpoint
from api.models.log import Kind
from api.store.cluster.acting import AT_ONCE
from api.store.cluster.batches import erase_query
from api.store.cluster.effects import Effects, effects_of
from api.store.cluster.flush_query import (
    documents,
    known_part,
    refs_of,
    store_query,
    stored_query,
    unflushed_query,
)
from api.store.cluster.folds import Folds
from api.store.cluster.heads import MAX_BATCH_BYTES, MAX_BATCH_ROWS, KnownHeads, is_mark_of, read_head
from api.store.cluster.mention_rows import note_query
from api.store.cluster.pins import drop_query, keep_query
from api.store.cluster.queries import NO_MARK, Mark, heads_table, project, project_room
from api.store.cluster.rows import Reader, our_rows
from api.store.cluster.unflushed import Unflushed
from api.store.rethinkdb import Pool, r

FLUSH_SECONDS: Final = 2.0
"""The oldest entry that is not flushed waits about this long."""
TOGETHER_SECONDS: Final = 0.5
"""Rooms whose flushes are due within this time are flushed by one query."""
MAX_ROOMS: Final = 50
"""One query flushes at most so many rooms."""
ERASED_TOGETHER: Final = 100
"""One query erases so many deleted messages."""
RETRY_SECONDS: Final = 0.2
MAX_RETRY_SECONDS: Final = 1.0
"""The pause between two attempts to flush grows from `RETRY_SECONDS` to this."""
CLOSE_SECONDS: Final = 2.0
"""A store that is closed tries this long to flush what is left. If it cannot, the next node does."""

log = structlog.get_logger("api.store")


class _Remembered(NamedTuple):
    """What this node remembers of a room that it may flush without reading the head."""

    room_id: str
    epoch: str
    rows: list[dict[str, Any]]
    open_batch: int | None
    """The first seq of the batch that an append under way may still add to."""

    def proof(self) -> dict[str, Any]:
        return {
            "room_id": self.room_id,
            "epoch": self.epoch,
            "after": self.rows[0]["seq"] - 1,
            "until": self.rows[-1]["seq"],
            "attempts": [row["attempt"] for row in self.rows],
        }


class Flusher:
    """Flushes the rooms of one node. It knows how far each is flushed, and has one task while anything is due."""

    def __init__(
        self, pool: Pool, reader: Reader, unflushed: Unflushed, heads: KnownHeads, folds: Folds
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._folds = folds
        self._unflushed = unflushed
        self._heads = heads
        self._node = secrets.token_urlsafe(6)
        self._attempts = count(1)
        self._marks: dict[str, Mark] = {}
        self._due: dict[str, float] = {}  # by room, in the time of the event loop
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._flushes: dict[str, asyncio.Task[None]] = {}  # by room

    def attempt(self) -> str:
        """Return a name for an append that no other append has."""
        return f"{self._node}-{next(self._attempts):x}"

    def is_ours(self, attempt: str) -> bool:
        """Say whether an append is of this node."""
        return attempt.startswith(f"{self._node}-")

    async def close(self) -> None:
        """Flush what is left, if that is possible soon, and end the task."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while self._due:
                    await self._flush_together(self._taken(float("inf")))
        except (TimeoutError, Unavailable):
            log.info("left_unflushed", rooms=len(self._due))
        tasks = [*self._flushes.values(), *([] if self._task is None else [self._task])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # -- marks

    def mark(self, room_id: str) -> Mark:
        """Return the seq up to which this node knows a room to be flushed, and its entries carried out."""
        return self._marks.get(room_id, NO_MARK)

    def note(self, room_id: str, epoch: str, seq: int, attempt: str = "") -> None:
        """Remember the seq up to which a room is flushed, and the append of the entry there; see `Mark`.

        What was remembered of another epoch is dropped.
        """
        mark = self.mark(room_id)
        if mark.epoch != epoch or mark.seq < seq:
            self._marks[room_id] = mark = Mark(epoch, seq, attempt)
        self._unflushed.forget(room_id, epoch, mark.seq)
        if (head := self._heads.get(room_id)) is not None and head.epoch == epoch:
            head.forget_flushed(mark.seq)

    def forget(self) -> None:
        """Forget what is flushed and what is not, because the database was set back."""
        self._marks.clear()
        self._unflushed.forget_all()
        self._heads.forget_all()

    # -- flushing later

    def soon(self, room_id: str, *, at_once: bool = False) -> None:
        """Flush a room later, but at once if that is asked for, or if enough of it is not flushed."""
        now = asyncio.get_running_loop().time()
        rows, size = self._unflushed.amount(room_id)
        if at_once or rows >= MAX_BATCH_ROWS or size >= MAX_BATCH_BYTES:
            self._put_off(room_id, now)
        else:
            self._put_off(room_id, (now + FLUSH_SECONDS) // TOGETHER_SECONDS * TOGETHER_SECONDS)

    def _put_off(self, room_id: str, due: float) -> None:
        self._due[room_id] = min(due, self._due.get(room_id, due))
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush_all(), name="flush")

    def _taken(self, now: float) -> list[str]:
        rooms = [room_id for room_id, due in self._due.items() if due <= now][:MAX_ROOMS]
        for room_id in rooms:
            del self._due[room_id]
        return rooms

    async def _flush_all(self) -> None:
        """Flush what is due until nothing is left."""
        pause = RETRY_SECONDS
        loop = asyncio.get_running_loop()
        while self._due:
            self._wake.clear()
            rooms = self._taken(loop.time())
            if not rooms:
                try:
                    async with asyncio.timeout_at(min(self._due.values())):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                continue
            try:
                await self._flush_together(rooms)
                pause = RETRY_SECONDS
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("flush_failed")
                for room_id in rooms:
                    self._put_off(room_id, loop.time() + pause)
                pause = min(2 * pause, MAX_RETRY_SECONDS)

    async def _flush_together(self, rooms: Iterable[str]) -> None:
        """Flush these rooms, as many as possible by one query. Raises `Unavailable`."""
        remembered = {room_id: self._remembered(room_id) for room_id in rooms}
        known = [one for one in remembered.values() if one is not None]
        lost = [room_id for room_id, one in remembered.items() if one is None]
        if known:
            failpoints.reached(Failpoint.BEFORE_FLUSH)
            batches = [batch for one in known for batch in documents(one.room_id, one.rows)]
            if await self._write(batches, [one.proof() for one in known]):
                lost = [*remembered]  # nothing was written
            else:
                failpoints.reached(Failpoint.AFTER_FLUSH)
                for one in known:
                    effects = effects_of(one.rows, self._reader)
                    await self._carry_out(one.room_id, one.epoch, effects, one.rows[-1]["seq"])
                    self._note_end(one.room_id, one.epoch, one.rows, one.rows[-1]["seq"], one.open_batch)
        if lost:
            await asyncio.gather(*map(self._flush_once, lost))

    def _remembered(self, room_id: str) -> _Remembered | None:
        """Return what is not flushed of a room, if this node has appended it all, and nothing must be done at once."""
        mark = self.mark(room_id)
        epoch, rows = self._unflushed.after(room_id, mark.seq)
        if not rows or epoch != mark.epoch:
            return None
        if any(row["kind"] in AT_ONCE or not self.is_ours(row["attempt"]) for row in rows):
            return None
        return _Remembered(room_id, epoch, rows, self._heads.end_batch(room_id))

    async def _write(self, batches: list[dict[str, Any]], proofs: list[dict[str, Any]]) -> list[str]:
        """Store batches and their refs. Returns the rooms for which the proofs fail. Raises `Unavailable`."""
        answer = await self._pool.run(store_query(batches, refs_of(batches), proofs))
        if answer["errors"]:
            raise Unavailable
        return list(answer["lost"])

    # -- flushing now

    async def carry_out(self, room_id: str, epoch: str, seq: int) -> bool:
        """Flush a room, unless this is under way, and return whether its entries up to `seq` are carried out.

        They are not where an entry before acts, and this version does not know its kind. Raises `Unavailable`.
        """
        if not self._is_carried_out(room_id, epoch, seq):
            await self._flush_once(room_id)  # which may have begun before the entry was stored
        if not self._is_carried_out(room_id, epoch, seq):
            await self._flush_once(room_id)
        return self._is_carried_out(room_id, epoch, seq)

    def _is_carried_out(self, room_id: str, epoch: str, seq: int) -> bool:
        mark = self.mark(room_id)
        return mark.epoch == epoch and mark.seq >= seq

    async def _flush_once(self, room_id: str) -> None:
        """Flush a room as `flush` does, or wait for the flush that others have begun. Raises `Unavailable`."""
        task = self._flushes.get(room_id)
        if task is None:
            task = self._flushes[room_id] = asyncio.create_task(self.flush(room_id), name=f"flush-{room_id}")
            task.add_done_callback(lambda ended: self._forget_flush(room_id, ended))
        await asyncio.shield(task)

    def _forget_flush(self, room_id: str, ended: asyncio.Task[None]) -> None:
        del self._flushes[room_id]
        if not ended.cancelled():
            ended.exception()  # asyncio logs an error that nobody takes, and whoever waited may be gone

    async def flush(self, room_id: str) -> None:
        """Copy the tail of a room durably to `batches`, and carry out the entries that act. Idempotent.

        Stops before the batch with the first entry that acts and whose kind this version does not know; see `acting`.
        Raises `Unavailable`.
        """
        mark = self.mark(room_id)
        epoch, newest = self._unflushed.newest(room_id)
        open_batch = self._heads.end_batch(room_id)
        failpoints.reached(Failpoint.BEFORE_FLUSH)
        row = await self._pool.run(heads_table().get(room_id))
        heads = self._reader.read([] if row is None else [row], lambda row: read_head(row, 0))
        if not heads:
            return
        head = heads[0]
        tail = our_rows(row["tail"])
        is_marked = is_mark_of(mark, head, tail)
        if (head.epoch == epoch and head.seq < newest) or (head.epoch == mark.epoch and not is_marked):
            self.forget()  # the database was set back
        flushed = max(head.flushed, mark.seq if is_marked else 0)
        batches = documents(room_id, tail)
        known = [batch for batch in known_part(batches) if batch["rows"][-1]["seq"] > flushed]
        if missing := await self._missing(known):
            await self._write(missing, [])
        failpoints.reached(Failpoint.AFTER_FLUSH)
        if known:
            effects = effects_of((row for batch in known for row in batch["rows"]), self._reader)
            await self._carry_out(room_id, head.epoch, effects, known[-1]["rows"][-1]["seq"])
        self._note_end(room_id, head.epoch, tail, self._end_of(known, flushed, head.seq), open_batch)

    def _note_end(
        self, room_id: str, epoch: str, rows: list[dict[str, Any]], seq: int, open_batch: int | None
    ) -> None:
        """Note that a room is flushed up to a seq, but only up to the batch that an append under way may add to."""
        end = seq if open_batch is None else min(seq, open_batch - 1)
        self.note(room_id, epoch, end, next((row["attempt"] for row in rows if row["seq"] == end), ""))

    async def _missing(self, batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return those of these batches that are not stored, or not with all their rows, or are of another life."""
        if not batches:
            return []
        found = await self._pool.run(stored_query([batch["id"] for batch in batches]))
        attempts = {(room_id, seq): stored for room_id, seq, stored in found}

        def is_stored(batch: dict[str, Any]) -> bool:
            last = len(batch["rows"]) - 1
            stored = attempts.get((*batch["id"],), [])[last : last + 1]
            return bool(stored == [batch["rows"][last]["attempt"]])

        return [batch for batch in batches if not is_stored(batch)]

    def _end_of(self, stored: list[dict[str, Any]], flushed: int, seq: int) -> int:
        """Return the seq up to which a room is flushed for good, after these batches were stored."""
        if not stored:
            return flushed
        rows = stored[-1]["rows"]
        last, last_seq = rows[-1], int(rows[-1]["seq"])
        is_whole = "batch" not in last or last["kind"] != Kind.MESSAGE or len(rows) >= MAX_BATCH_ROWS
        if is_whole or last_seq < seq or self.is_ours(last["attempt"]):
            return last_seq
        # Another node may still add to its batch, and whoever then flushes it must have all of it.
        return max(flushed, int(rows[0]["seq"]) - 1)

    async def _carry_out(self, room_id: str, epoch: str, effects: Effects, until: int) -> None:
        """Write what a flush up to the seq `until` writes beside its batches."""
        for row in effects.acting:
            await self._act(row)
        targets = sorted(effects.deletes)
        for n in range(0, len(targets), ERASED_TOGETHER):
            some = {target: effects.deletes[target] for target in targets[n : n + ERASED_TOGETHER]}
            await asyncio.gather(
                self._pool.write(erase_query(room_id, list(some))),
                self._pool.write(drop_query(room_id, some)),
            )
        if effects.mentions:
            await self._pool.write(note_query(effects.mentions))
        if effects.changed:
            await self._folds.note(room_id, epoch, effects.changed, until)

    async def _act(self, row: dict[str, Any]) -> None:
        """Carry out one entry that is no `delete`: copy a `member`, `room` or `pin` to its table."""
        if row["kind"] == Kind.MEMBER:
            await self._pool.write(project(row))
        elif row["kind"] == Kind.PIN:
            await self._pool.write(keep_query(row))
        elif row["kind"] == Kind.ROOM:
            await self._pool.write(project_room(row))

    # -- what dead nodes have left

    async def flush_left(self) -> None:
        """Flush every room whose newest entries nobody has flushed, as after the death of a node."""
        last: Any = r.minval
        while last is not None:
            answer = await self._pool.run(unflushed_query(last))
            for room_id in answer["rooms"]:
                await self.flush(room_id)
            last = answer["last"]
