"""Webhooks are sent every entry once and in order, whatever becomes of receivers and processes."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from api.errors import Unavailable
from api.feed import Feed
from api.jobs import room_pages, webhook_shift
from api.jobs import webhooks as module
from api.jobs.leases import LeaseHolder
from api.jobs.webhooks import WebhookSender
from api.models.changes import Grown, WebhooksChanged
from api.models.followers import FollowerPosition, Lease, Progress
from api.models.log import UNREADABLE
from api.models.rooms import Room
from api.models.webhooks import Beginning, Outcome, PausedBy, Repeat, Webhook
from api.realtime.hub import Hub
from api.realtime.presence import Presence
from api.realtime.revocation import Revocation
from api.realtime.signals import Signals
from api.store import backup_store, open_store, restore_store
from api.store.base.store import Store
from api.tasks import Tasks
from tests.node import eventually
from tests.store.calls import delete_room, send
from tests.store.make import ALICE, BOB, DEN, account_of, delete, make_room, make_webhook, message

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

SECOND_MS, DAY_MS = 1_000, 86_400_000


@dataclass(frozen=True)
class Answer:
    status: int
    retry_after: str | None = None


@dataclass
class Receivers:
    """All receivers: notes what each is sent, and answers as `answers` says; None is no answer."""

    now: int = 1_000_000
    log: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)  # url, id, body
    answers: Callable[[str, dict[str, Any]], Answer | None] = lambda _url, _body: Answer(200)
    before: Callable[[], Awaitable[None]] | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self.before is not None:
            await self.before()
        read = json.loads(body)
        self.log.append((url, headers["webhook-id"], read))
        answer = self.answers(url, read)
        if answer is None:
            raise OSError
        return answer

    def clock(self) -> int:
        return self.now

    def sent(self, url: str | None = None) -> list[tuple[str, int]]:
        """Return (epoch, seq) of each entry in the order of its first arrival."""
        places = [
            (body["data"]["epoch"], body["data"]["seq"])
            for to, _, body in self.log
            if url in {None, to} and body["type"] != "room.reset"
        ]
        return list(dict.fromkeys(places))

    def seqs(self, url: str | None = None) -> list[int]:
        return [seq for _, seq in self.sent(url)]

    def check(self) -> None:
        """Check that everything has one id, and that each id is of one thing."""
        ids: dict[str, set[Any]] = {}
        for to, id_, body in self.log:
            ids.setdefault(id_, set()).add((to, body["data"]["epoch"], body["data"]["seq"], body["type"]))
        assert all(len(things) == 1 for things in ids.values())
        places = [next(iter(things)) for things in ids.values()]
        assert len(set(places)) == len(places)

    async def until(self, seqs: list[int], url: str | None = None) -> None:
        async def is_there() -> bool:
            return self.seqs(url) == seqs

        try:
            await eventually(is_there)
        except TimeoutError:
            raise AssertionError(self.seqs(url)) from None


async def unrecorded(*_event: object, **_fields: object) -> None:
    pass


@asynccontextmanager
async def sending(store: Store, receivers: Receivers) -> AsyncIterator[WebhookSender]:
    """Run a sender beside a feed, as a node does."""
    holder = LeaseHolder(store)
    sender = WebhookSender(
        store, holder, receivers.post, unrecorded, lambda *_told: None, clock=receivers.clock
    )
    hub, tasks = Hub(connections_per_user=1), Tasks()
    feed = Feed(
        store,
        hub,
        Revocation(store, hub),
        Signals(hub, store.signals),
        presence=Presence(store.presence, store.signals, hub),
        listeners=[sender],
        on_webhooks=sender.hear,
    )
    tasks.keep("feed", feed.run)
    tasks.keep("webhooks", sender.run)

    async def is_live() -> bool:
        return feed.state.is_live

    try:
        await eventually(is_live)
        yield sender
    finally:
        await tasks.close()


async def head_of(store: Store, room: Room) -> Beginning:
    head = (await store.log.heads([room.id]))[room.id]
    return Beginning(head.epoch, head.seq)


async def made(store: Store, room: Room, number: int = 0, **fields: Any) -> Webhook:
    """Make a webhook that begins at the end of the log."""
    start = await head_of(store, room)
    webhook = make_webhook(room.id, number, **{"start": start, "url": f"https://{number}.example/"} | fields)
    await store.webhooks.create(webhook)
    return webhook


async def seen(store: Store, webhook: Webhook, is_wanted: Callable[[Webhook], bool]) -> Webhook:
    """Wait until a webhook is stored as wanted, and return it."""
    found: list[Webhook] = []

    async def is_there() -> bool:
        standing = await store.webhooks.get(webhook.id)
        if standing is not None and is_wanted(standing):
            found.append(standing)
        return bool(found)

    await eventually(is_there)
    return found[0]


async def reached(store: Store, webhook: Webhook) -> int | None:
    (log,) = (await store.positions.of_each({webhook.follower: webhook.room_id})).values()
    return log.reached


def waiting(webhook: Webhook) -> bool:
    return webhook.trouble is not None


def tried(**fields: int) -> Callable[[Webhook], bool]:
    """Say whether the trouble of a webhook has these fields."""

    def is_tried(webhook: Webhook) -> bool:
        trouble = webhook.trouble
        return trouble is not None and all(getattr(trouble, name) == value for name, value in fields.items())

    return is_tried


async def test_a_webhook_is_sent_what_is_written_after_it_was_made_on_any_node(
    store: Store, other: Store, den: Room
) -> None:
    receivers = Receivers()
    await send(store, den, "before")
    async with sending(store, receivers) as sender:
        first = await made(store, den)
        begin = first.start.seq
        sender.tell(den.id)
        await send(store, den, "one", "two")
        await receivers.until([begin + 1, begin + 2])
        second = await made(other, den, 1, kinds=("edit",))  # made on another node, which tells by a signal
        sender.hear(WebhooksChanged(den.id))
        await send(other, den, "three")
        await receivers.until([begin + 1, begin + 2, begin + 3])
        assert receivers.seqs(second.url) == []

        async def is_stored() -> bool:
            return [await reached(store, one) for one in (first, second)] == [begin + 3] * 2

        await eventually(is_stored)
        assert await other.webhooks.end(den.id, first.id)
        sender.hear(WebhooksChanged(den.id))

        async def is_gone() -> bool:
            return sender._shift is not None and first.id not in sender._shift.lines

        await eventually(is_gone)
        await send(store, den, "four")
        assert receivers.seqs(first.url) == [begin + 1, begin + 2, begin + 3]
    receivers.check()


async def test_what_is_written_while_a_new_webhook_is_read_is_posted(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed may tell of it after the head was read, and before the sender knows of the webhook."""
    receivers, heard, of_each = Receivers(), asyncio.Event(), store.positions.of_each
    async with sending(store, receivers) as sender:
        webhook, wake = await made(store, den), sender.wake
        expected = webhook.start.seq + 1

        def hear(grown: Grown) -> None:
            wake(grown)
            if grown.seq == expected:
                heard.set()

        async def slow(rooms: Mapping[str, str]) -> dict[str, Progress]:
            found = await of_each(rooms)
            if not heard.is_set():
                await send(store, den, "meanwhile")
                await heard.wait()
            return found

        monkeypatch.setattr(sender, "wake", hear)
        monkeypatch.setattr(store.positions, "of_each", slow)
        sender.tell(den.id)
        await receivers.until([expected])


