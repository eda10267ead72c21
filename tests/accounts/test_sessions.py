"""Sessions, passwords and refresh tokens over HTTP; rows T9 and T12 to T21 of the bad inputs."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from api.accounts import sessions
from api.clock import now_ms
from api.config import Settings
from tests.node import PASSWORD, Node, Person, running

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
async def test_t17_the_session_too_many_ends_the_oldest(store_url: str) -> None:
    async with running(Settings(store=store_url, sessions_per_user=3)) as node:
        alice = await node.sign_up("alice")
        async with alice.socket() as socket:
            later = [await again(alice) for _ in range(3)]
            assert await socket.closed() == 4501
        assert [await works(one) for one in (alice, *later)] == [False, True, True, True]
        assert len((await later[0].http.get("/auth/sessions")).json()["items"]) == 3


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


async def test_a_tab_that_is_two_tokens_behind_within_the_grace_is_given_the_newest(
    node: Node, alice: Person
) -> None:
    first = alice.refresh_token
    _, second = await refresh(node, first)
    _, third = await refresh(node, second)
    assert await refresh(node, first) == (200, third)
    assert await refresh(node, second) == (200, third)
    status, fourth = await refresh(node, third)
    assert (status, await refresh(node, first)) == (200, (200, fourth))


async def test_t21_a_token_that_nobody_was_given_ends_no_session(node: Node, alice: Person) -> None:
    session_id, secret, mark = alice.refresh_token.split(".")
    guesses = (f"{session_id}.x", f"{session_id}.{secret}", f"{session_id}.{secret[::-1]}.{mark}", session_id)
    for guess in (*guesses, f"{session_id}.\u00e9.\U0001f600"):
        assert (await refresh(node, guess))[0] == 401
    assert await works(alice)
    assert (await refresh(node, alice.refresh_token))[0] == 200


async def test_t19_a_token_reused_after_the_grace_ends_the_session_and_its_sockets(
    node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, newest = await refresh(node, alice.refresh_token)
    assert status == 200
    monkeypatch.setattr(sessions, "now_ms", lambda: now_ms() + sessions.REFRESH_GRACE_MS + 1_000)
    async with alice.socket() as socket:
        assert (await refresh(node, alice.refresh_token))[0] == 401
        assert await socket.closed() == 4501
    assert (await refresh(node, newest))[0] == 401  # T21
    assert not await works(alice)


async def test_a_password_that_is_asked_for_again_can_be_guessed_no_oftener_than_at_log_in(
    node: Node, alice: Person, bob: Person
) -> None:
    for _ in range(5):
        guess = {"current_password": "a wrong guess", "new_password": NEW_PASSWORD}
        assert (await alice.http.put("/auth/password", json=guess)).status_code == 422
    right = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    for answer in (
        await alice.http.put("/auth/password", json=right),
        await alice.http.request("DELETE", "/users/me", json={"password": PASSWORD}),
        await log_in(node, "alice"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert (await bob.http.put("/auth/password", json=right)).status_code == 204


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
