"""The headers of every answer, and what no address accepts; rows T2, W1, W3, W4 and W8."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from api.config import Settings
from api.protocol.problems import SECURITY_HEADERS
from api.server import http as server_http
from tests.node import SECONDS, Node, running
from tests.peer import dial, handshake

pytestmark = pytest.mark.anyio

PATHS = (
    "/",
    "/docs",
    "/docs/assets/swagger-ui.css",
    "/openapi.json",
    "/healthz",
    "/users/me",
    "/nowhere",
    "/metrics",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a server with a page, in whose directory files were left by mistake."""
    page = tmp_path / "dist"
    (page / ".git").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Tailwire</title>")
    (page / "app.js.map").write_text("{}")
    (page / ".env").write_text("SECRET=1")
    (page / ".git" / "config").write_text("[core]")
    return Settings(
        signup="open",
        trusted_proxies=(ip_network("127.0.0.0/8"),),
        store=f"sqlite:///{tmp_path / 'tailwire.db'}",
        frontend=page,
        origins=("https://chat.example.org",),
    )


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Node]:
    async with running(settings) as started:
        yield started


async def refused_handshake(url: str, **headers: str) -> Response:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, additional_headers=headers):
            pass
    return refused.value.response


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_the_headers_and_no_banner(site: Node, path: str) -> None:
    answer = await site.client().get(path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not {"server", "x-powered-by", "strict-transport-security"} & set(answer.headers)
    assert not re.search(r"uvicorn|starlette|fastapi/", answer.text.lower()) or path.startswith("/docs")


GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
SOCKET = b"GET /ws/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n" + UPGRADE
KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        pytest.param(b"what is this\r\n\r\n", 400, "bad_request", id="no HTTP"),
        pytest.param(GET + b"X-Much: " + b"x" * 100_000, 431, "too_large", id="headers"),
        pytest.param(GET + b"X-Half: ", 408, "timeout", id="slow headers"),
        pytest.param(POST + b"Content-Length: 9\r\n\r\n{", 408, "timeout", id="slow body"),
        pytest.param(POST + UPGRADE + b"\r\n", 400, "bad_request", id="upgrade of a POST"),
        pytest.param(SOCKET + b"\r\n", 426, "upgrade_required", id="no version"),
        pytest.param(SOCKET + KEY.replace(b"==", b"") + b"\r\n", 400, "bad_request", id="no key"),
        pytest.param(SOCKET + KEY + b"Authorization: Bearer x\r\n\r\n", 401, "unauthorized", id="no token"),
    ],
)
async def test_what_the_transport_refuses_is_a_problem_with_the_headers_too(
    site: Node, monkeypatch: pytest.MonkeyPatch, sent: bytes, status: int, code: str
) -> None:
    monkeypatch.setattr(server_http, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(server_http, "BODY_SECONDS", 0.2)
    reader, writer = await dial(site)
    writer.write(sent)
    async with asyncio.timeout(SECONDS):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert first.split()[1] == str(status)
    assert SECURITY_HEADERS.items() <= headers.items()
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"]
    assert headers["connection"] == "close"


async def test_a_handshake_that_fails_by_a_bug_is_answered_with_the_headers_too(
    site: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("api.routers.ws.bind_request_id", broken)
    response = await refused_handshake(site.ws_url)
    assert response.status_code == 500
    assert json.loads(response.body)["code"] == "internal"
    assert (
        SECURITY_HEADERS.items() <= {name.lower(): value for name, value in response.headers.items()}.items()
    )


async def test_a_bug_is_answered_with_the_headers_too(site: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("api.routers.health.Health", fail)
    answer = await site.client().get("/healthz")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "hunter2" not in answer.text


async def test_a_page_may_run_its_own_scripts_and_nothing_else(site: Node) -> None:
    client = site.client()
    policy = (await client.get("/")).headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    docs = (await client.get("/docs")).headers["content-security-policy"]
    assert re.search(r"script-src 'self' 'sha256-[\w+/=]+';", docs)


async def test_a_page_that_has_not_changed_keeps_its_policy(site: Node) -> None:
    """A browser replaces the headers that it kept by those of a 304."""
    client = site.client()
    first = await client.get("/")
    again = await client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers.get("content-security-policy") in {None, first.headers["content-security-policy"]}
    assert again.headers["cache-control"] == "no-cache"


async def test_https_is_remembered_and_http_is_not(site: Node) -> None:
    for scheme, remembered in (("https", True), ("http", False)):
        answer = await site.client(**{"x-forwarded-proto": scheme}).get("/healthz")
        assert ("strict-transport-security" in answer.headers) is remembered


async def test_nobody_is_believed_who_is_no_trusted_proxy(sqlite_node: Node) -> None:
    answer = await sqlite_node.client(**{"x-forwarded-proto": "https"}).get("/healthz")
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["token", "access_token"])
async def test_a_token_in_the_query_is_refused_on_every_path(site: Node, path: str, name: str) -> None:
    alice = await site.sign_up("alice")
    answer = await alice.http.get(path, params={name: alice.access_token})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert alice.access_token not in answer.text


async def test_a_token_in_the_query_opens_no_socket(site: Node) -> None:
    alice = await site.sign_up("alice")
    for url in (site.ws_url, site.ws_url.replace("messages", "other")):
        refused = await refused_handshake(f"{url}?token={alice.access_token}")
        assert refused.status_code == 401


async def test_a_handshake_elsewhere_is_told_that_there_is_nothing(site: Node) -> None:
    for path in ("/", "/ws", "/rooms/lobby", "/docs/assets/x"):
        refused = await refused_handshake(site.ws_url.replace("/ws/messages", path))
        assert refused.status_code == 404
        assert b'"code":"not_found"' in (refused.body or b"")
        assert refused.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/.env", "/.git/config", "/%2egit/config", "/assets/.hidden", "/app.js.map", "/docs/assets/.x"],
)
async def test_what_was_left_beside_the_page_is_not_there(site: Node, path: str) -> None:
    async with httpx.AsyncClient(base_url=site.url, trust_env=False) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/assets/", "/docs/assets/", "/debug"])
async def test_a_directory_is_not_listed(site: Node, path: str) -> None:
    assert (await site.client().get(path)).status_code == 404


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://evil.test", False), ("null", False), ("https://chat.example.org", True)],
)
async def test_only_a_listed_origin_may_read_answers(site: Node, origin: str, allowed: bool) -> None:
    preflight = await site.client().options(
        "/users/me", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
    )
    plain = await site.client(Origin=origin).get("/healthz")
    for answer in (preflight, plain):
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert "access-control-allow-credentials" not in answer.headers