async def test_what_only_a_comparison_finds_is_posted_though_an_older_page_of_the_log_is_kept(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_pages, "FRESH_SECONDS", 3_600)
    receivers = Receivers()
    webhook = await made(store, den)
    async with sending(store, receivers) as sender:
        (one,) = await send(store, den, "one")
        await receivers.until([one])
        await eventually(_is_reached(store, webhook, one))
        monkeypatch.setattr(sender, "wake", lambda _grown: None)
        (two,) = await send(store, den, "two")
        sender.compare()
        await receivers.until([one, two])


async def test_a_receiver_that_is_down_for_a_week_is_sent_everything_when_it_is_back(
    store: Store, den: Room
) -> None:
    receivers = Receivers(answers=lambda _url, _body: None)
    webhook = await made(store, den)
    begin, tries = webhook.start.seq, 0
    async with sending(store, receivers) as sender:
        await send(store, den, *(f"message {number}" for number in range(30)))
        while receivers.now < 1_000_000 + 7 * DAY_MS:
            tries += 1
            standing = await seen(store, webhook, tried(attempts=tries))
            assert standing.trouble is not None
            receivers.now = standing.trouble.next_at
            sender.look()
        assert receivers.seqs() == [begin + 1]
        assert tries in range(12, 17)
        assert sender.waiting == 1
        assert sender.lag == 30
        receivers.answers = lambda _url, _body: Answer(204)
        standing = await seen(store, webhook, waiting)
        receivers.now += DAY_MS * 2
        sender.look()
        await receivers.until(list(range(begin + 1, begin + 31)))
        await seen(store, webhook, lambda one: one.trouble is None)
        assert (sender.waiting, sender.lag) == (0, 0)
    receivers.check()


