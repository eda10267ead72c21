"""The refresh token in a cookie; row T22, and T18 to T21 by cookie."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.config import Settings
from api.http.cookies import PLAIN_NAME, SECURE_NAME
from tests.node import PASSWORD, Node, http_client, running

pytestmark = pytest.mark.anyio

COOKIE = {"X-Tailwire-Session": "cookie"}
SECURE_REQUEST = httpx.Request("GET", "https://chat.lan/")
GOOD = {"username": "alice", "password": PASSWORD}
FOREIGN = [
    pytest.param({"Origin": "https://evil.test"}, id="T22-wrong"),
    pytest.param({"Origin": "null"}, id="T22-null"),
    pytest.param({"Origin": ""}, id="T22-empty"),
    pytest.param({}, id="T22-missing"),
]


@pytest.fixture
def page(sqlite_node: Node) -> dict[str, str]:
    """The headers of a request from a page of the server's own origin."""
    return {"Origin": sqlite_node.url, **COOKIE}


def cookie_of(answer: httpx.Response) -> tuple[str, str, str]:
    """Return name, value and attributes of the one cookie that an answer sets."""
    (header,) = answer.headers.get_list("set-cookie")
    pair, _, attributes = header.partition("; ")
    name, _, value = pair.partition("=")
    return name, value.strip('"'), attributes


async def call(node: Node, path: str, page: dict[str, str], token: str = "", **body: Any) -> httpx.Response:
    """Send a request with the cookie, as a browser does, by a client that keeps no cookies."""
    headers = page | ({"Cookie": f"{PLAIN_NAME}={token}"} if token else {})
    return await node.client().post(path, json=body, headers=headers)


async def test_a_page_of_ours_gets_a_cookie_that_scripts_cannot_read(
    sqlite_node: Node, page: dict[str, str]
) -> None:
    for path, status in (("/auth/signup", 201), ("/auth/login", 200)):
        answer = await call(sqlite_node, path, page, **GOOD)
        assert (answer.status_code, answer.json()["refresh_token"]) == (status, None)
        name, token, attributes = cookie_of(answer)
        assert name == PLAIN_NAME  # over http, also on loopback, where Safari takes no Secure cookie
        assert set(attributes.lower().split("; ")) == {
            *("httponly", "samesite=strict", "path=/", f"max-age={30 * 86_400}"),
        }
        assert token not in answer.text


async def test_without_asking_there_is_no_cookie(sqlite_node: Node) -> None:
    answer = await sqlite_node.client().post("/auth/signup", json=GOOD)
    assert answer.json()["refresh_token"]
    assert "set-cookie" not in answer.headers


async def test_a_refresh_by_cookie_rotates_it_and_reuse_ends_the_session(
    sqlite_node: Node, page: dict[str, str]
) -> None:
    first = cookie_of(await call(sqlite_node, "/auth/signup", page, **GOOD))[1]
    answer = await call(sqlite_node, "/auth/refresh", page, first)
    assert (answer.status_code, answer.json()["refresh_token"]) == (200, None)
    second = cookie_of(answer)[1]
    assert second != first
    assert cookie_of(await call(sqlite_node, "/auth/refresh", page, first))[1] == second
    me = sqlite_node.client(Authorization=f"Bearer {answer.json()['access_token']}")
    assert (await me.get("/users/me")).json()["username"] == "alice"
    assert (await call(sqlite_node, "/auth/refresh", page, first)).status_code == 401
    assert (await me.get("/users/me")).status_code == 401


