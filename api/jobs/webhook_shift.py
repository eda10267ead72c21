"""Posts to webhooks under one lease: knows how far each has come, and starts those that have something to do."""

import asyncio
import heapq
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import structlog

from api.errors import LeaseLost, Unavailable
from api.jobs.posting import Post, WebhookCounts
from api.jobs.room_pages import RoomPage, RoomPages
from api.jobs.schedule import GivenUp, Pauses, Waits, outcome_of, retry_after_ms, verdict_on
from api.jobs.standard_webhooks import Letter, headers_of, letter_of, reset_of
from api.jobs.webhook_line import RESET_SEQ, WebhookLine
from api.models.accounts import Audited, Record
from api.models.changes import Grown, Tell, WebhookPaused
from api.models.followers import Lease, Progress
from api.models.rooms import Role
from api.models.webhooks import Delivery, PausedBy, Webhook
from api.store.base.store import Store

AT_ONCE: Final = 400
"""So many posts are under way at the same time. One that gets no answer takes its place for 15 s at most."""
OF_ONE_AT_ONCE: Final = 100
"""So many of them are to webhooks that one user has made, so that their slow receivers keep only their own waiting."""
SLICE: Final = 500
"""So many webhooks are read by one query."""
WRITE_SECONDS: Final = 1.0
MOST_UNWRITTEN: Final = 100
"""A position is stored at the latest after this many entries or this time."""
LOOK_SECONDS: Final = 60.0
"""How often all webhooks are read again, by two queries for each `SLICE`, as a signal of a change may be lost."""
MAX_NOTED: Final = 10_000
"""So many attempts wait to be stored for the list of deliveries; those beyond are left out of it."""
FAILED_MS: Final = 60_000
"""A webhook with which this process itself fails is tried again after this time."""

log = structlog.get_logger("api.webhooks")