@pytest.mark.parametrize("status", [500, 503, 429, 408, 301, 302, None])
async def test_what_says_nothing_about_an_entry_lets_the_webhook_wait_and_skips_nothing(
    store: Store, den: Room, status: int | None
) -> None:
    def answers(_url: str, body: dict[str, Any]) -> Answer | None:
        is_bad = len([one for one in receivers.log if one[2]["data"]["seq"] == body["data"]["seq"]]) == 1
        return Answer(200) if not is_bad else None if status is None else Answer(status, "7")

    receivers = Receivers(answers=answers)
    webhook = await made(store, den)
    begin = webhook.start.seq
    async with sending(store, receivers) as sender:
        await send(store, den, "one", "two")
        for seq in (begin + 1, begin + 2):
            standing = await seen(store, webhook, tried(seq=seq))
            assert standing.trouble is not None
            assert standing.trouble.next_at - receivers.now >= (5_000 if status is None else 7_000)
            receivers.now = standing.trouble.next_at
            sender.look()
        await receivers.until([begin + 1, begin + 2])
        await seen(store, webhook, lambda one: one.trouble is None)
    assert len(receivers.log) == 4
    receivers.check()


async def test_an_entry_that_is_refused_becomes_a_dead_letter_and_what_follows_is_sent(
    store: Store, den: Room
) -> None:
    receivers = Receivers(
        answers=lambda _url, body: Answer(400 if body["data"].get("body") == "bad" else 200)
    )
    webhook = await made(store, den)
    begin = webhook.start.seq
    async with sending(store, receivers) as sender:
        await send(store, den, "good", "bad", "better")
        for attempt in range(1, 6):
            standing = await seen(store, webhook, tried(refusals=attempt))
            assert standing.trouble is not None
            receivers.now = standing.trouble.next_at
            sender.look()
        await receivers.until([begin + 1, begin + 2, begin + 3])
        await seen(store, webhook, lambda one: one.trouble is None)
        (dead,) = (await store.deliveries.of_webhook(webhook.id, dead=True, cursor=None, limit=9)).items
        assert (dead.seq, dead.outcome, dead.status, dead.attempt) == (begin + 2, Outcome.REFUSED, 400, 6)

        async def is_listed() -> bool:
            page = await store.deliveries.of_webhook(webhook.id, dead=False, cursor=None, limit=99)
            return len(page.items) == 8

        await eventually(is_listed)
        assert (sender.counts.dead, sender.counts.outcomes) == (1, {"delivered": 2, "refused": 6})
    assert len(receivers.log) == 8
    receivers.check()


async def test_410_pauses_and_who_goes_on_misses_nothing(store: Store, den: Room) -> None:
    receivers = Receivers(answers=lambda _url, _body: Answer(410))
    webhook = await made(store, den)
    begin = webhook.start.seq
    async with sending(store, receivers) as sender:
        await send(store, den, "one", "two")
        standing = await seen(store, webhook, lambda one: one.paused is PausedBy.GONE)
        receivers.now += 90 * DAY_MS
        sender.look()
        await send(store, den, "three")
        receivers.answers = lambda _url, _body: Answer(200)
        assert await store.webhooks.replace(replace(standing, paused=None, trouble=None)) is not None
        sender.tell(den.id)
        await receivers.until([begin + 1, begin + 2, begin + 3])
    assert len(receivers.log) == 4
    receivers.check()


