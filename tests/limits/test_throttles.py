"""Requests beyond a rate are refused, harm nobody else, and may be sent again.

Failed log-ins and T23 are in tests/bad_inputs/.
"""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from api.accounts.attempt_limits import MINUTE_MS
from api.accounts.passwords import Passwords
from api.config import Settings
from api.limits.concurrency import ConcurrencyLimit
from api.limits.rates import Windows
from api.limits.throttles import EXPORTS_PER_MINUTE, Rates, Throttles
from api.models.rooms import LOBBY_ID
from api.realtime import handler
from tests.bad_inputs.answers import answers, is_error, is_problem, is_served
from tests.node import PASSWORD, Event, Node, Person, Socket, running

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

MESSAGES = f"/rooms/{LOBBY_ID}/messages"


@pytest.fixture
async def alice(sqlite_node: Node) -> Person:
    return await sqlite_node.sign_up("alice")


@pytest.fixture
async def bob(sqlite_node: Node) -> Person:
    return await sqlite_node.sign_up("bob")


class ManualClock:
    """A clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        make = Throttles.__init__

        def init(throttles: Throttles, rates: Rates) -> None:
            make(throttles, rates, clock=lambda: self.now)

        monkeypatch.setattr(Throttles, "__init__", init)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The clock of all throttles that are made after it."""
    return ManualClock(monkeypatch)


async def send(socket: Socket, number: int) -> Event:
    return await socket.call(type="send", room_id=LOBBY_ID, ref=f"r{number}", body="hi")


async def test_a_user_sends_twenty_at_once_and_ten_a_second_over_all_sockets_and_http(
    clock: ManualClock, alice: Person, bob: Person
) -> None:
    async with alice.socket() as one, alice.socket() as other, bob.socket() as bobs:
        for number in range(20):
            assert (await send((one, other)[number % 2], number))["type"] == "ack"
        for socket in (one, other):
            is_error(await send(socket, 20), "rate_limited")
        answer = await alice.http.post(MESSAGES, json={"ref": "r20", "body": "hi"})
        is_problem(answer, 429, "rate_limited")
        assert (await send(bobs, 0))["type"] == "ack"
        clock.now += 1
        acks = [await send(one, number) for number in range(20, 31)]
        assert [ack["type"] for ack in acks] == ["ack"] * 10 + ["error"]
        clock.now += 0.1  # a retry of a stored message counts too, and gets the same ack
        assert (await send(other, 29)) == acks[9]
    items = (await alice.http.get(MESSAGES)).json()["items"]
    assert sorted(one["ref"] for one in items if one["user_id"] == alice.id) == sorted(
        f"r{number}" for number in range(30)
    )


async def test_a_socket_that_does_not_wait_is_closed_and_the_user_comes_back(
    clock: ManualClock, alice: Person
) -> None:
    async with alice.socket() as socket, alice.socket() as other:
        for number in range(20 + handler.REFUSALS):
            await socket.send(type="send", room_id=LOBBY_ID, ref=f"r{number}", body="hi")
        with suppress(ConnectionClosed):
            while True:
                await socket.receive()
        assert await socket.closed() == 4429
        await answers(other)
    clock.now += 2
    async with alice.socket() as socket:
        assert (await send(socket, 20))["type"] == "ack"


