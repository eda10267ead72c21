"""Rows T: tokens, by HTTP and by socket, on each store where it matters. Each test ends with a good request.

tests/accounts/test_session_tokens.py tries the verification token by token; tests/http/test_cookies.py has the cookies.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.accounts.session_tokens import ISSUED_LEEWAY_SECONDS, LEEWAY_SECONDS
from api.clock import now_ms
from api.config import Settings
from api.http.cookies import PLAIN_NAME
from api.models.rooms import LOBBY_ID
from api.realtime import handler, heartbeats
from tests.accounts.forging import OTHER_SECRET, SECRET, decode, encode, forge, sign
from tests.bad_inputs.answers import is_error, is_problem, is_served
from tests.node import PASSWORD, Node, Person, Socket, eventually, running
from tests.process import result, serving
from tests.rooms.test_rooms import make_room

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

NO_TOKEN: Final = 'Bearer realm="tailwire"'
NO_SCHEMES: Final = ("", "Bearer", "Basic Y2Fyb2w6eA==")
"""What stands in `Authorization` where no token is shown."""
BAD_TOKEN: Final = 'Bearer realm="tailwire", error="invalid_token"'


@pytest.fixture
async def keyed_node(tmp_path: Path) -> AsyncIterator[Node]:
    """A server whose secret the forger knows, so that a forged token is refused for its one fault."""
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", secret=SecretStr(SECRET))
    async with running(settings) as started:
        yield started


@pytest.fixture
async def carol(keyed_node: Node) -> Person:
    return await keyed_node.sign_up("carol")


def forger(person: Person) -> Callable[..., str]:
    """Return a function that makes this person's token with some claims or header fields changed."""
    claims = decode(person.access_token.split(".")[1])

    def make(changes: dict[str, Any] | None = None, **header: Any) -> str:
        return forge(claims | (changes or {}), **header)

    return make


async def first_message(node: Node, **command: Any) -> int | None:
    """Return the close code that a first message gets."""
    async with connect(node.ws_url) as raw:
        socket = Socket(raw)
        await socket.send(**{"type": "authenticate"} | command)
        return await socket.closed()


