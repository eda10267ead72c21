"""A consumer is given everything in order, and what answers by it answers once."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.config import Settings
from api.store import backup_store, restore_store
from conftest import MakeClient
from scripted_server import message, web_of
from tailwire_client import (
    Client,
    Consumer,
    ConsumerState,
    Entry,
    Event,
    MessageEntry,
    NotFound,
    Pace,
    RefConflict,
    Reset,
    TailwireError,
    Unreachable,
)
from tests.node import running

pytestmark = pytest.mark.anyio

SECONDS = 30.0


async def read(consumer: Consumer, count: int) -> list[MessageEntry]:
    """Read so many messages, and leave before the last is handled."""
    found: list[MessageEntry] = []
    async with asyncio.timeout(SECONDS):
        async for event in consumer:
            if isinstance(event, MessageEntry):
                found.append(event)
            if len(found) == count:
                break
    return found


async def test_what_was_not_handled_comes_again_and_the_answer_is_given_once(
    ada: Client, bob: Client
) -> None:
    for number in range(3):
        await ada.send("lobby", f"question {number}")
    for _ in range(2):  # a program that crashes after its answer, and its second life
        consumer = bob.consumer("answers", room_ids=["lobby"])
        for entry in await read(consumer, 3):
            await consumer.answer(entry, f"answer to {entry.body}", as_reply=True)
    history = [one async for one in ada.messages.history("lobby")][::-1]
    assert [one.body for one in history[3:]] == [f"answer to question {number}" for number in range(3)]
    assert [one.ref for one in history[3:]] == [f"answers:lobby:{one.seq}" for one in history[:3]]
    assert [one.reply_to for one in history[3:]] == [one.seq for one in history[:3]]


async def test_what_was_handled_does_not_come_again(ada: Client, bob: Client) -> None:
    consumer = bob.consumer("steps", start="now")
    assert (await consumer_made(consumer)).lag == 0
    await ada.send("lobby", "one")
    reading = asyncio.create_task(read(consumer, 2))  # the second comes after the ack of the first
    await ada.send("lobby", "two")
    assert [one.body for one in await reading] == ["one", "two"]
    assert [one.body for one in await read(bob.consumer("steps"), 1)] in (["one"], ["two"])
    await consumer.delete()
    with pytest.raises(NotFound):
        await consumer.state()


async def consumer_made(consumer: Consumer) -> Any:
    """Begin to read, so that the consumer is there, and stop."""
    events = aiter(consumer)
    begun = asyncio.ensure_future(anext(events))
    async with asyncio.timeout(SECONDS):
        while (state := await state_of(consumer)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    begun.cancel()
    await asyncio.gather(begun, return_exceptions=True)
    return state


async def state_of(consumer: Consumer) -> ConsumerState | None:
    try:
        return await consumer.state()
    except NotFound:
        return None


async def test_another_answer_to_the_same_entry_is_told(ada: Client, bob: Client) -> None:
    await ada.send("lobby", "question")
    consumer = bob.consumer("answers")
    (entry,) = await read(consumer, 1)
    await consumer.answer(entry, "yes")
    with pytest.raises(RefConflict):
        await consumer.answer(entry, "no")


@pytest.mark.parametrize("acked", [True, False], ids=["after an ack", "before an ack"])
async def test_a_restored_server_gives_a_reset_and_goes_on(
    acked: bool, tmp_path: Path, make_client: MakeClient
) -> None:
    url = f"sqlite:///{tmp_path / 'tailwire.db'}"
    settings = Settings(store=url, signup="open")
    events: list[Event] = []
    may_ack = asyncio.Event()

    async def listen(client: Client) -> None:
        async for event in client.consumer("ear", room_ids=["lobby"]):
            events.append(event)
            if heard(event, "kept"):
                await may_ack.wait()
            if heard(event, "the end"):
                return

    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        async with running(settings) as node:
            ada = await make_client(node.url)
            await ada.send("lobby", "kept")
            listening = tasks.create_task(listen(ada))
            await until_heard(events, "kept")
            if acked:
                may_ack.set()
                await until_acked(ada)
            await asyncio.to_thread(backup_store, url, tmp_path / "backup.db")
            may_ack.set()
            await ada.send("lobby", "lost")
            await until_heard(events, "lost")
            await until_acked(ada)  # so that no late ack tells the restored server how far the reader was
        await asyncio.to_thread(restore_store, url, tmp_path / "backup.db", force=True)
        async with running(settings, port=int(node.url.rpartition(":")[2])):
            await ada.send("lobby", "the end")
            await listening
    (reset,) = [one for one in events if isinstance(one, Reset)]
    before, after = events[: events.index(reset)], events[events.index(reset) + 1 :]
    assert heard(before[-1], "lost")
    seqs = [one.seq for one in after if isinstance(one, Entry)]
    assert seqs == list(range(reset.seq + 1, reset.seq + 1 + len(after)))
    assert {one.epoch for one in after if isinstance(one, Entry)} == {reset.epoch}


def heard(event: Event, body: str) -> bool:
    return isinstance(event, MessageEntry) and event.body == body


async def until_acked(client: Client) -> None:
    while (await client.consumer("ear").state()).lag:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def until_heard(events: list[Event], body: str) -> None:
    while not any(heard(one, body) for one in events):  # noqa: ASYNC110
        await asyncio.sleep(0.005)


class Consumers:
    """A server with one page of entries, whose acks are lost at first."""

    def __init__(self, *acks: httpx.Response | Exception) -> None:
        self.acks = list(acks)
        self.acked: list[bytes] = []
        self.polls: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return httpx.Response(201, json={})
        if request.method == "GET":
            self.polls.append(request.url.params["wait"])
            items = [{**message(seq), "epoch": "e1"} for seq in (1, 2)] if len(self.polls) < 4 else []
            more = {"type": "membership", "room_id": "r", "role": None, "reason": "deleted"}
            return httpx.Response(
                200, json={"items": [*items, more], "token": f"t{len(self.polls)}", "has_more": False}
            )
        self.acked.append(request.read())
        answer = self.acks.pop(0) if self.acks else httpx.Response(204)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def give(draft: object) -> Any:
    raise AssertionError("nothing is sent")


async def test_an_ack_whose_answer_was_lost_is_given_again() -> None:
    server = Consumers(httpx.ReadError("lost"), httpx.ReadError("lost"))
    async with web_of(server) as web:
        consumer = Consumer(web, give, "c", room_ids=None, start="now", pace=Pace(first_seconds=0))
        await read(consumer, 3)
    assert server.acked == [b'{"token":"t1"}'] * 3


async def test_an_ack_that_the_server_does_not_know_gives_the_page_again() -> None:
    server = Consumers(httpx.Response(422, json={"code": "bad_cursor", "detail": "No"}))
    async with web_of(server) as web:
        consumer = Consumer(web, give, "c", room_ids=None, start="now", pace=Pace(first_seconds=0))
        assert [one.seq for one in await read(consumer, 4)] == [1, 2, 1, 2]


async def test_a_consumer_that_was_deleted_is_an_error() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(404, json={"code": "not_found"})
            if request.method == "GET"
            else httpx.Response(201, json={})
        )

    async with web_of(gone) as web:
        with pytest.raises(NotFound):
            await read(Consumer(web, give, "c", room_ids=None, start="now", pace=Pace()), 1)


async def test_a_consumer_outlasts_a_server_that_is_away_for_long() -> None:
    server = Consumers()
    failures: list[TailwireError] = [Unreachable("away") for _ in range(50)]

    def away(request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and failures:
            failures.pop()
            raise httpx.ConnectError("away")
        return server(request)

    async with web_of(away, patience_seconds=0, pace=Pace(first_seconds=0)) as web:
        consumer = Consumer(web, give, "c", room_ids=None, start="now", pace=Pace(first_seconds=0))
        assert [one.seq for one in await read(consumer, 2)] == [1, 2]


def test_a_ref_that_would_be_too_long_is_a_digest() -> None:
    consumer = Consumer(None, give, "n" * 40, room_ids=None, start="now", pace=Pace())  # type: ignore[arg-type]
    entries = [Entry(kind="message", room_id="r" * 22, epoch="e", seq=seq, at=None) for seq in (1, 2)]
    refs = [consumer.ref_of(one) for one in entries]
    assert (len(set(refs)), {len(one) for one in refs}) == (2, {64})
