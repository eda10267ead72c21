"""The headers of every answer, and what no address accepts; rows T2, W1, W3, W4 and W8."""

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
from api.http.hardening import HEADERS
from tests.node import Node, running

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
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not {"server", "x-powered-by", "strict-transport-security"} & set(answer.headers)
    assert not re.search(r"uvicorn|starlette|fastapi/", answer.text.lower()) or path.startswith("/docs")


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
    assert "cache-control" not in again.headers


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
    token = SecretStr("x" * 20)
    update = {"production": True, "docs": True, "metrics_token": token}
    async with running(settings.model_copy(update=update)) as node:
        for path in ("/docs", "/openapi.json"):
            assert (await node.client().get(path)).status_code == 200
        assert (await node.client().get("/metrics")).status_code == 404
        bearer = node.client(Authorization="Bearer " + token.get_secret_value())
        assert (await bearer.get("/metrics")).status_code == 200