async def denied(node: Node, token: str) -> int:
    """Return the status of the answer to a handshake with this token."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(node.ws_url, additional_headers={"Authorization": f"Bearer {token}"})
    assert refused.value.response.headers["www-authenticate"] == BAD_TOKEN
    return refused.value.response.status_code


async def refuse(node: Node, *tokens: str) -> None:
    """Require that each token is refused in all three places: HTTP, handshake and first message."""
    for token in tokens:
        answer = await node.client(Authorization=f"Bearer {token}").get("/users/me")
        is_problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"] == BAD_TOKEN
        assert await denied(node, token) == 401
        assert await first_message(node, token=token) == 4401


async def refresh(node: Node, token: str) -> httpx.Response:
    return await node.client().post("/auth/refresh", json={"refresh_token": token})


async def again(person: Person) -> Person:
    """Return the same user with another session."""
    good = {"username": person.username, "password": PASSWORD}
    body = (await person.node.client().post("/auth/login", json=good)).json()
    http = person.node.client(Authorization=f"Bearer {body['access_token']}")
    return Person(person.node, person.username, person.id, body["access_token"], body["refresh_token"], http)


async def test_t1_without_a_token_there_is_nothing(
    keyed_node: Node, carol: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    without: tuple[dict[str, str], ...] = ({}, *({"Authorization": one} for one in NO_SCHEMES))
    for headers in without:
        for method, path in (("GET", "/users/me"), ("POST", "/mcp"), ("GET", "/rooms/lobby/messages")):
            answer = await keyed_node.client(**headers).request(method, path)
            is_problem(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == NO_TOKEN
    for headers in without[1:]:
        with pytest.raises(InvalidStatus) as refused:
            await connect(keyed_node.ws_url, additional_headers=headers)
        assert refused.value.response.headers["www-authenticate"] == NO_TOKEN
    assert await first_message(keyed_node) == 4401
    monkeypatch.setattr(handler, "FIRST_MESSAGE_SECONDS", 0.05)
    async with connect(keyed_node.ws_url) as raw:
        assert await Socket(raw).closed() == 4408
    await is_served(carol)


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_t2_a_token_in_the_query_opens_nothing_and_is_in_no_log(
    tmp_path: Path, log_format: str
) -> None:
    settings = {"TAILWIRE_PORT": "0", "TAILWIRE_LOG_LEVEL": "debug", "TAILWIRE_LOG_FORMAT": log_format}
    with (tmp_path / "log").open("wb") as log:
        async with serving(settings, tmp_path, log=log) as node:
            carol = await node.sign_up("carol")
            for name in ("token", "access_token"):
                query = f"?{name}={carol.access_token}"
                for http in (node.client(), carol.http):
                    is_problem(await http.get(f"/users/me{query}"), 401, "unauthorized")
                with pytest.raises(InvalidStatus) as refused:
                    await connect(node.ws_url + query)
                assert refused.value.response.status_code == 401
            await is_served(carol)
    logged = (tmp_path / "log").read_text()
    assert "/users/me" in logged  # the log was written
    assert carol.access_token not in logged


async def test_t3_an_unsigned_token_does_not_hold(keyed_node: Node, carol: Person) -> None:
    make = forger(carol)
    for alg in ("none", "None", "nOnE"):
        unsigned = make(alg=alg).rpartition(".")[0]
        await refuse(keyed_node, make(alg=alg), unsigned + ".", unsigned)
    assert (await keyed_node.client(Authorization=f"Bearer {make()}").get("/users/me")).status_code == 200


async def test_t4_another_algorithm_does_not_hold(keyed_node: Node, carol: Person) -> None:
    make = forger(carol)
    await refuse(
        keyed_node, make(alg="HS512", digest="sha512"), *(make(alg=alg) for alg in ("RS256", "ES256"))
    )
    await is_served(carol)


async def test_t5_another_key_does_not_hold_nor_one_rotated_out(
    store_url: str, keyed_node: Node, carol: Person
) -> None:
    make = forger(carol)
    await refuse(keyed_node, *(make(secret=secret) for secret in ("", "secret", OTHER_SECRET)))
    await is_served(carol)
    async with running(Settings(store=store_url, secret=SecretStr(SECRET))) as node:
        alice = await node.sign_up("alice")
    token = alice.refresh_token
    turned = Settings(store=store_url, secret=SecretStr(OTHER_SECRET), previous_secrets=(SecretStr(SECRET),))
    for settings, status in ((turned, 200), (turned.model_copy(update={"previous_secrets": ()}), 401)):
        async with running(settings) as node:
            answer = await node.client(Authorization=f"Bearer {alice.access_token}").get("/users/me")
            assert answer.status_code == status
            if status == 401:
                await refuse(node, alice.access_token)
            renewed = await refresh(node, token)
            assert renewed.status_code == 200
            token = renewed.json()["refresh_token"]


async def test_t6_a_header_names_no_key_of_its_own(keyed_node: Node, carol: Person, tmp_path: Path) -> None:
    """The file and the address hold the key that the tokens are signed with, so that opening one would be noticed."""
    make = forger(carol)
    (tmp_path / "key").write_text(OTHER_SECRET)
    asked = asyncio.Event()
    server = await asyncio.start_server(lambda _reader, _writer: asked.set(), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/key"
    kids = ("../../dev/null", str(tmp_path / "key"), "' OR 1=1 --", "", "x" * 2_000)
    await refuse(keyed_node, *(make(secret=OTHER_SECRET, kid=kid) for kid in kids))
    jwk = {"kty": "oct", "k": encode(OTHER_SECRET.encode())}
    for header in ({"jku": url}, {"x5u": url}, {"jwk": jwk}):
        await refuse(keyed_node, make(secret=OTHER_SECRET, **header))
    server.close()
    assert not asked.is_set()
    await is_served(carol)


async def test_t7_a_token_past_its_end_or_without_one_does_not_hold(keyed_node: Node, carol: Person) -> None:
    make = forger(carol)
    now = now_ms() // 1000
    assert LEEWAY_SECONDS <= 30
    ends = (now - LEEWAY_SECONDS - 1, ..., str(now + 60), -1, 10**400, float("inf"), None)
    await refuse(keyed_node, *(make({"exp": end}) for end in ends))
    header, claims, _ = make().split(".")
    odd = str(decode(claims)).replace("'", '"').replace(str(decode(claims)["exp"]), "1e400")
    await refuse(keyed_node, sign(str(decode(header)).replace("'", '"').encode(), odd.encode()))
    await is_served(carol)


async def test_t8_a_token_that_has_not_begun_does_not_hold(keyed_node: Node, carol: Person) -> None:
    later = now_ms() // 1000 + ISSUED_LEEWAY_SECONDS + 5
    await refuse(keyed_node, *(forger(carol)({name: later}) for name in ("nbf", "iat")))
    await is_served(carol)


async def test_t9_one_kind_of_token_is_not_the_other(node: Node, alice: Person) -> None:
    await refuse(node, alice.refresh_token)
    is_problem(await refresh(node, alice.access_token), 401, "unauthorized")
    await is_served(alice)


async def test_t9_a_token_of_another_type_does_not_hold(keyed_node: Node, carol: Person) -> None:
    await refuse(keyed_node, *(forger(carol)({"typ": kind}) for kind in ("refresh", "", "id", ...)))
    await is_served(carol)


async def test_t10_what_is_too_large_or_encrypted_is_no_token(keyed_node: Node, carol: Person) -> None:
    head = encode(b'{"alg":"dir","enc":"A128GCM","zip":"DEF"}')
    await refuse(keyed_node, f"{head}.a.b.c.d", f"{head}..{encode(bytes(2_000))}.c.d")
    for token, code in (("x" * 4_200, 1009), ("x" * 1_000_000, 1009)):
        assert await first_message(keyed_node, token=token) == code
    answer = await keyed_node.client(Authorization="Bearer " + "x" * 9_000).get("/users/me")
    assert answer.status_code in {401, 431}
    await is_served(carol)


@pytest.mark.parametrize(
    "secret",
    ["", "short", "x" * 31, "x" * 64, "secret" * 6, "0123456789" * 4, "qwertyuiopasdfghjklzxcvbnm012345"],
    ids=lambda one: f"{one[:6]}*",
)
async def test_t11_a_server_with_a_weak_key_does_not_start(secret: str, tmp_path: Path) -> None:
    store = {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}
    code, out, err = await result(store | {"TAILWIRE_SECRET": secret}, tmp_path, "serve")
    assert code not in {0, None}
    assert "TAILWIRE_SECRET" in err
    assert "ready" not in out
    assert len(secret) < 6 or secret not in err


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_t12_t13_after_logging_out_the_access_token_opens_nothing_on_any_node(store_url: str) -> None:
    async with running(Settings(store=store_url)) as one, running(Settings(store=store_url)) as other:
        alice = await one.sign_up("alice")
        still = await again(alice)
        assert (await alice.http.post("/auth/logout")).status_code == 204
        for node in (one, other):
            await refuse(node, alice.access_token)
        await is_served(still)


async def test_t14_disabling_an_account_closes_its_sockets_on_every_node(store_url: str) -> None:
    async with running(Settings(store=store_url)) as one, running(Settings(store=store_url)) as other:
        keeper, alice = await one.sign_up("keeper"), await one.sign_up("alice")
        assert (await result({"TAILWIRE_STORE": store_url}, Path.cwd(), "user", "promote", "keeper"))[0] == 0

        async def is_admin() -> bool:
            return (await keeper.http.get("/admin/users")).status_code == 200

        await eventually(is_admin)
        async with alice.socket() as here, alice.socket(node=other) as there:
            changed = await keeper.http.patch(f"/admin/users/{alice.id}", json={"disabled": True})
            assert changed.status_code == 200
            async with asyncio.timeout(5):
                assert [await here.closed(), await there.closed()] == [4501, 4501]
        for node in (one, other):
            await refuse(node, alice.access_token)
        is_problem(await refresh(one, alice.refresh_token), 401, "unauthorized")
        await is_served(keeper)


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_t15_a_role_that_was_taken_away_opens_nothing_on_the_same_socket(
    alice: Person, bob: Person
) -> None:
    room = (await make_room(alice, "Tea", "private"))["id"]
    member = f"/rooms/{room}/members/{bob.id}"
    assert (await alice.http.put(member, json={"role": "moderator"})).status_code == 200
    async with bob.socket() as socket:
        assert (await socket.call(type="send", room_id=room, body="I may"))["type"] == "ack"
        assert (await alice.http.put(member, json={"role": "reader"})).status_code == 200
        is_error(await socket.call(type="send", room_id=room, body="I may not"), "forbidden")
        is_problem(await bob.http.put(member, json={"role": "owner"}), 403, "forbidden")
        assert (await socket.call(type="send", room_id=LOBBY_ID, body="hi"))["type"] == "ack"


async def test_t16_a_token_that_ends_is_told_before_and_closes_after(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (heartbeats.EXPIRING_MS, heartbeats.EXPIRY_GRACE_MS) == (60_000, 25_000)
    ends = decode(alice.access_token.split(".")[1])["exp"] * 1000
    async with alice.socket() as socket, bob.socket() as other:
        await socket.call(type="subscribe", room_id=LOBBY_ID)
        monkeypatch.setattr(heartbeats, "now_ms", lambda: ends - 59_000)
        assert (await socket.until(type="expiring"))["expires_at"]
        monkeypatch.setattr(heartbeats, "now_ms", lambda: ends + 24_000)
        assert (await socket.call(type="ping"))["type"] == "ack"
        monkeypatch.setattr(heartbeats, "now_ms", lambda: ends + 26_000)
        assert await socket.closed() == 4401
        assert await other.closed() == 4401  # bob's token is as old, and he has not renewed it
    monkeypatch.undo()
    await is_served(alice)


async def test_t17_the_11th_socket_replaces_the_least_used_one_and_the_21st_session_too(
    node: Node, alice: Person
) -> None:
    async with AsyncExitStack() as opened:
        bot, *others = [await opened.enter_async_context(alice.socket()) for _ in range(10)]
        assert (await bot.call(type="ping"))["type"] == "ack"
        newest = await opened.enter_async_context(alice.socket())
        assert await others[0].closed() == 4502  # the oldest of those that were never used
        for socket in (*others[1:], newest, bot):
            assert (await socket.call(type="ping"))["type"] == "ack"
        await opened.enter_async_context(alice.socket())
        assert await others[1].closed() == 4502  # all were used, and this one the longest ago
        later = [await again(alice) for _ in range(20)]
        assert (await bot.call(type="ping"))["type"] == "ack"
    await refuse(node, later[0].access_token)
    for one in (alice, *later[1:]):
        await is_served(one)


async def test_t18_a_refresh_gives_a_new_pair_and_the_old_one_is_used_up(node: Node, alice: Person) -> None:
    answer = await refresh(node, alice.refresh_token)
    assert answer.status_code == 200
    pair = answer.json()
    assert pair["refresh_token"] != alice.refresh_token
    assert pair["access_token"] != alice.access_token
    assert (await refresh(node, pair["refresh_token"])).status_code == 200
    is_problem(await refresh(node, alice.refresh_token), 401, "unauthorized")
    await is_served(await again(alice))


async def test_t19_a_token_reused_after_its_successor_ends_the_whole_family_and_its_sockets(
    node: Node, alice: Person
) -> None:
    pair = (await refresh(node, alice.refresh_token)).json()
    other = await again(alice)
    used = await node.client(Authorization=f"Bearer {pair['access_token']}").get("/users/me")
    assert used.status_code == 200
    async with alice.socket() as socket, other.socket() as others:
        is_problem(await refresh(node, alice.refresh_token), 401, "unauthorized")
        assert await socket.closed() == 4501
        assert (await others.call(type="ping"))["type"] == "ack"
    is_problem(await refresh(node, pair["refresh_token"]), 401, "unauthorized")
    await refuse(node, alice.access_token)
    await is_served(other)


async def test_t20_two_tabs_that_refresh_at_once_a_hundred_times_stay_signed_in(store_url: str) -> None:
    async with running(Settings(store=store_url, refreshes_per_minute=1_000)) as node:
        alice = await node.sign_up("alice")
        http, token = node.client(), alice.refresh_token
        for _ in range(100):
            body = {"refresh_token": token}
            answers = await asyncio.gather(*(http.post("/auth/refresh", json=body) for _ in range(2)))
            assert [answer.status_code for answer in answers] == [200, 200]
            (token,) = {answer.json()["refresh_token"] for answer in answers}
        await is_served(alice)


async def test_t21_what_is_no_refresh_token_of_a_living_session_is_refused(
    node: Node, alice: Person, bob: Person
) -> None:
    for token in ("", "garbage", "a.b", "%00", "\u00e9", "x" * 4_000):
        is_problem(await refresh(node, token), 401, "unauthorized")
    assert (await bob.http.post("/auth/logout")).status_code == 204
    is_problem(await refresh(node, bob.refresh_token), 401, "unauthorized")
    cookie = {
        "Origin": node.url,
        "X-Tailwire-Session": "cookie",
        "Cookie": f"{PLAIN_NAME}={bob.refresh_token}",
    }
    answer = await node.client(**cookie).post("/auth/refresh", json={})
    is_problem(answer, 401, "unauthorized")
    assert (await refresh(node, alice.refresh_token)).status_code == 200
    other = await again(alice)
    session = other.refresh_token.partition(".")[0]  # the id alone, without the secret half, is worth nothing
    is_problem(await refresh(node, f"{session}.{bob.refresh_token.partition('.')[2]}"), 401, "unauthorized")
    assert (await refresh(node, other.refresh_token)).status_code == 200
    await is_served(alice)


async def test_t22_a_refresh_by_cookie_from_a_foreign_page_or_none_is_refused(node: Node) -> None:
    page = {"Origin": node.url, "X-Tailwire-Session": "cookie"}
    good = {"username": "alice", "password": PASSWORD}
    made = await node.client(**page).post("/auth/signup", json=good)
    kept = {"Cookie": f"{PLAIN_NAME}={made.cookies[PLAIN_NAME]}", "X-Tailwire-Session": "cookie"}
    for origin in (
        "https://evil.test",
        "null",
        "",
        node.url + ".evil.test",
        node.url.replace("http", "ftp"),
        None,
    ):
        headers = kept if origin is None else kept | {"Origin": origin}
        answer = await node.client(**headers).post("/auth/refresh", json={})
        is_problem(answer, 403, "forbidden")
        assert "set-cookie" not in answer.headers
    assert (await node.client(**kept | page).post("/auth/refresh", json={})).status_code == 200


async def test_t23_the_31st_refresh_in_a_minute_is_too_much(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await sqlite_node.sign_up("alice")
    http, token = sqlite_node.client(), alice.refresh_token
    for _ in range(30):
        answer = await http.post("/auth/refresh", json={"refresh_token": token})
        token = answer.json()["refresh_token"]
    is_problem(await http.post("/auth/refresh", json={"refresh_token": token}), 429, "rate_limited")
    await is_served(alice)
    other = await again(alice)  # the refresh is refused for the session, not for the user
    assert (await refresh(sqlite_node, other.refresh_token)).status_code == 200
