"""Rows W: web pages of others, and the log. Each test ends with a request that is served.

tests/http/test_hardening.py has the headers of every path, and W1, W3, W4 and W8 one by one;
tests/browser/test_attacks.py has W2 and W4 to W7 in Chromium.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.config import Settings
from tests.bad_inputs.answers import is_problem, is_served
from tests.node import Node, running
from tests.peer import dial
from tests.process import serving

pytestmark = pytest.mark.anyio

LISTED = "https://chat.example.org"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Node]:
    """A server in production, with an origin that may use it."""
    settings = Settings(
        store=f"sqlite:///{tmp_path / 'tailwire.db'}", origins=(LISTED,), production=True, signup="open"
    )
    async with running(settings) as started:
        yield started


async def test_w1_a_foreign_page_may_read_nothing(site: Node) -> None:
    alice = await site.sign_up("alice")
    for origin in ("https://evil.test", "null", LISTED + ".evil.test", LISTED.replace("https", "http"), ""):
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        for headers in ({}, {"Access-Control-Request-Headers": "authorization"}):
            answer = await site.client(**asked | headers).options("/users/me")
            assert "access-control-allow-origin" not in answer.headers
        answer = await alice.http.get("/users/me", headers={"Origin": origin, "Cookie": "a=b"})
        assert not [
            name
            for name in answer.headers
            if name in {"access-control-allow-origin", "access-control-allow-credentials"}
        ]
    answer = await alice.http.get("/users/me", headers={"Origin": LISTED})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, LISTED)


async def test_w3_what_is_switched_off_is_not_there(site: Node) -> None:
    alice = await site.sign_up("alice")
    for path in ("/debug", "/metrics", "/docs", "/redoc", "/openapi.json", "/docs/assets/swagger-ui.css"):
        is_problem(await alice.http.get(path), 404, "not_found")
    await is_served(alice)


async def test_w4_no_answer_may_be_framed(site: Node) -> None:
    alice = await site.sign_up("alice")
    for path in ("/", "/nowhere", "/users/me"):
        answer = await alice.http.get(path)
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    await is_served(alice)


async def test_w8_what_was_left_lying_about_is_not_there(site: Node) -> None:
    alice = await site.sign_up("alice")
    for path in (
        "/.git/HEAD",
        "/.env",
        "/index.js.map",
        "/assets/",
        "/assets/..%2f..%2fpyproject.toml",
        "/api/main.py",
    ):
        is_problem(await alice.http.get(path), 404, "not_found")
    await is_served(alice)


async def test_w9_ten_thousand_bad_requests_are_a_line_each_at_most(tmp_path: Path) -> None:
    count = 10_000
    request = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with (tmp_path / "log").open("wb") as log:
        async with serving({"TAILWIRE_PORT": "0"}, tmp_path, log=log) as node:
            reader, writer = await dial(node)
            for _ in range(count // 100):
                writer.write(request * 100)
                for _ in range(100):
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
                    await reader.readexactly(int(length.split()[1]))
            writer.close()
            for raw in (b"\x16\x03\x01\0", b"GET\r\n\r\n", b"\0" * 100):  # not HTTP
                reader, writer = await dial(node)
                writer.write(raw)
                async with asyncio.timeout(10):
                    await reader.read()
                writer.close()
            await is_served(await node.sign_up("alice"))
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) <= count + 20
    assert max(map(len, lines)) < 400


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [("1.1", 0, 400), ("1.1", 1, 200), ("1.1", 2, 400), ("1.0", 0, 200), ("1.0", 2, 400)],
)
async def test_a_request_says_once_which_host_it_is_for(
    sqlite_node: Node, version: str, hosts: int, status: int
) -> None:
    lines = ["GET /healthz HTTP/" + version, *["Host: localhost"] * hosts, "Connection: close"]
    reader, writer = await dial(sqlite_node)
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(10):
        answer = (await reader.read()).decode()
    writer.close()
    assert answer.startswith(f"HTTP/1.1 {status}")
    assert ('"code":"bad_request"' in answer) == (status == 400)


async def test_w10_a_bug_is_told_by_its_id_and_only_the_log_has_more(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await sqlite_node.sign_up("alice")

    def fail(*_arguments: object) -> None:
        raise RuntimeError("hunter2 at /var/lib")

    with monkeypatch.context() as broken:
        broken.setattr("api.routers.users.Me.of", fail)
        answer = await alice.http.get("/users/me")
    is_problem(answer, 500, "internal")
    assert not [
        word for word in ("hunter2", "/var/lib", "RuntimeError", "Traceback", ".py") if word in answer.text
    ]
    await is_served(alice)