async def test_other_commands_have_a_pace_of_their_own(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", commands_per_second=0.1)
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        async with alice.socket() as socket:
            await answers(socket)
            is_error(await socket.call(type="ping"), "rate_limited")
            is_error(await socket.call(type="subscribe", room_id=LOBBY_ID), "rate_limited")
            assert (await send(socket, 0))["type"] == "ack"


async def test_r5_guessing_ids_is_too_often_by_every_way_and_hinders_nothing_else(
    clock: ManualClock, alice: Person, bob: Person
) -> None:
    async with alice.socket() as socket:
        for number in range(20):
            for path in (f"/rooms/guess{number}", f"/rooms/guess{number}/messages"):
                is_problem(await alice.http.get(path), 404, "not_found")
            is_error(await socket.call(type="subscribe", room_id=f"guess{number}"), "not_found")
        is_error(await socket.call(type="read", room_id="guess", seq=1), "rate_limited")
        for path in ("/rooms/guess", "/rooms/guess/log", "/users/guess", f"{MESSAGES}/99"):
            is_problem(await alice.http.get(path), 429, "rate_limited")
        assert (await alice.http.get(f"/rooms/{LOBBY_ID}")).status_code == 200
        assert (await send(socket, 0))["type"] == "ack"
    is_problem(await bob.http.get("/rooms/guess"), 404, "not_found")
    clock.now += 60
    is_problem(await alice.http.get("/rooms/guess"), 404, "not_found")


async def test_r16_the_101st_room_in_a_minute_is_too_much(
    clock: ManualClock, alice: Person, bob: Person
) -> None:
    room = {"name": "Tea", "visibility": "private"}
    made = await asyncio.gather(*(alice.http.post("/rooms", json=room) for _ in range(101)))
    assert sorted(answer.status_code for answer in made) == [201] * 100 + [429]
    is_problem(await alice.http.post("/rooms", json=room), 429, "rate_limited")
    assert (await bob.http.post("/rooms", json=room)).status_code == 201
    clock.now += 60
    assert (await alice.http.post("/rooms", json=room)).status_code == 201


async def test_r16_a_room_has_so_many_members_and_a_user_so_many_rooms(store_url: str) -> None:
    async with running(Settings(store=store_url, members_per_room=2, rooms_per_user=3)) as node:
        people = [await node.sign_up(name) for name in ("alice", "bob", "carol")]
        alice, bob, carol = people
        room = {"name": "Tea", "visibility": "public"}
        first, second = [(await alice.http.post("/rooms", json=room)).json()["id"] for _ in range(2)]
        is_problem(await alice.http.post("/rooms", json=room), 422, "limit")  # the lobby is the third
        for _ in range(2):  # joining again is harmless
            assert (await bob.http.post(f"/rooms/{first}/join")).status_code == 200
        is_problem(await carol.http.post(f"/rooms/{first}/join"), 422, "limit")
        await bob.http.post(f"/rooms/{first}/leave")
        assert (await carol.http.post(f"/rooms/{first}/join")).status_code == 200
        assert (await carol.http.post(f"/rooms/{second}/join")).status_code == 200
        is_problem(await carol.http.post("/rooms", json=room), 422, "limit")
        for person in people:
            await is_served(person)


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_an_address_signs_up_so_often_in_a_minute_on_all_nodes(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(store=store_url, signups_per_address=2)
    async with running(settings) as one, running(settings) as other:
        await one.sign_up("alice")
        await other.sign_up("bob")
        good = {"username": "carol", "password": "correct horse battery"}
        for node in (one, other):
            is_problem(await node.client().post("/auth/signup", json=good), 429, "rate_limited")
        monkeypatch.setattr("api.accounts.attempt_limits.now_ms", lambda: 10**13 + MINUTE_MS)
        assert (await one.client().post("/auth/signup", json=good)).status_code == 201


async def test_reading_past_the_head_is_answered_by_what_is_read(node: Node) -> None:
    carol = await node.sign_up("carol")
    head = (await carol.http.get(f"/rooms/{LOBBY_ID}")).json()["seq"]
    async with carol.socket() as socket:
        for seq in (10**6, 1):
            ack = await socket.call(type="read", room_id=LOBBY_ID, seq=seq)
            assert (ack["type"], ack["seq"]) == ("ack", head)
    assert (await carol.http.get(f"/rooms/{LOBBY_ID}")).json()["read_seq"] == head


async def test_changes_of_membership_are_entries_and_count_as_such(
    clock: ManualClock, alice: Person, bob: Person
) -> None:
    made = await alice.http.post("/rooms", json={"name": "Tea", "visibility": "public"})
    room = f"/rooms/{made.json()['id']}"
    for _ in range(10):
        assert (await bob.http.post(f"{room}/join")).status_code == 200
        assert (await bob.http.post(f"{room}/leave")).status_code == 204
    is_problem(await bob.http.post(f"{room}/join"), 429, "rate_limited")
    for number in range(20):
        role = ("member", "reader")[number % 2]
        answer = await alice.http.put(f"{room}/members/{bob.id}", json={"role": role})
        assert answer.status_code == 200
    is_problem(await alice.http.put(f"{room}/members/{bob.id}", json={"role": "member"}), 429, "rate_limited")
    is_problem(await alice.http.delete(f"{room}/members/{bob.id}"), 429, "rate_limited")
    clock.now += 0.1
    assert (await alice.http.delete(f"{room}/members/{bob.id}")).status_code == 204
    is_problem(await bob.http.post("/rooms/nowhere/join"), 404, "not_found")  # this comes before the throttle


async def test_requests_over_http_have_a_pace_too(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", commands_per_second=0.1)
    async with running(settings) as node:
        alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
        assert (await alice.http.get("/rooms")).status_code == 200
        is_problem(await alice.http.get("/users/me"), 429, "rate_limited")
        assert (await bob.http.get("/users/me")).status_code == 200


async def test_an_export_is_not_made_over_and_over(clock: ManualClock, alice: Person, bob: Person) -> None:
    for _ in range(EXPORTS_PER_MINUTE):
        assert (await alice.http.get("/users/me/export")).status_code == 200
    is_problem(await alice.http.get("/users/me/export"), 429, "rate_limited")
    assert (await bob.http.get("/users/me/export")).status_code == 200
    clock.now += 60
    assert (await alice.http.get("/users/me/export")).status_code == 200


async def test_a_flood_of_made_up_refresh_tokens_leaves_little_behind(
    clock: ManualClock, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    take = Windows.take

    def listen(windows: Windows, key: str, now: float) -> float:
        kept.append(key)
        return take(windows, key, now)

    monkeypatch.setattr(Windows, "take", listen)
    for token in ("x" * 4_096, "\N{GRINNING FACE}" * 4_096, alice.refresh_token):
        await alice.node.client().post("/auth/refresh", json={"refresh_token": token})
    assert len(set(kept)) == 3
    assert max(map(len, kept)) <= 64


async def test_more_right_passwords_at_once_than_may_fail_lock_nobody_out(
    tmp_path: Path,
) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", login_failures_per_account=2)
    async with running(settings, Passwords) as node:
        await node.sign_up("alice")
        client = node.client()
        good = {"username": "alice", "password": PASSWORD}
        together = await asyncio.gather(*(client.post("/auth/login", json=good) for _ in range(6)))
        assert 429 in {answer.status_code for answer in together}
        assert (await client.post("/auth/login", json=good)).status_code == 200


async def test_who_was_refused_a_moment_ago_takes_nobodys_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, turns = ConcurrencyLimit.take, list[ConcurrencyLimit]()

    def counted(one: ConcurrencyLimit) -> AbstractAsyncContextManager[None]:
        turns.append(one)
        return take(one)

    monkeypatch.setattr(ConcurrencyLimit, "take", counted)
    monkeypatch.setattr("api.accounts.attempt_limits.now_ms", lambda: 10**13)  # the clock stands still
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", login_failures_per_account=1)
    async with running(settings) as node:
        await node.sign_up("alice")
        turns.clear()
        guess = {"username": "alice", "password": "wrong horse battery"}
        answers = [await node.client().post("/auth/login", json=guess) for _ in range(20)]
        assert [answer.status_code for answer in answers] == [401] + [429] * 19
        assert len(turns) == 2