async def test_in_production_contracts_and_metrics_are_not_there(settings: Settings) -> None:
    async with running(settings.model_copy(update={"production": True})) as node:
        for path in ("/docs", "/docs/assets/swagger-ui.css", "/openapi.json", "/metrics", "/debug"):
            assert (await node.client().get(path)).status_code == 404, path
        assert (await node.client().get("/healthz")).status_code == 200


async def test_in_production_they_can_be_switched_on(settings: Settings) -> None:
    token = SecretStr("a token for metrics")
    update = {"production": True, "docs": True, "metrics_token": token}
    async with running(settings.model_copy(update=update)) as node:
        for path in ("/docs", "/openapi.json"):
            assert (await node.client().get(path)).status_code == 200
        assert (await node.client().get("/metrics")).status_code == 404
        bearer = node.client(Authorization="Bearer " + token.get_secret_value())
        assert (await bearer.get("/metrics")).status_code == 200


def host_of(node: Node) -> str:
    return node.url.removeprefix("http://")


@pytest.mark.parametrize("path", PATHS)
async def test_a_name_that_an_attacker_lets_point_here_reaches_nothing(site: Node, path: str) -> None:
    for host in ("evil.test", "evil.test:8000", "localhost.evil.test", "127.0.0.1.evil.test", "192.0.2.1"):
        answer = await site.client(Host=host).get(path)
        assert (answer.status_code, answer.json()["code"]) == (421, "misdirected")
        assert "evil" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_server_on_loopback_answers_at_its_own_names(site: Node) -> None:
    port = host_of(site).split(":")[1]
    for host in (f"localhost:{port}", "LOCALHOST", f"[::1]:{port}", "127.0.0.1", "chat.example.org:443"):
        assert (await site.client(Host=host).get("/healthz")).status_code == 200


async def test_a_host_that_is_none_is_a_bad_request(site: Node) -> None:
    for host in (
        "",
        "a b",
        "localhost:x",
        "localhost/",
        "a@localhost",
        "localhost, evil.test",
        "[::1",
        "a%62",
    ):
        answer = await site.client(Host=host).get("/healthz")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request"), host