async def test_a_receiver_that_is_down_for_30_days_is_not_called_any_more(store: Store, den: Room) -> None:
    receivers = Receivers(answers=lambda _url, _body: Answer(500))
    webhook = await made(store, den)
    async with sending(store, receivers) as sender:
        await send(store, den, "one")
        await seen(store, webhook, waiting)
        receivers.now += 30 * DAY_MS
        sender.look()
        standing = await seen(store, webhook, lambda one: one.paused is not None)
        assert standing.paused is PausedBy.DOWN

        async def has_ended_the_wait() -> bool:
            return (sender.waiting, sender.lag) == (0, 1)

        await eventually(has_ended_the_wait)
    assert await reached(store, webhook) in {None, webhook.start.seq}


async def test_what_is_deleted_while_a_receiver_is_down_is_sent_without_its_body(
    store: Store, den: Room
) -> None:
    receivers = Receivers(answers=lambda _url, _body: None)
    webhook = await made(store, den)
    async with sending(store, receivers) as sender:
        (one, two) = await send(store, den, "first", "secret")
        await seen(store, webhook, waiting)
        await store.log.append(den.id, delete("d", two))
        receivers.answers, receivers.now = lambda _url, _body: Answer(200), receivers.now + DAY_MS
        sender.look()
        await receivers.until([one, two, two + 1])
    assert "secret" not in json.dumps(receivers.log)
    receivers.check()


async def test_a_slow_receiver_keeps_no_other_waiting_and_is_sent_one_entry_at_a_time(
    store: Store, den: Room
) -> None:
    release, at_once, most = asyncio.Event(), 0, 0
    receivers = Receivers()
    slow, fast = await made(store, den), await made(store, den, 1)
    plain = receivers.post

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        nonlocal at_once, most
        if url == slow.url:
            at_once += 1
            most = max(most, at_once)
            await release.wait()
            at_once -= 1
        return await plain(url, body, headers)

    receivers.post = post  # type: ignore[method-assign]
    async with sending(store, receivers):
        seqs = await send(store, den, *(f"{number}" for number in range(10)))
        await receivers.until(seqs, fast.url)
        assert receivers.seqs(slow.url) == []
        release.set()
        await receivers.until(seqs, slow.url)
    assert most == 1
    receivers.check()


async def test_slow_receivers_of_one_user_keep_only_their_own_webhooks_waiting(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_shift, "AT_ONCE", 3)
    monkeypatch.setattr(webhook_shift, "OF_ONE_AT_ONCE", 2)
    receivers, release = Receivers(), asyncio.Event()
    slow = [await made(store, den, number, url=f"https://slow-{number}.example/") for number in range(4)]
    quick = await made(store, den, 4, made_by=BOB.id)
    post = receivers.post

    async def posting(url: str, *given: Any) -> Answer:
        if url != quick.url:
            await release.wait()
        return await post(url, *given)

    monkeypatch.setattr(receivers, "post", posting)
    async with sending(store, receivers):
        seqs = await send(store, den, "one", "two")
        await receivers.until(seqs, quick.url)
        assert receivers.seqs() == seqs
        release.set()
        for one in slow:
            await receivers.until(seqs, one.url)
    receivers.check()


async def test_a_replay_sends_entries_once_more_under_their_ids_and_then_goes_on(
    store: Store, den: Room
) -> None:
    receivers = Receivers()
    webhook = await made(store, den)
    async with sending(store, receivers) as sender:
        seqs = await send(store, den, *(f"{number}" for number in range(5)))
        await receivers.until(seqs)
        while True:
            standing = await store.webhooks.get(webhook.id)
            assert standing is not None
            wanted = replace(standing, replay=Repeat(webhook.start.epoch, seqs[1], seqs[3]))
            if await store.webhooks.replace(wanted) == replace(wanted, version=wanted.version + 1):
                break
        sender.tell(den.id)

        async def is_repeated() -> bool:
            return len(receivers.log) == 8

        await eventually(is_repeated)
        seqs += await send(store, den, "more")
        await receivers.until(seqs)
        await seen(store, webhook, lambda one: one.replay is None)
    again = [body["data"]["seq"] for _, _, body in receivers.log]
    assert again == [*seqs[:5], *seqs[1:4], seqs[5]]
    receivers.check()


