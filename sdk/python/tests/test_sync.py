"""The blocking form: the same, from any thread, and nothing of it is left."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from conftest import QUICK
from tailwire_client import Closed, Live, MessageEntry, NotFound, Pair, Session, SyncClient
from tests.node import NOBODY, Node

pytestmark = pytest.mark.anyio


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail where a thread is left."""
    before = set(threading.enumerate())
    yield
    gc.collect()
    assert {one.name for one in set(threading.enumerate()) - before} <= {"asyncio_0"}


async def blocking(server: Node, program: Any) -> None:
    """Run a program that blocks in a thread, with a client."""
    person = await server.sign_up("ada")
    session = Session(pair=Pair(person.access_token, person.refresh_token, 900), pace=QUICK)

    def run() -> None:
        before = set(threading.enumerate())
        program(SyncClient(server.url, session, tls=NOBODY, trust_env=False, pace=QUICK))
        assert [one.name for one in set(threading.enumerate()) - before if one.name == "tailwire"] == []

    await asyncio.to_thread(run)


async def test_all_of_it_is_reached_without_asyncio(server: Node) -> None:
    def program(client: SyncClient) -> None:
        with client:
            assert client.wait(client.api.account.me()).username == "ada"
            sent = client.send("lobby", "one")
            assert [one.id for one in client.each(client.api.rooms.mine())] == ["lobby"]
            for event in client.events("lobby"):
                if isinstance(event, Live):
                    client.send("lobby", "two")
                if isinstance(event, MessageEntry):
                    assert event.body == "two"
                    break
            consumer = client.consumer("echo")
            for entry in consumer:
                if isinstance(entry, MessageEntry) and entry.body == "two":
                    assert consumer.answer(entry, "three").seq == sent.seq + 2
                    break
            with pytest.raises(NotFound):
                client.wait(client.api.rooms.get("nowhere"))

    await blocking(server, program)


async def test_a_loop_that_is_left_closes_its_socket(server: Node) -> None:
    def program(client: SyncClient) -> None:
        with client:
            events = client.events("lobby")
            next(events)
            assert len(client.api._streams) == 1
            events.close()  # type: ignore[attr-defined]
            assert len(client.api._streams) == 0

    await blocking(server, program)


async def test_a_client_that_is_closed_wakes_who_waits_in_another_thread(server: Node) -> None:
    def program(client: SyncClient) -> None:
        ended: list[object] = []
        began = threading.Event()

        def listen() -> None:
            for event in client.events("lobby"):
                if isinstance(event, Live):
                    began.set()
            ended.append("ended")

        with client:
            thread = threading.Thread(target=listen)
            thread.start()
            began.wait(10)
        thread.join(10)
        assert ended == ["ended"]
        with pytest.raises(Closed):
            client.send("lobby", "too late")
        client.close()

    await blocking(server, program)


async def test_a_client_that_cannot_begin_leaves_nothing(tmp_path: Any) -> None:
    from tailwire_client import FileDrafts  # noqa: PLC0415

    (tmp_path / "drafts.json").write_text("{")
    with nothing_left(), pytest.raises(ValueError, match="Expecting"):
        SyncClient("http://127.0.0.1:9", "twt_x", drafts=FileDrafts(tmp_path / "drafts.json")).__enter__()