@pytest.mark.settings(refreshes_per_minute=1_000)
async def test_tabs_that_refresh_at_once_all_stay_signed_in(sqlite_node: Node, page: dict[str, str]) -> None:
    token = cookie_of(await call(sqlite_node, "/auth/signup", page, **GOOD))[1]
    for _ in range(20):
        answers = await asyncio.gather(*(call(sqlite_node, "/auth/refresh", page, token) for _ in range(3)))
        assert [answer.status_code for answer in answers] == [200] * 3
        (token,) = {cookie_of(answer)[1] for answer in answers}


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_page_that_is_not_ours_gets_nothing_by_the_cookie(
    sqlite_node: Node, page: dict[str, str], headers: dict[str, str]
) -> None:
    made = await call(sqlite_node, "/auth/signup", page, **GOOD)
    bearer = {"Authorization": f"Bearer {made.json()['access_token']}"}
    foreign = COOKIE | headers
    for path, body in (
        ("/auth/refresh", {}),
        ("/auth/login", GOOD),
        ("/auth/signup", GOOD),
        ("/auth/logout", {}),
    ):
        answer = await call(sqlite_node, path, foreign | bearer, cookie_of(made)[1], **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        assert "set-cookie" not in answer.headers
    assert (await call(sqlite_node, "/auth/refresh", page, cookie_of(made)[1])).status_code == 200


async def test_the_cookie_alone_is_no_refresh_token(sqlite_node: Node, page: dict[str, str]) -> None:
    """The header, which only a page of ours can send, is missing."""
    made = await call(sqlite_node, "/auth/signup", page, **GOOD)
    answer = await call(sqlite_node, "/auth/refresh", {"Origin": sqlite_node.url}, cookie_of(made)[1])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    both = await call(sqlite_node, "/auth/refresh", page, cookie_of(made)[1], refresh_token="x")
    assert (both.status_code, both.json()["code"]) == (422, "invalid")
    other = await call(sqlite_node, "/auth/login", page | {"X-Tailwire-Session": "body"}, **GOOD)
    assert (other.status_code, other.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize("token", ["", "garbage", "a.b", "%00", "x" * 5_000])
async def test_a_cookie_that_is_none_of_ours_is_refused(
    sqlite_node: Node, page: dict[str, str], token: str
) -> None:
    answer = await call(sqlite_node, "/auth/refresh", page, token)
    assert answer.status_code == 401
    assert ("invalid_token" in answer.headers["www-authenticate"]) == bool(token)


async def test_logging_out_ends_the_session_and_clears_the_cookie(
    sqlite_node: Node, page: dict[str, str]
) -> None:
    made = await call(sqlite_node, "/auth/signup", page, **GOOD)
    bearer = {"Authorization": f"Bearer {made.json()['access_token']}"}
    answer = await sqlite_node.client().post("/auth/logout", headers=page | bearer)
    assert answer.status_code == 204
    name, value, attributes = cookie_of(answer)
    assert (name, value) == (PLAIN_NAME, "")
    assert "max-age=0" in attributes.lower()
    assert (await call(sqlite_node, "/auth/refresh", page, cookie_of(made)[1])).status_code == 401


@pytest.fixture
async def production_node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(
        Settings(
            store=f"sqlite:///{tmp_path / 'tailwire.db'}", production=True, signup="open", hosts=("chat.lan",)
        )
    ) as started:
        yield started


@pytest.mark.settings(trusted_proxies="127.0.0.1", hosts=("chat.lan",))
async def test_over_http_to_another_machine_the_cookie_is_plain_but_not_in_production(
    sqlite_node: Node, production_node: Node
) -> None:
    names = itertools.count()
    for node, scheme, expected in (
        (sqlite_node, "http", PLAIN_NAME),
        (sqlite_node, "https", SECURE_NAME),
        (production_node, "http", SECURE_NAME),
    ):
        async with http_client(node.url) as client:
            answer = await client.post(
                "/auth/signup",
                json=GOOD | {"username": f"user{next(names)}"},
                headers={
                    "Host": "chat.lan",
                    "Origin": f"{scheme}://chat.lan",
                    "X-Forwarded-Proto": scheme,
                    **COOKIE,
                },
            )
        name, _, attributes = cookie_of(answer)
        assert name == expected
        assert ("secure" in attributes.lower()) is (expected == SECURE_NAME)
        assert "httponly" in attributes.lower()


def https(name: str) -> dict[str, str]:
    return {"Host": name, "Origin": f"https://{name}", "X-Forwarded-Proto": "https", **COOKIE}


def http(name: str) -> dict[str, str]:
    return {"Host": name, "Origin": f"http://{name}", **COOKIE}


@pytest.mark.settings(trusted_proxies="127.0.0.1", hosts="chat.lan,localhost")
@pytest.mark.parametrize("before", [PLAIN_NAME, SECURE_NAME])
@pytest.mark.parametrize(
    ("page", "name"),
    [
        pytest.param(https("chat.lan"), SECURE_NAME, id="https"),
        pytest.param(http("chat.lan"), PLAIN_NAME, id="http"),
        pytest.param(http("localhost"), PLAIN_NAME, id="loopback"),
        pytest.param(https("chat.lan") | {"X-Forwarded-Proto": "http"}, SECURE_NAME, id="unnamed-proxy"),
    ],
)
async def test_a_session_goes_on_when_a_setting_renames_its_cookie(
    sqlite_node: Node, page: dict[str, str], name: str, before: str
) -> None:
    made = (await sqlite_node.client().post("/auth/signup", json=GOOD)).json()["refresh_token"]
    async with http_client(sqlite_node.url, headers=page) as browser:
        carried = {"Cookie": f"{before}={made}"}
        answer = await browser.post("/auth/refresh", json={}, headers=carried)
        assert answer.status_code == 200
        kept = httpx.Cookies()
        kept.extract_cookies(httpx.Response(200, headers=answer.headers, request=SECURE_REQUEST))
        assert list(kept) == [name]
        cleared = [one for one in answer.headers.get_list("set-cookie") if "max-age=0" in one.lower()]
        assert [one.partition("=")[0] for one in cleared] == ([] if before == name else [before])
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        both = {"Cookie": f"{PLAIN_NAME}=x; {SECURE_NAME}=y"}
        out = await browser.post("/auth/logout", headers=bearer | both)
    cleared = [one.partition("=")[0] for one in out.headers.get_list("set-cookie")]
    assert sorted(cleared) == sorted([PLAIN_NAME, SECURE_NAME])


async def test_of_two_cookies_the_one_that_works_counts(sqlite_node: Node, page: dict[str, str]) -> None:
    made = (await sqlite_node.client().post("/auth/signup", json=GOOD)).json()["refresh_token"]
    for cookies in (
        f"{PLAIN_NAME}=stale; {SECURE_NAME}={made}",
        f"{SECURE_NAME}=stale; {PLAIN_NAME}={made}",
    ):
        headers = page | {"Cookie": cookies}
        assert (await sqlite_node.client().post("/auth/refresh", json={}, headers=headers)).status_code == 200
    neither = page | {"Cookie": f"{PLAIN_NAME}=stale; {SECURE_NAME}=stale"}
    assert (await sqlite_node.client().post("/auth/refresh", json={}, headers=neither)).status_code == 401