async def test_a_room_that_is_deleted_takes_its_webhooks_with_it(store: Store, den: Room) -> None:
    receivers = Receivers()
    kept = make_room(5)
    await store.rooms.create(kept, ALICE)
    await made(store, den)
    stays = await made(store, kept, 1)
    async with sending(store, receivers) as sender:
        await eventually(_has_lines(sender, 2))
        await delete_room(store, den)
        await eventually(_has_lines(sender, 1))
        (seq,) = await send(store, kept, "hello")
        await receivers.until([seq], stays.url)


def _has_lines(sender: WebhookSender, count: int) -> Callable[[], Awaitable[bool]]:
    async def has() -> bool:
        return sender._shift is not None and len(sender._shift.lines) == count

    return has


@pytest.mark.parametrize("round_", range(6))
async def test_whatever_moment_ends_a_process_nothing_is_lost_or_out_of_order(
    store: Store, other: Store, den: Room, round_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each post may be the last of a process: before or after the receiver has noted it, and its answer may be lost."""
    chance = random.Random(round_)  # noqa: S311
    receivers = Receivers(
        answers=lambda _url, _body: chance.choice([Answer(200)] * 9 + [None, Answer(500), Answer(404)])
    )
    monkeypatch.setattr(webhook_shift, "WRITE_SECONDS", chance.choice([0.001, 0.02, 0.2]))
    webhooks = [await made(store, den, number) for number in range(3)]
    bodies = [f"message {number}" for number in range(40)]
    seqs: list[int] = []

    async def write() -> None:
        for body in bodies:
            seqs.extend(await send(store, den, body))
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    for life in range(6):
        async with sending(store if life % 2 else other, receivers) as sender:
            for _ in range(chance.randrange(1, 30)):
                await asyncio.sleep(0.005)
                receivers.now += 400 * SECOND_MS
                sender.look()
    await writing
    receivers.answers = lambda _url, _body: Answer(200)
    async with sending(store, receivers) as sender:
        for webhook in webhooks:
            for _ in range(200):
                receivers.now += DAY_MS
                sender.look()
                if receivers.seqs(webhook.url) == seqs:
                    break
                await asyncio.sleep(0.05)
            assert receivers.seqs(webhook.url) == seqs
    receivers.check()


async def test_who_was_paused_and_goes_on_changes_nothing(store: Store, other: Store, den: Room) -> None:
    """The lease passes to another while a post of the first is under way."""
    held, release = asyncio.Event(), asyncio.Event()
    receivers = Receivers()
    webhook = await made(store, den)

    async def hold() -> None:
        if not held.is_set():
            held.set()
            await release.wait()

    receivers.before = hold
    async with sending(store, receivers) as first:
        (one,) = await send(store, den, "one")
        await held.wait()
        shift = first._shift
        assert shift is not None
        later = await _taken_by_another(other)
        position = FollowerPosition(den.id, webhook.start.epoch, one)
        await other.positions.advance_each(later, {webhook.follower: position})
        release.set()

        async def has_ended() -> bool:
            return first._shift is not shift

        await eventually(has_ended)
    assert await reached(store, webhook) == one
    standing = await store.webhooks.get(webhook.id)
    assert standing == webhook


async def _taken_by_another(store: Store) -> Lease:
    """Take the lease as if that of its holder had ended."""
    (held,) = [one for one in await store.leases.all() if one.name == module.LEASE]
    await store.leases.release(Lease(held.name, held.number))
    lease = await store.leases.acquire(module.LEASE, "another")
    assert lease is not None
    return lease


@pytest.mark.stores("sqlite")
async def test_after_a_restore_a_receiver_is_told_and_sent_the_other_life(tmp_path: Path) -> None:
    url, copy = f"sqlite:///{tmp_path / 'tailwire.db'}", tmp_path / "copy.db"
    receivers = Receivers()
    store = await open_store(url)
    await store.accounts.create(account_of(ALICE))
    await store.rooms.create(DEN, ALICE)
    webhook = await made(store, DEN)
    async with sending(store, receivers):
        shared = await send(store, DEN, "shared")
        await receivers.until(shared)
        await eventually(_is_reached(store, webhook, shared[-1]))
        await asyncio.to_thread(backup_store, url, copy)
        lost = await send(store, DEN, "lost", "lost too")
        await receivers.until([*shared, *lost])
        await eventually(_is_reached(store, webhook, lost[-1]))
    await store.close()
    await asyncio.to_thread(restore_store, url, copy, force=True)
    store = await open_store(url)
    async with sending(store, receivers):
        again = await send(store, DEN, "other")

        async def is_told() -> bool:
            return bool(receivers.log[-1][2]["data"].get("body") == "other")

        await eventually(is_told)
    epochs = [epoch for epoch, _ in receivers.sent()]
    (reset,) = [body for _, _, body in receivers.log if body["type"] == "room.reset"]
    assert reset["data"]["seq"] == shared[-1]
    assert reset["data"]["epoch"] == epochs[-1] != epochs[0]
    assert receivers.sent()[-1] == (epochs[-1], again[-1])
    await store.close()
    receivers.check()


def _is_reached(store: Store, webhook: Webhook, seq: int) -> Callable[[], Awaitable[bool]]:
    async def is_reached() -> bool:
        return await reached(store, webhook) == seq

    return is_reached


async def test_a_webhook_whose_database_was_set_back_goes_on_as_it_is_stored(
    store: Store, other: Store, den: Room
) -> None:
    """Its row has an earlier version than the process knows that posts to it."""
    receivers = Receivers(answers=lambda _url, _body: Answer(503))
    webhook = await made(store, den)
    async with sending(store, receivers) as sender:
        seqs = await send(store, den, "one")
        await seen(store, webhook, tried(attempts=1))
        receivers.now += SECOND_MS * 60
        sender.look()
        await seen(store, webhook, tried(attempts=2))
        assert await other.webhooks.end(den.id, webhook.id)
        await other.webhooks.create(webhook)
        receivers.now += DAY_MS
        sender.look()
        await seen(store, webhook, waiting)
        receivers.answers = lambda _url, _body: Answer(200)
        receivers.now += 2 * DAY_MS
        sender.look()
        await receivers.until(seqs)
        standing = await seen(store, webhook, lambda one: not waiting(one))
    assert standing.version == webhook.version + 2
    receivers.check()


async def test_while_the_store_is_away_nothing_is_lost(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    receivers = Receivers()
    webhook = await made(store, den)
    away = 0
    advance_each, entries = store.positions.advance_each, store.log.entries

    async def unsteady(*given: Any, **named: Any) -> Any:
        nonlocal away
        away += 1
        if away % 3 == 0:
            raise Unavailable
        return await advance_each(*given, **named)

    async def unsteady_too(*given: Any, **named: Any) -> Any:
        nonlocal away
        away += 1
        if away % 7 == 0:
            raise Unavailable
        return await entries(*given, **named)

    monkeypatch.setattr(store.positions, "advance_each", unsteady)
    monkeypatch.setattr(store.log, "entries", unsteady_too)
    async with sending(store, receivers):
        seqs = [seq for number in range(20) for seq in await send(store, den, f"message {number}")]
        await receivers.until(seqs, webhook.url)
    receivers.check()


async def test_a_room_whose_log_cannot_be_read_keeps_no_other_waiting(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    receivers, good = Receivers(), make_room(5)
    await store.rooms.create(good, ALICE)
    await made(store, den)
    fine = await made(store, good, 1)
    entries = store.log.entries

    async def broken(room_id: str, **named: Any) -> Any:
        if room_id == den.id:
            raise ValueError
        return await entries(room_id, **named)

    monkeypatch.setattr(store.log, "entries", broken)
    async with sending(store, receivers):
        await store.log.append(den.id, message("a", "a"))
        (seq,) = await send(store, good, "hello")
        await receivers.until([seq], fine.url)
    assert UNREADABLE not in {body["data"]["type"] for _, _, body in receivers.log}
