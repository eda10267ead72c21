"""Bounds on the bytes of answers under way, which peers that read slowly or not at all could make grow."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from api.config import Settings
from api.errors import RateLimited, Unavailable
from api.limits import answers as limits
from api.limits.answers import Answers
from api.limits.memory import Memory
from api.models.page import PAGE_BYTES
from api.models.rooms import LOBBY_ID
from api.server import http as server_http
from api.server.run import bind
from tests.node import SECONDS, Node, Person, eventually, running

pytestmark = pytest.mark.anyio

LOG = f"/rooms/{LOBBY_ID}/log"
LONGEST = "\x01" * 3_999 + "x"  # 24 KB as JSON
SMALL_BUFFER = 4_096


# -- the count


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.05)
    return Answers(Memory(None))


async def hold(answers: Answers, stack: AsyncExitStack, user_id: str, count: int) -> None:
    for _ in range(count):
        await stack.enter_async_context(answers.under_way(user_id))


async def test_a_user_has_so_many_answers_under_way_and_others_have_theirs(answers: Answers) -> None:
    async with AsyncExitStack() as stack:
        await hold(answers, stack, "eve", 8)
        with pytest.raises(RateLimited):
            await hold(answers, stack, "eve", 1)
        await hold(answers, stack, "bob", 1)
        assert answers.bytes_under_way == 9 * PAGE_BYTES
    assert answers.bytes_under_way == 0


async def test_many_who_take_all_leave_space_to_whoever_has_nothing(answers: Answers) -> None:
    async with AsyncExitStack() as stack:
        for user in range(12):
            for _ in range(8):
                try:
                    await hold(answers, stack, f"eve-{user}", 1)
                except RateLimited:
                    break
        assert answers.bytes_under_way < limits.NODE_BYTES
        await hold(answers, stack, "bob", 1)
    async with AsyncExitStack() as stack:
        for user in range(64):
            await hold(answers, stack, f"user-{user}", 1)
        with pytest.raises(Unavailable):
            await hold(answers, stack, "bob", 1)


async def test_answers_wait_for_their_turn_in_order_and_too_many_are_refused(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAIT_SECONDS", SECONDS)
    ended: list[int] = []

    async def answer(number: int) -> None:
        async with answers.under_way("eve"):
            ended.append(number)
            await asyncio.sleep(0)

    async with AsyncExitStack() as stack:
        await hold(answers, stack, "eve", 8)
        waiting = [asyncio.create_task(answer(number)) for number in range(limits.USER_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimited):
            async with answers.under_way("eve"):
                pass
        waiting[3].cancel()
        await asyncio.gather(waiting[3], return_exceptions=True)
        assert not ended
    await asyncio.gather(*waiting, return_exceptions=True)
    assert ended == [number for number in range(limits.USER_WAITING) if number != 3]
    assert answers.bytes_under_way == 0


async def test_an_answer_that_is_shorter_than_it_might_be_leaves_the_rest_to_others(answers: Answers) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(7 * 8):
            answer = await stack.enter_async_context(answers.under_way("alice"))
            answer.shrink(PAGE_BYTES // 8)
            answer.shrink(PAGE_BYTES)  # it does not grow again
        assert answers.bytes_under_way == 7 * PAGE_BYTES
    assert answers.bytes_under_way == 0


# -- at the front door


@pytest.fixture
async def node(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Node]:
    """A node whose sockets keep little in the kernel, so that what a peer does not read stays in the process."""

    def bind_small(host: str, port: int) -> socket.socket:
        bound = bind(host, port)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)
        return bound

    monkeypatch.setattr("tests.node.bind", bind_small)
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.2)
    path = tmp_path_factory.mktemp("answers") / "tailwire.db"
    async with running(Settings(store=f"sqlite:///{path}", sends_per_second=1_000, sends_burst=100)) as one:
        yield one


@pytest.fixture
async def eve(node: Node) -> Person:
    """A user who has written more than a page of the longest messages."""
    person = await node.sign_up("eve")
    for number in range(30):
        sent = {"ref": f"r{number}", "body": LONGEST}
        assert (await person.http.post(f"/rooms/{LOBBY_ID}/messages", json=sent)).status_code == 201
    return person


async def ask_and_read_nothing(person: Person) -> socket.socket:
    """Send a request for the log on a connection of its own."""
    host, port = person.node.url.removeprefix("http://").split(":")
    loop = asyncio.get_running_loop()
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    peer.setblocking(False)
    await loop.sock_connect(peer, (host, int(port)))
    head = f"GET {LOG}?limit=500 HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {person.access_token}\r\n\r\n"
    await loop.sock_sendall(peer, head.encode())
    return peer


async def test_who_reads_no_answers_is_refused_more_and_hinders_nobody(node: Node, eve: Person) -> None:
    bob = await node.sign_up("bob")
    unread = [await ask_and_read_nothing(eve) for _ in range(12)]

    async def is_refused() -> bool:
        answer = await eve.http.get("/users/me")
        return answer.status_code == 429 and answer.headers["retry-after"] == "1"

    await eventually(is_refused)
    page = (await bob.http.get(LOG, params={"limit": 500})).json()
    assert len(page["items"]) < page["seq"]  # it ends by bytes, and the client reads on
    rest = (await bob.http.get(LOG, params={"limit": 500, "after": page["items"][-1]["seq"]})).json()
    assert rest["items"][-1]["seq"] == rest["seq"]
    async with bob.socket() as listener:
        sent = await listener.call(type="send", room_id=LOBBY_ID, body="hello", ref="b")
        assert sent["type"] == "ack"
    for one in unread:
        one.close()
    await eventually(lambda: is_served(eve))


async def test_who_takes_nothing_of_an_answer_is_cut_off(
    eve: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_http, "WRITE_SECONDS", 0.1)
    unread = [await ask_and_read_nothing(eve) for _ in range(8)]
    await eventually(lambda: is_served(eve))
    for one in unread:
        one.close()


async def is_served(person: Person) -> bool:
    return (await person.http.get("/users/me")).status_code == 200


async def test_a_long_replay_of_long_entries_comes_whole_by_pages(eve: Person) -> None:
    log = (await eve.http.get(LOG, params={"limit": 1})).json()
    async with eve.socket() as listener:
        since = {"epoch": log["epoch"], "seq": 0}
        await listener.send(type="subscribe", room_id=LOBBY_ID, since=since, ref="s")
        entries = await listener.entries(log["seq"])
        assert [entry["seq"] for entry in entries] == list(range(1, log["seq"] + 1))
        assert (await listener.until(type="live"))["seq"] == log["seq"]
        since = {"epoch": log["epoch"], "seq": log["seq"] - 2}
        await listener.send(type="subscribe", room_id=LOBBY_ID, since=since, ref="t")
        assert [entry["seq"] for entry in await listener.entries(2)] == [log["seq"] - 1, log["seq"]]