class WebhookShift:
    """The posting to all webhooks under one lease, and what is remembered of them meanwhile."""

    def __init__(  # noqa: PLR0913  what it works with
        self,
        store: Store,
        lease: Lease,
        counts: WebhookCounts,
        *,
        post: Post,
        record: Record,
        tell: Tell,
        clock: Callable[[], int],
    ) -> None:
        self.lines: dict[str, WebhookLine] = {}
        self._store = store
        self._counts = counts
        self._post = post
        self._record = record
        self._tell = tell
        self._clock = clock
        self._lease = lease
        self._of_room: defaultdict[str, set[str]] = defaultdict(set)
        self._pages = RoomPages(store)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._slots_of = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(OF_ONE_AT_ONCE))
        self._group = asyncio.TaskGroup()
        self._ready: deque[WebhookLine] = deque()
        self._came = asyncio.Event()
        self._due: list[tuple[int, str]] = []  # a heap of when waiting webhooks are tried again
        self._sooner = asyncio.Event()
        self._noted: list[Delivery] = []
        self._changed: set[str] = set()
        self._grown: dict[str, int] | None = None  # while heads are read: the rooms that grow meanwhile
        self._must_compare = True
        self._must_read = asyncio.Event()
        self._must_read.set()

    # -- called by the feed

    def wake(self, grown: Grown) -> None:
        """Take note of a room that has grown."""
        self._pages.outdate(grown.room_id)
        if self._grown is not None:
            self._grown[grown.room_id] = grown.seq
        for line in [self.lines[webhook_id] for webhook_id in self._of_room.get(grown.room_id, ())]:
            line.head = max(line.head, grown.seq)
            line.wakes += 1
            self._start(line)

    def compare(self) -> None:
        """Read all webhooks, and compare them with the logs."""
        self._must_compare = True
        self._must_read.set()

    def reload(self, room_id: str) -> None:
        """Read the webhooks of a room again."""
        self._changed.add(room_id)
        self._must_read.set()

    def look(self) -> None:
        """Look at once at what is due."""
        self._sooner.set()

    # -- the work

    async def run(self) -> None:
        """Work until the store is away, or the lease is lost. Raises a group of errors."""
        try:
            async with self._group:
                for work in (self._read_all, self._write_soon, self._try_again, self._start_all):
                    self._group.create_task(work(), name=f"webhooks {work.__name__}")
        finally:
            with suppress(Unavailable, LeaseLost, TimeoutError):
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._write(list(self.lines.values()))

    async def _read_all(self) -> None:
        """Read the webhooks that have changed, or all of them, whenever that is due."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._must_read.wait()
            if not self._must_read.is_set():
                self._must_compare = True
            self._must_read.clear()  # before the first query: what comes later is read once more
            changed, self._changed = self._changed, set()
            if self._must_compare:
                self._must_compare = False
                await self._read_every_one()
            for room_id in changed:
                await self._read_room(room_id)

    async def _read_every_one(self) -> None:
        before, after = set(self.lines), ""
        while webhooks := await self._store.webhooks.page(after=after, limit=SLICE):
            await self._meet(webhooks)
            before.difference_update(one.id for one in webhooks)
            after = webhooks[-1].id
        self._drop_all(before)

    async def _read_room(self, room_id: str) -> None:
        before = set(self._of_room.get(room_id, ()))
        webhooks = await self._store.webhooks.of_room(room_id)
        await self._meet(webhooks)
        self._drop_all(before.difference(one.id for one in webhooks))

    async def _meet(self, webhooks: Sequence[Webhook]) -> None:
        """Begin with webhooks that are new, take what has changed of the others, and start those that are behind."""
        self._grown = {}  # a room of a webhook that is not known yet wakes nobody
        logs = await self._store.positions.of_each({one.follower: one.room_id for one in webhooks})
        grown, self._grown = self._grown, None
        for webhook in webhooks:
            line, room = self.lines.get(webhook.id), logs.get(webhook.follower)
            if room is None:
                continue
            if line is None:
                line = self.lines[webhook.id] = WebhookLine.of(webhook, room)
                self._of_room[webhook.room_id].add(webhook.id)
            is_set_back = line.position.epoch != room.head.epoch
            line.adopt(webhook, is_set_back=is_set_back)
            line.head = max(line.head, room.head.seq, grown.get(webhook.room_id, 0))
            if line.lag or line.replay or is_set_back or room.is_deleted:
                self._pages.outdate(webhook.room_id)  # one that is kept may be older than this head
                line.wakes += 1
                self._start(line)

    def _drop_all(self, webhook_ids: Iterable[str]) -> None:
        for line in [self.lines[one] for one in webhook_ids if one in self.lines]:
            self._drop(line)

    def _drop(self, line: WebhookLine) -> None:
        line.has_ended = True
        if self.lines.pop(line.webhook.id, None) is not None:
            ids = self._of_room[line.webhook.room_id]
            ids.discard(line.webhook.id)
            if not ids:
                del self._of_room[line.webhook.room_id]

    def _start(self, line: WebhookLine) -> None:
        if line.is_busy or line.webhook.paused or line.has_ended:
            return
        if line.waits(self._clock()):
            self._wait(line)
            return
        line.is_busy = True
        self._ready.append(line)
        self._came.set()

    def _wait(self, line: WebhookLine, at: int | None = None) -> None:
        trouble = line.webhook.trouble
        at = at or (trouble.next_at if trouble is not None else 0)
        if line.retry_at != at:
            line.retry_at = at
            heapq.heappush(self._due, (at, line.webhook.id))
            self._sooner.set()

    async def _start_all(self) -> None:
        """Start a task for each webhook that has something to do."""
        while True:
            await self._came.wait()
            self._came.clear()
            while self._ready:
                line = self._ready.popleft()
                self._group.create_task(self._go_on(line), name=f"webhook {line.webhook.id}")

    async def _try_again(self) -> None:
        """Start the webhooks whose wait is over."""
        while True:
            self._sooner.clear()
            now = self._clock()
            while self._due and self._due[0][0] <= now:
                at, webhook_id = heapq.heappop(self._due)
                line = self.lines.get(webhook_id)
                if line is not None and line.retry_at == at:
                    line.retry_at = None
                    self._start(line)
            wait = (self._due[0][0] - now) / 1_000 if self._due else LOOK_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait, LOOK_SECONDS)):
                    await self._sooner.wait()

    async def _go_on(self, line: WebhookLine) -> None:
        """Send what there is to send to a webhook, until it waits, is paused, or has everything."""
        try:
            while True:
                wakes = line.wakes
                async with self._slots_of[line.webhook.made_by], self._slots:
                    has_more = await self._step(line)
                if not has_more and (line.wakes == wakes or line.has_ended):
                    break
        except (Unavailable, LeaseLost):
            raise
        except Exception:
            log.exception("webhook_failed", webhook_id=line.webhook.id, room_id=line.webhook.room_id)
            self._wait(line, self._clock() + FAILED_MS)
        finally:
            line.is_busy = False

    async def _step(self, line: WebhookLine) -> bool:
        """Send the next entry. Returns whether to go on at once."""
        if line.webhook.paused or line.has_ended:
            return False
        if line.waits(self._clock()):
            self._wait(line)
            return False
        page = await self._pages.read(line.webhook.room_id, line.after)
        if page is None or page.log.is_deleted:
            self._drop(line)
            return False
        if line.position.epoch != page.log.head.epoch:
            return await self._tell_reset(line, page.log)
        return await self._send_next(line, page)

    async def _tell_reset(self, line: WebhookLine, log: Progress) -> bool:
        """Tell a receiver that the log has begun anew, and go on after the last seq that both lives of it share."""
        epoch, shared = log.head.epoch, min(line.position.seq, log.began)
        letter = reset_of(line.webhook, epoch, shared, self._clock())
        return await self._send(line, letter, RESET_SEQ, lambda: line.begin_epoch(epoch, shared))

    async def _send_next(self, line: WebhookLine, page: RoomPage) -> bool:
        line.head, entry = page.log.head.seq, page.entry_after(line.after)
        if line.replay is not None and (entry is None or line.replay.epoch != page.log.head.epoch):
            line.passed(line.replay.until)
            return True
        if entry is None:
            return False
        kinds = line.webhook.kinds
        if kinds is not None and entry.kind not in kinds:
            line.passed(entry.seq)
            return True
        letter = letter_of(line.webhook, page.log.head.epoch, entry, self._clock())
        return await self._send(line, letter, entry.seq, lambda: line.passed(entry.seq))

    async def _send(
        self, line: WebhookLine, letter: Letter, seq: int, leave_behind: Callable[[], None]
    ) -> bool:
        """Make one attempt, and do what follows from it. Returns whether to go on at once."""
        webhook, began = line.webhook, self._clock()
        status: int | None = None
        retry_after: str | None = None
        with suppress(OSError):
            headers = headers_of(letter, webhook.secrets(began), began)
            answer = await self._post(webhook.url, letter.body, headers)
            status, retry_after = answer.status, answer.retry_after
        now = self._clock()
        verdict = verdict_on(
            status,
            seq=seq,
            before=webhook.trouble,
            now=now,
            retry_after=retry_after_ms(retry_after, now),
            jitter=random.random(),  # noqa: S311  not a secret
        )
        delivery = _delivery(webhook, letter, status, began, now - began)
        self._counts.outcomes[delivery.outcome.value] += 1
        if len(self._noted) < MAX_NOTED:
            self._noted.append(delivery)
        if isinstance(verdict, Waits | Pauses):
            return await self._put_off(line, webhook, verdict)
        if isinstance(verdict, GivenUp):
            self._counts.dead += 1
            log.warning("webhook_dead_letter", webhook_id=webhook.id, room_id=webhook.room_id, seq=letter.seq)
            await self._store.deliveries.add([replace(delivery, is_dead=True)])
        leave_behind()
        if line.webhook.trouble is not None or seq == RESET_SEQ:
            await self._write([line])  # before the trouble is forgotten, or a crash would begin it anew
            await self._save(line, lambda one: replace(one, trouble=None))
        elif line.unwritten >= MOST_UNWRITTEN:
            await self._write([line])
        return True

    async def _put_off(self, line: WebhookLine, tried: Webhook, verdict: Waits | Pauses) -> bool:
        def put_off(one: Webhook) -> Webhook:
            if one.url != tried.url or one.paused is not None:
                return one  # its owner has changed it meanwhile, so this attempt says nothing about it
            paused = verdict.by if isinstance(verdict, Pauses) else None
            return replace(one, trouble=verdict.trouble, paused=paused)

        was_paused = line.webhook.paused
        await self._save(line, put_off)
        if isinstance(verdict, Pauses) and was_paused is None and line.webhook.paused is verdict.by:
            await self._note_pause(tried, verdict.by)
        return True  # the next step finds that it waits

    async def _note_pause(self, webhook: Webhook, by: PausedBy) -> None:
        """Tell who has made a webhook, while they own the room, and the audit log."""
        room_id, made_by = webhook.room_id, webhook.made_by
        log.warning("webhook_paused", webhook_id=webhook.id, room_id=room_id, by=by.value)
        await self._record(
            Audited.WEBHOOK_PAUSED, actor_id=None, subject_id=made_by, address=None, room_id=room_id
        )
        member = await self._store.members.get(room_id, made_by)
        if member is not None and member.role is Role.OWNER:
            self._tell(WebhookPaused(made_by, room_id, webhook.id, by.value), None)

    # -- what is stored

    async def _save(self, line: WebhookLine, change: Callable[[Webhook], Webhook]) -> None:
        """Store a change of a webhook, on top of what others have changed."""
        while not line.has_ended:
            wanted = replace(change(line.webhook), replay=line.replay)
            if wanted == line.webhook:
                return
            standing = await self._store.webhooks.replace(wanted, self._lease)
            if standing is None:
                self._drop(line)
                return
            if standing == replace(wanted, version=wanted.version + 1):
                if standing.version > line.webhook.version:  # else a change after this one is known already
                    line.webhook = standing
                return
            line.adopt(standing, is_set_back=standing.version < wanted.version)

    async def _write_soon(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            self._pages.forget_old()
            await self._write([line for line in self.lines.values() if line.unwritten])
            noted, self._noted = self._noted, []
            if noted:
                await self._store.deliveries.add(noted)

    async def _write(self, lines: Sequence[WebhookLine]) -> None:
        """Store how far webhooks have come."""
        behind = [line for line in lines if line.unwritten and not line.has_ended]
        if behind:
            positions = {line.webhook.follower: line.position for line in behind}
            counts = [line.unwritten for line in behind]
            await self._store.positions.advance_each(self._lease, positions)
            for line, count in zip(behind, counts, strict=True):
                line.unwritten -= count
            for line in behind:
                if line.replay != line.webhook.replay:
                    await self._save(line, lambda one: one)


def _delivery(webhook: Webhook, letter: Letter, status: int | None, at: int, milliseconds: int) -> Delivery:
    before = webhook.trouble
    attempt = before.attempts + 1 if before is not None and before.seq == letter.seq else 1
    return Delivery(
        webhook.id,
        letter.id,
        letter.type,
        letter.epoch,
        letter.seq,
        at=at,
        attempt=attempt,
        outcome=outcome_of(status),
        status=status,
        milliseconds=milliseconds,
    )