async def test_a_handshake_for_another_host_is_refused(site: Node) -> None:
    proof = f"Authorization: Bearer {(await site.sign_up('alice')).access_token}\r\n"
    for more in (proof, proof + "Origin: http://evil.test\r\n"):
        reader, writer = await dial(site)
        writer.write(handshake("evil.test", None).removesuffix(b"\r\n") + more.encode() + b"\r\n")
        assert b" 421 " in await reader.readline()
        writer.close()


async def test_beyond_loopback_every_host_is_served_until_some_are_named(settings: Settings) -> None:
    anywhere = settings.model_copy(update={"host": "0.0.0.0"})  # noqa: S104  what is said, not where it listens
    async with running(anywhere) as node:
        assert (await node.client(Host="evil.test").get("/healthz")).status_code == 200
    async with running(anywhere.model_copy(update={"hosts": ("chat.example.org",)})) as node:
        for host, status in (("evil.test", 421), ("chat.example.org", 200), ("127.0.0.1", 200)):
            assert (await node.client(Host=host).get("/healthz")).status_code == status


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Authorization", "Bearer {token}", 401),
        ("Origin", "{url}", 400),
        ("Content-Type", "application/json", 400),
        ("Cookie", "a=b", 400),
        ("X-Tailwire-Session", "cookie", 400),
        ("Upload-Length", "3", 400),
        ("Upload-Offset", "3", 400),
        ("Content-Disposition", "attachment", 400),
        ("Range", "bytes=0-1", 400),
    ],
)
async def test_a_header_that_decides_may_not_stand_twice(
    site: Node, name: str, value: str, status: int
) -> None:
    """A proxy may look at the one, and the server at the other."""
    alice = await site.sign_up("alice")
    value = value.format(token=alice.access_token, url=site.url)
    others = {"Authorization": f"Bearer {alice.access_token}", "Host": host_of(site)}
    others.pop(name, None)
    for values in ([value, value], [value, "x"], ["x", value]):
        headers = [*others.items(), *((name, one) for one in values)]
        answer = await site.client().get("/users/me", headers=headers)
        assert answer.status_code == status, values
    once = [*others.items(), (name, value)]
    assert (await site.client().get("/users/me", headers=once)).status_code == 200


async def test_a_doubled_token_or_origin_opens_no_socket(site: Node) -> None:
    alice = await site.sign_up("alice")
    bearer, origin = ("Authorization", f"Bearer {alice.access_token}"), ("Origin", site.url)
    for headers, status in (([bearer, bearer], 401), ([bearer, origin, origin], 400)):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(site.ws_url, additional_headers=headers):
                pass
        assert refused.value.response.status_code == status


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Origin": "{url}"}, True),
        ({"Origin": "https://chat.example.org"}, True),
        ({"Origin": "https://Chat.example.org"}, False),  # no browser writes it so
        ({"Origin": "https://chat.example.org:443"}, False),
        ({"Origin": "https://chat.example.org/"}, False),
        ({"Origin": "{url}/"}, False),
        ({"Origin": "{url}/page"}, False),
        ({"Origin": "{url}?a=b"}, False),
        ({"Origin": "{url}, https://chat.example.org"}, False),
        ({"Origin": "//{host}"}, False),
        ({"Origin": "ws://{host}"}, False),
        ({"Origin": "https://{host}"}, True),  # a proxy that is not trusted may have taken the TLS away
        ({"Origin": "{url}", "X-Forwarded-Proto": "https"}, False),
        ({"Origin": "https://{host}", "X-Forwarded-Proto": "https"}, True),
        ({"Origin": "http://chat.example.org", "Host": "chat.example.org"}, False),  # listed with https
        ({"Origin": "https://chat.example.org", "Host": "Chat.Example.org:443"}, True),
    ],
)
async def test_an_origin_is_a_scheme_a_host_and_a_port_exactly(
    site: Node, headers: dict[str, str], allowed: bool
) -> None:
    sent = {name: value.format(url=site.url, host=host_of(site)) for name, value in headers.items()}
    answer = await site.client(**sent).post(
        "/auth/login", json={"username": "nobody", "password": "x"}, headers={"X-Tailwire-Session": "cookie"}
    )
    assert answer.status_code == (401 if allowed else 403)
    reader, writer = await dial(site)
    host = sent.pop("Host", host_of(site))
    more = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    writer.write(handshake(host, None).removesuffix(b"\r\n") + more.encode() + b"\r\n")
    assert (b" 101 " if allowed else b" 403 ") in await reader.readline()
    writer.close()
