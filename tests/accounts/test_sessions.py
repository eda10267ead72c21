"""Sessions, passwords and refresh tokens over HTTP; rows T9 and T12 to T21 of the bad inputs."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect

from api.accounts import sessions, uses
from api.accounts.attempt_limits import SLOT_BYTES
from api.clock import MS_PER_DAY, MS_PER_MINUTE, now_ms
from api.config import Settings
from api.errors import StorageFull
from api.models.accounts import SessionUse
from api.realtime import revocation
from api.store.sqlite.sessions import SqliteSessions
from tests.accounts.forging import OTHER_SECRET, SECRET
from tests.node import PASSWORD, Node, Person, Socket, eventually, running

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

NEW_PASSWORD = "staple battery horse"


async def log_in(node: Node, username: str, password: str = PASSWORD) -> httpx.Response:
    return await node.client().post("/auth/login", json={"username": username, "password": password})


async def again(person: Person) -> Person:
    """Return the same user with another session."""
    answer = await log_in(person.node, person.username)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    http = person.node.client(Authorization=f"Bearer {body['access_token']}")
    return Person(person.node, person.username, person.id, body["access_token"], body["refresh_token"], http)


async def session_id(person: Person) -> str:
    items = (await person.http.get("/auth/sessions")).json()["items"]
    return str(next(one["id"] for one in items if one["current"]))


async def refresh(node: Node, token: str) -> tuple[int, str]:
    answer = await node.client().post("/auth/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json().get("refresh_token", "")


async def works(person: Person) -> bool:
    return (await person.http.get("/users/me")).status_code == 200


async def test_sessions_are_listed_newest_first_with_ones_own_marked(node: Node, alice: Person) -> None:
    second = await again(alice)
    items = (await second.http.get("/auth/sessions")).json()["items"]
    assert [one["current"] for one in items] == [True, False]
    assert items[0].keys() == {"id", "created_at", "last_used_at", "user_agent", "current"}
    assert items[0]["user_agent"].startswith("python-httpx")


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_another_session_is_ended_with_its_sockets(node: Node, alice: Person) -> None:
    second = await again(alice)
    async with second.socket() as socket:
        assert (await alice.http.delete(f"/auth/sessions/{await session_id(second)}")).status_code == 204
        assert await socket.closed() == 4501
    assert not await works(second)
    assert await works(alice)


async def test_the_session_of_another_user_is_answered_like_none(
    node: Node, alice: Person, bob: Person
) -> None:
    answers = [
        await bob.http.delete(f"/auth/sessions/{one}") for one in (await session_id(alice), "nobody", "%00")
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({str(answer.json() | {"request_id": ""}) for answer in answers}) == 1
    assert await works(alice)


async def test_all_other_sessions_end(node: Node, alice: Person, bob: Person) -> None:
    others = [await again(alice) for _ in range(2)]
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(one.socket()) for one in others]
        mine = await stack.enter_async_context(alice.socket())
        assert (await alice.http.delete("/auth/sessions")).status_code == 204
        assert [await socket.closed() for socket in sockets] == [4501, 4501]
        await mine.send(type="ping")
        await mine.until(type="pong")
    assert [await works(one) for one in (alice, bob, *others)] == [True, True, False, False]


async def test_a_new_password_ends_all_other_sessions(node: Node, alice: Person) -> None:
    second = await again(alice)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    async with second.socket() as socket:
        wrong = await alice.http.put("/auth/password", json=change | {"current_password": "wrong password"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_credentials")
        short = await alice.http.put("/auth/password", json=change | {"new_password": "short"})
        assert (short.status_code, short.json()["errors"][0]["loc"]) == (422, ["new_password"])
        assert await works(second)
        assert (await alice.http.put("/auth/password", json=change)).status_code == 204
        assert await socket.closed() == 4501
    assert await works(alice)
    assert (await refresh(node, second.refresh_token))[0] == 401
    assert (await log_in(node, "alice")).status_code == 401
    assert (await log_in(node, "alice", NEW_PASSWORD)).status_code == 200


async def test_t9_a_refresh_token_is_no_access_token_nor_the_other_way(node: Node, alice: Person) -> None:
    as_access = node.client(Authorization=f"Bearer {alice.refresh_token}")
    assert (await as_access.get("/users/me")).status_code == 401
    assert (await refresh(node, alice.access_token))[0] == 401
    assert await works(alice)


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_t17_the_session_too_many_ends_one_that_was_never_used_and_else_the_least_lately_used(
    store_url: str,
) -> None:
    async with running(Settings(store=store_url, sessions_per_user=3)) as node:
        daily = await node.sign_up("alice")
        async with daily.socket() as socket:
            scripts = [await again(daily) for _ in range(20)]
            assert [await works(one) for one in scripts] == [False] * 18 + [True] * 2
            await socket.call(type="ping")
            one_more = await again(daily)
            assert await socket.closed() == 4501
        assert [await works(one) for one in (daily, *scripts[-2:], one_more)] == [False, True, True, True]
        assert len((await one_more.http.get("/auth/sessions")).json()["items"]) == 3


@pytest.mark.settings(refreshes_per_minute=1_000)
@pytest.mark.stores("sqlite", "rethinkdb")
async def test_t18_t20_tabs_that_refresh_at_once_or_one_behind_the_other_stay_signed_in(
    node: Node, alice: Person
) -> None:
    token = alice.refresh_token
    for _ in range(25):
        answers = await asyncio.gather(*(refresh(node, token) for _ in range(4)))
        assert len(set(answers)) == 1
        assert answers[0][0] == 200
        token = answers[0][1]
    assert await works(alice)


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_a_lost_answer_is_given_again_on_any_node_however_late_and_whatever_the_clocks_say(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as node, running(settings) as other:
        alice = await node.sign_up("alice")
        lost = await refresh(node, alice.refresh_token)
        # The clock of a node that is behind, and then that of one that is ahead.
        monkeypatch.setattr(sessions, "now_ms", lambda: now_ms() - 10 * MS_PER_MINUTE)
        assert await refresh(other, alice.refresh_token) == lost
        monkeypatch.setattr(sessions, "now_ms", lambda: now_ms() + MS_PER_DAY)
        assert await refresh(node, alice.refresh_token) == lost
        monkeypatch.undo()
        # The access token from before works, as it says nothing of the pair that was lost.
        assert await works(alice)
        assert await refresh(node, alice.refresh_token) == lost
        assert (await refresh(other, lost[1]))[0] == 200


async def access_token(node: Node, refresh_token: str) -> str:
    answer = await node.client().post("/auth/refresh", json={"refresh_token": refresh_token})
    return str(answer.json()["access_token"])


async def use_by_http(node: Node, token: str) -> None:
    answers = await asyncio.gather(
        *(node.client(Authorization=f"Bearer {token}").get("/users/me") for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200}


async def use_by_socket(node: Node, token: str) -> None:
    async with connect(node.ws_url) as raw:
        socket = Socket(raw)
        await socket.send(type="authenticate", token=token)
        assert (await socket.receive())["type"] == "ready"


@pytest.mark.stores("sqlite", "rethinkdb")
@pytest.mark.parametrize("use", [use_by_http, use_by_socket])
async def test_t19_once_its_successors_access_token_was_seen_on_any_node_a_token_ends_the_session_and_its_sockets(
    store_url: str, use: Callable[[Node, str], Awaitable[None]]
) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as node, running(settings) as other:
        alice = await node.sign_up("alice")
        status, newest = await refresh(node, alice.refresh_token)
        assert status == 200
        await use(other, await access_token(node, alice.refresh_token))
        async with alice.socket() as socket:
            assert (await refresh(node, alice.refresh_token))[0] == 401
            assert await socket.closed() == 4501
        assert (await refresh(node, newest))[0] == 401  # T21
        assert not await works(alice)


async def test_t19_once_its_successor_was_presented_a_token_ends_the_session(
    node: Node, alice: Person
) -> None:
    _, second = await refresh(node, alice.refresh_token)
    status, third = await refresh(node, second)
    assert (status, await refresh(node, second)) == (200, (200, third))
    assert (await refresh(node, alice.refresh_token))[0] == 401
    assert (await refresh(node, third))[0] == 401
    assert not await works(alice)


async def test_a_lost_answer_is_given_again_while_the_secret_is_changed(store_url: str) -> None:
    old, new = SecretStr(SECRET), SecretStr(OTHER_SECRET)
    async with running(Settings(store=store_url, secret=old)) as node:
        alice = await node.sign_up("alice")
        lost = await refresh(node, alice.refresh_token)
    for secret, previous in ((old, (new,)), (new, (old,))):
        async with running(Settings(store=store_url, secret=secret, previous_secrets=previous)) as node:
            assert await refresh(node, alice.refresh_token) == lost
    async with running(Settings(store=store_url, secret=new)) as node:  # the lost one cannot be made again
        status, newest = await refresh(node, alice.refresh_token)
        assert (status, newest == lost[1]) == (200, False)
        assert await refresh(node, alice.refresh_token) == (200, newest)
        assert (await refresh(node, newest))[0] == 200


async def test_the_first_use_of_a_pair_is_one_write_and_later_uses_are_none(
    node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[SessionUse] = []
    store_uses = SqliteSessions.use

    async def use(self: SqliteSessions, uses: Sequence[SessionUse], *, at: int) -> None:
        written.extend(uses)
        await store_uses(self, uses, at=at)

    monkeypatch.setattr(SqliteSessions, "use", use)
    await works(alice)
    token = await access_token(node, alice.refresh_token)
    http = node.client(Authorization=f"Bearer {token}")
    await http.get("/users/me")
    for _ in range(3):
        await use_by_http(node, token)
        await use_by_http(node, alice.access_token)
    assert [one.refresh_hash is not None for one in written] == [True, True]
    monkeypatch.setattr(uses, "now_ms", lambda: now_ms() + uses.STALE_MS)
    await http.get("/users/me")
    assert [one.refresh_hash for one in written[2:]] == [None]
    listed = (await http.get("/auth/sessions")).json()["items"]
    assert listed[0]["last_used_at"] > listed[0]["created_at"]


async def test_an_open_socket_is_a_use_of_its_session(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await sqlite_node.sign_up("alice")
    other = await again(alice)

    async def last_use() -> str:
        items = (await other.http.get("/auth/sessions")).json()["items"]
        return str(next(one["last_used_at"] for one in items if not one["current"]))

    async with alice.socket():
        before = await last_use()
        monkeypatch.setattr(uses, "STALE_MS", 0)
        monkeypatch.setattr(revocation, "SESSIONS_SECONDS", 0.01)

        async def is_later() -> bool:
            return await last_use() > before

        await eventually(is_later)


async def test_a_store_that_cannot_be_written_stops_no_reading(
    node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_self: SqliteSessions, _uses: Sequence[SessionUse], *, at: int) -> None:
        raise StorageFull(str(at))

    with monkeypatch.context() as patched:
        patched.setattr(SqliteSessions, "use", full)
        assert await works(alice)
    _, newest = await refresh(node, alice.refresh_token)
    assert await works(alice)
    assert (await refresh(node, newest))[0] == 200


async def test_made_up_tokens_that_name_a_session_do_not_use_up_its_refreshes(
    node: Node, alice: Person
) -> None:
    session_id = alice.refresh_token.partition(".")[0]
    for number in range(31):
        assert (await refresh(node, f"{session_id}.{number}.x"))[0] == 401
    assert (await refresh(node, alice.refresh_token))[0] == 200


async def test_t21_a_token_that_nobody_was_given_ends_no_session(node: Node, alice: Person) -> None:
    session_id, secret, mark = alice.refresh_token.split(".")
    guesses = (f"{session_id}.x", f"{session_id}.{secret}", f"{session_id}.{secret[::-1]}.{mark}", session_id)
    for guess in (*guesses, f"{session_id}.\u00e9.\U0001f600"):
        assert (await refresh(node, guess))[0] == 401
    assert await works(alice)
    assert (await refresh(node, alice.refresh_token))[0] == 200


async def test_a_password_that_is_asked_for_again_can_be_guessed_no_oftener_than_at_log_in(
    node: Node, alice: Person, bob: Person
) -> None:
    other = await again(alice)
    for _ in range(5):
        guess = {"current_password": "a wrong guess", "new_password": NEW_PASSWORD}
        assert (await alice.http.put("/auth/password", json=guess)).status_code == 422
    right = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    for answer in (
        await alice.http.put("/auth/password", json=right),
        await alice.http.request("DELETE", "/users/me", json={"password": PASSWORD}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert (await log_in(node, "alice")).status_code == 200
    for one in (other, bob):
        assert (await one.http.put("/auth/password", json=right)).status_code == 204


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_strangers_who_guess_a_password_do_not_keep_its_owner_from_changing_it_or_leaving(
    store_url: str,
) -> None:
    settings = Settings(store=store_url, login_failures_per_address=6)
    async with running(settings) as node, running(settings) as other:
        alice = await node.sign_up("alice")
        for _ in range(5):
            assert (await log_in(node, "alice", "a wrong guess")).status_code == 401
        assert (await log_in(node, "bob", "a wrong guess")).status_code == 401
        for name in ("alice", "bob"):  # the account is locked, and so is the address, which is alice's own
            assert (await log_in(other, name)).status_code == 429
        change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        assert (await alice.http.put("/auth/password", json=change)).status_code == 204
        erase = {"password": NEW_PASSWORD}
        assert (await alice.http.request("DELETE", "/users/me", json=erase)).status_code == 204


async def test_nobody_can_choose_a_name_that_is_counted_with_another(node: Node) -> None:
    by_slot: defaultdict[bytes, list[str]] = defaultdict(list)
    for number in range(2_000):  # two names that would share a slot by a hash without a key
        name = f"user{number}"
        by_slot[hashlib.sha256(name.encode()).digest()[:SLOT_BYTES]].append(name)
    name, other = next(names for names in by_slot.values() if len(names) > 1)[:2]
    await node.sign_up(other)
    assert [(await log_in(node, name, "a wrong guess")).status_code for _ in range(6)] == [401] * 5 + [429]
    assert (await log_in(node, other)).status_code == 200


async def test_a_log_in_under_way_while_the_password_changes_gets_no_session(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await sqlite_node.sign_up("alice")
    begin = sessions.SessionService.begin

    async def change_first(*arguments: object) -> object:
        monkeypatch.setattr(sessions.SessionService, "begin", begin)
        change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        assert (await alice.http.put("/auth/password", json=change)).status_code == 204
        return await begin(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sessions.SessionService, "begin", change_first)
    assert (await log_in(sqlite_node, "alice")).status_code == 401
    assert len((await alice.http.get("/auth/sessions")).json()["items"]) == 1
