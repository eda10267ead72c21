"""The files of the page: what browsers may keep, and in which form they come; rows C1 and C3."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from api.config import Settings
from api.http.page import ASKED_FOR, KEPT, best_coding, read_files
from api.main import BUILT_FRONTEND
from tests.node import Node, http_client, running
from tests.peer import dial

pytestmark = pytest.mark.anyio

SCRIPT = "assets/index-7JqPRqz6.js"
CODE = b"export default 1;" * 100


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Node]:
    """A server whose page was built as `vite build` builds it. The bodies tell the codings apart."""
    page = tmp_path / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Tailwire</title>")
    (page / "index.html.gz").write_bytes(gzip.compress(b"<!doctype html><title>Tailwire</title>"))
    (page / "config.json").write_text("{}")
    (page / "favicon.svg").write_text("<svg/>")
    (page / SCRIPT).write_bytes(CODE)
    (page / f"{SCRIPT}.gz").write_bytes(gzip.compress(CODE))
    (page / f"{SCRIPT}.br").write_bytes(b"brotli")
    (page / "assets" / "plain.css").write_text("a{}")
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", frontend=page, docs=True)
    async with running(settings) as started:
        yield started


async def raw(node: Node, path: str, **headers: str) -> httpx.Response:
    """Return an answer whose body was not decoded."""
    async with http_client(node.url) as client:
        client.headers.pop("accept-encoding")
        request = client.build_request("GET", path, headers=headers)
        answer = await client.send(request, stream=True)
        answer.raw_body = b"".join([part async for part in answer.aiter_raw()])  # type: ignore[attr-defined]
        return answer


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", "no-cache"),
        ("/index.html", "no-cache"),
        ("/config.json", "no-cache"),
        ("/favicon.svg", "no-cache"),
        ("/assets/plain.css", "no-cache"),
        (f"/{SCRIPT}", "public, max-age=31536000, immutable"),
        ("/docs", "no-cache"),
        ("/docs/assets/swagger-ui.css", "no-cache"),
        ("/openapi.json", "no-store"),
        ("/healthz", "no-store"),
        ("/metrics", "no-store"),
        ("/users/me", "no-store"),
        ("/assets/index-OLDoldOL.js", "no-store"),
        (f"/{SCRIPT}.br", "no-store"),
    ],
)
async def test_every_answer_says_whether_it_may_be_kept(site: Node, path: str, kept: str) -> None:
    assert (await site.client().get(path)).headers["cache-control"] == kept


async def test_a_users_data_may_not_be_kept(site: Node) -> None:
    alice = await site.sign_up("alice")
    for path in ("/users/me", "/rooms", "/rooms/lobby/messages", "/users/me/export"):
        assert (await alice.http.get(path)).headers["cache-control"] == "no-store"
    left = await alice.http.delete("/auth/sessions")
    assert (left.status_code, left.headers["cache-control"]) == (204, "no-store")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, gzip;q=0", "identity"),
        ("identity", "identity"),
        ("deflate", "identity"),
        ("*", "br"),
        ("*;q=0.1, br;q=0", "gzip"),
        ("gzip;q=rubbish", "identity"),
        (";;,=,", "identity"),
        ("", "identity"),
    ],
)
async def test_a_file_comes_in_the_best_coding_that_the_browser_takes(
    site: Node, accepted: str, coding: str
) -> None:
    answer = await raw(site, f"/{SCRIPT}", **{"Accept-Encoding": accepted})
    bodies = {"br": b"brotli", "gzip": gzip.compress(CODE), "identity": CODE}
    got: bytes = answer.raw_body  # type: ignore[attr-defined]
    assert answer.headers.get("content-encoding", "identity") == coding
    assert got[10:] == bodies[coding][10:]  # the head of gzip holds the time
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_each_coding_has_its_own_tag_and_an_unchanged_file_is_not_sent_again(site: Node) -> None:
    tags = set()
    for coding in ("br", "gzip", "identity"):
        accepted = {"Accept-Encoding": coding}
        tag = (await raw(site, f"/{SCRIPT}", **accepted)).headers["etag"]
        tags.add(tag)
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await raw(site, f"/{SCRIPT}", **accepted, **{"If-None-Match": known})
            assert again.status_code == 304
            assert again.headers["etag"] == tag
            assert again.headers["vary"] == "Accept-Encoding"
            assert "immutable" in again.headers["cache-control"]
        assert (await raw(site, f"/{SCRIPT}", **accepted, **{"If-None-Match": '"x"'})).status_code == 200
    assert len(tags) == 3


async def test_a_coding_that_is_not_there_is_not_chosen() -> None:
    assert best_coding("br, gzip;q=0.1", {"gzip": b"", "identity": b""}) == "gzip"
    assert best_coding("br", {"identity": b""}) == "identity"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/{SCRIPT}",
        "/docs",
        "/docs/assets/swagger-ui.css",
        "/openapi.json",
        "/healthz",
        "/readyz",
        "/metrics",
        "/users/me",
        "/rooms",
        "/rooms/lobby/log",
        "/ws/messages",
        "/nowhere",
        "/auth/login",  # only POST: 405 for both
    ],
)
async def test_head_is_answered_as_get_without_a_body(site: Node, path: str) -> None:
    alice = await site.sign_up("alice")
    got, head = await alice.http.get(path), await alice.http.head(path)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers.keys() == got.headers.keys()
    assert head.headers["content-type"] == got.headers["content-type"]
    if path not in {"/metrics", "/readyz"}:  # their bodies change from one answer to the next
        assert head.headers["content-length"] == got.headers["content-length"]


async def test_head_is_answered_wherever_the_contract_has_get(site: Node) -> None:
    alice = await site.sign_up("alice")
    paths = (await alice.http.get("/openapi.json")).json()["paths"]
    read = [path.replace("{room_id}", "lobby") for path, operations in paths.items() if "get" in operations]
    assert len(read) > 10
    for path in read:
        got, head = await alice.http.get(path), await alice.http.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path


async def test_an_answer_to_head_is_followed_by_the_next_answer(site: Node) -> None:
    """A body behind the headers would be taken for the next answer."""
    reader, writer = await dial(site)
    head, get = (f"{method} /healthz HTTP/1.1\r\nHost: localhost\r\n" for method in ("HEAD", "GET"))
    writer.write((head + "\r\n" + get + "Connection: close\r\n\r\n").encode())
    first, second, body = (await reader.read()).split(b"\r\n\r\n")
    assert (first[:15], second[:15], body) == (b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b'{"status":"ok"}')
    writer.close()


async def test_a_wrong_method_names_head_too(site: Node) -> None:
    assert (await site.client().delete("/healthz")).headers["allow"] == "GET, HEAD"


def test_the_real_build_is_named_and_compressed_as_it_is_served() -> None:
    if not (BUILT_FRONTEND / "index.html").is_file():
        pytest.skip("the SPA is not built: make spa")
    files = read_files(BUILT_FRONTEND)
    scripts = [name for name in files if name.endswith((".js", ".css"))]
    assert scripts
    for name in scripts:
        assert files[name].cache_control == KEPT
        bodies = files[name].bodies
        whole = bodies["identity"]
        if len(whole) > 1_000:  # a small file may be no smaller when compressed
            assert bodies.keys() == {"br", "gzip", "identity"}
        assert gzip.decompress(bodies.get("gzip") or gzip.compress(whole)) == whole
        assert len(whole) == max(map(len, bodies.values()))
    assert files[""].cache_control == files["config.json"].cache_control == ASKED_FOR


@pytest.mark.settings(url="https://example.org/chat", signup="open")
async def test_a_server_below_a_path_answers_with_the_path_and_without_it(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    for path in ("/healthz", "/users/me", "/docs", "/openapi.json"):
        for whole in (path, f"/chat{path}"):
            assert (await alice.http.get(whole)).status_code == 200, whole
    for path in ("/chat", "/chathealthz", "/chat/chat/healthz", "/other/healthz"):
        assert (await alice.http.get(path)).status_code == 404, path
    [server] = (await alice.http.get("/openapi.json")).json()["servers"]
    assert server["url"] == "/chat"
    proof = {"Authorization": f"Bearer {alice.access_token}"}
    for url in (sqlite_node.ws_url, sqlite_node.ws_url.replace("/ws/", "/chat/ws/")):
        async with connect(url, additional_headers=proof) as socket:
            assert '"ready"' in str(await socket.recv())
    assert (await alice.http.get("/chat/.env")).status_code == 404
    assert (await alice.http.get("/chat/healthz?token=x")).status_code == 401
