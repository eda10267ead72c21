"""The proxies of docs/deploy/, as nginx and Caddy run them: address, https, cookies, sockets and kept connections."""

import asyncio
import gzip
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.async_api import Browser, expect
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from api.config import Settings
from api.http.cookies import SECURE_NAME
from api.models.rooms import LOBBY_ID
from api.store import open_store
from tests.browser.conftest import browser, playwright
from tests.browser.windows import line, say, window
from tests.faults.proxy import Proxy, proxied
from tests.node import PASSWORD, Node, Socket, eventually, running
from tests.process import START_SECONDS
from tests.rethinkdb_server import free_port

__all__ = ["browser", "playwright"]  # fixtures

pytestmark = pytest.mark.anyio

Front: TypeAlias = Callable[[Path, int, int], AbstractAsyncContextManager[None]]
"""Runs a proxy: in this directory, on this port, in front of that port."""
DEPLOY: Final = Path(__file__).parent.parent / "docs" / "deploy"
CLIENT: Final = "127.0.0.9"
"""The address that clients connect from. The proxies and the server use 127.0.0.1, which alone is trusted."""
NGINX: Final = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
  default_type application/octet-stream;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  access_log off;
  include {conf};
}}
"""


@dataclass
class Site:
    """A server behind one or two proxies."""

    base: str
    context: ssl.SSLContext
    upstream: Proxy
    store_url: str
    front: str

    @property
    def origin(self) -> str:
        return self.base.removesuffix("/chat")

    @property
    def socket_url(self) -> str:
        return self.base.replace("https", "wss") + "/ws/messages"

    def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(verify=self.context, local_address=CLIENT)
        return httpx.AsyncClient(
            base_url=self.base, transport=transport, headers=headers, timeout=10, trust_env=False
        )


def written(path: Path, text: str, **changes: str) -> Path:
    """Write a file of docs/deploy/ with other ports and paths. Each of the changes must be one."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)
    return path


def make_certificate(directory: Path) -> ssl.SSLContext:
    """Write cert.pem and key.pem for 127.0.0.1, and return a context that trusts them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now().astimezone()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (directory / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return ssl.create_default_context(cafile=str(directory / "cert.pem"))


@asynccontextmanager
async def program(port: int, *command: str, **environment: str) -> AsyncIterator[None]:
    """Run a proxy until the context ends. It is ready when its port takes a connection."""
    if shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin") is None:
        pytest.skip(f"NOT TESTED: there is no {command[0]} on this machine")
    path = {"PATH": os.environ["PATH"] + ":/usr/sbin"}
    process = await asyncio.create_subprocess_exec(
        *command, env=path | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )

    async def is_listening() -> bool:
        assert process.returncode is None, await process.stderr.read() if process.stderr else b""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    try:
        await eventually(is_listening, START_SECONDS)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def nginx(directory: Path, port: int, conf: Path) -> AbstractAsyncContextManager[None]:
    """Run nginx with one file of docs/deploy/."""
    own = directory / f"nginx-{port}"
    own.mkdir()
    main = own / "main.conf"
    main.write_text(NGINX.format(directory=own, conf=conf, user="user root;" if os.geteuid() == 0 else ""))
    return program(port, "nginx", "-c", str(main), "-e", str(own / "error.log"))


def caddy(directory: Path, port: int, conf: Path) -> AbstractAsyncContextManager[None]:
    """Run Caddy with one file of docs/deploy/."""
    command = ("caddy", "run", "--config", str(conf), "--adapter", "caddyfile")
    return program(port, *command, HOME=str(directory), XDG_DATA_HOME=str(directory))


@asynccontextmanager
async def nginx_alone(directory: Path, port: int, upstream: int) -> AsyncIterator[None]:
    conf = written(
        directory / "nginx.conf",
        (DEPLOY / "nginx.conf").read_text(),
        **{
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "/etc/ssl/chat.example.org.pem": str(directory / "cert.pem"),
            "/etc/ssl/chat.example.org.key": str(directory / "key.pem"),
            "/var/log/nginx/tailwire.log": str(directory / "access.log"),
        },
    )
    async with nginx(directory, port, conf):
        yield


@asynccontextmanager
async def two_in_a_row(directory: Path, port: int, upstream: int) -> AsyncIterator[None]:
    inner = free_port()
    conf = written(
        directory / "inner.conf",
        (DEPLOY / "nginx-behind-a-proxy.conf").read_text(),
        **{"127.0.0.1:8000": f"127.0.0.1:{upstream}", "listen 8080;": f"listen 127.0.0.1:{inner};"},
    )
    async with nginx(directory, inner, conf), nginx_alone(directory, port, inner):
        yield


@asynccontextmanager
async def nginx_below_a_path(directory: Path, port: int, upstream: int) -> AsyncIterator[None]:
    conf = written(
        directory / "nginx.conf",
        (DEPLOY / "nginx-path.conf").read_text(),
        **{
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "/etc/ssl/example.org.pem": str(directory / "cert.pem"),
            "/etc/ssl/example.org.key": str(directory / "key.pem"),
            "/var/log/nginx/tailwire.log": str(directory / "access.log"),
        },
    )
    async with nginx(directory, port, conf):
        yield


def caddy_of(name: str, site: str) -> Front:
    @asynccontextmanager
    async def front(directory: Path, port: int, upstream: int) -> AsyncIterator[None]:
        own = f"127.0.0.1:{port} {{\n\tbind 127.0.0.1\n\ttls {directory}/cert.pem {directory}/key.pem"
        conf = written(
            directory / "Caddyfile",
            "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + (DEPLOY / name).read_text(),
            **{f"\n{site} {{": f"\n{own}", "127.0.0.1:8000": f"127.0.0.1:{upstream}"},
        )
        async with caddy(directory, port, conf):
            yield

    return front


FRONTS: Final[dict[str, tuple[Front, str]]] = {
    "nginx": (nginx_alone, ""),
    "two proxies in a row": (two_in_a_row, ""),
    "nginx below a path": (nginx_below_a_path, "/chat"),
    "caddy": (caddy_of("Caddyfile", "chat.example.org"), ""),
    "caddy below a path": (caddy_of("Caddyfile-path", "example.org"), "/chat"),
}


@asynccontextmanager
async def behind(front: str, directory: Path, **more: Any) -> AsyncIterator[Site]:
    """Run a server behind a proxy, which ends TLS."""
    run, path = FRONTS[front]
    port, store = free_port(), f"sqlite:///{directory / 'tailwire.db'}"
    base = f"https://127.0.0.1:{port}{path}"
    more |= {"sends_burst": 200, "signup": "open"}
    settings = Settings(store=store, url=base, trusted_proxies=(ip_network("127.0.0.1/32"),), **more)
    context = make_certificate(directory)
    async with (
        running(settings) as node,
        proxied(int(node.url.rpartition(":")[2])) as upstream,
        run(directory, port, upstream.port),
    ):
        yield Site(base, context, upstream, store, front)


@pytest.fixture(params=FRONTS)
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    page = tmp_path / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text('<!doctype html><script src="./assets/index-7JqPRqz6.js"></script>')
    (page / "assets" / "index-7JqPRqz6.js").write_text("export {};" * 100)
    (page / "assets" / "index-7JqPRqz6.js.gz").write_bytes(gzip.compress(b"export {};" * 100))
    async with behind(request.param, tmp_path, frontend=page) as started:
        yield started


async def sign_up(client: httpx.AsyncClient, site: Site, **headers: str) -> httpx.Response:
    return await client.post(
        "/auth/signup",
        json={"username": "alice", "password": PASSWORD},
        headers={"Origin": site.origin, "X-Tailwire-Session": "cookie"} | headers,
    )


async def test_the_server_knows_who_the_client_is_and_that_it_came_by_https(site: Site) -> None:
    """Whatever the client says of itself in the headers of proxies."""
    forged = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.test"}
    async with site.client(**forged) as client:
        made = await sign_up(client, site)
        assert made.status_code == 201, made.text
        assert "strict-transport-security" in made.headers
        assert made.headers["set-cookie"].startswith(f"{SECURE_NAME}=")
        assert "secure" in made.headers["set-cookie"].lower()
        refreshed = await client.post(
            "/auth/refresh", json={}, headers={"Origin": site.origin, "X-Tailwire-Session": "cookie"}
        )
        assert refreshed.status_code == 200
        for origin in (site.origin.replace("https", "http"), "https://evil.test"):
            assert (await sign_up(client, site, Origin=origin)).status_code == 403
    store = await open_store(site.store_url)
    try:
        events = (await store.audit.all(cursor=None, limit=10)).items
        assert {event.address for event in events} == {CLIENT}
    finally:
        await store.close()


async def test_a_request_for_another_host_does_not_pass(site: Site) -> None:
    async with site.client(Host="evil.test") as client:
        answer = await client.get("/healthz")
    assert answer.status_code == 421 or not answer.content  # Caddy serves no host that it does not know


def logs_with(text: str, directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*.log") if text in path.read_text()]


async def test_a_long_message_to_a_hook_passes_and_its_address_is_in_no_log(
    site: Site, tmp_path: Path
) -> None:
    async with site.client() as client:
        client.headers["Authorization"] = f"Bearer {(await sign_up(client, site)).json()['access_token']}"
        room = (await client.post("/rooms", json={"name": "Den", "visibility": "private"})).json()["id"]
        url = (await client.post(f"/rooms/{room}/hooks", json={"name": "CI"})).json()["url"]
        assert url.startswith(f"{site.base}/hooks/twh_")
        posted = await client.post(url, json={"text": "hello", "unknown": "x" * 250_000})
    assert (posted.status_code, posted.text) == (200, "ok")
    assert not logs_with("twh_", tmp_path)


async def test_a_file_passes_and_its_address_is_in_no_log(site: Site, tmp_path: Path) -> None:
    async with site.client() as client:
        client.headers["Authorization"] = f"Bearer {(await sign_up(client, site)).json()['access_token']}"
        data = bytes(range(256)) * 8_000
        file_id = (await client.post("/rooms/lobby/files", content=data)).json()["file_id"]
        asked = await client.post("/files/urls", json={"file_ids": [file_id]})
        url = asked.json()["items"][0]["url"]
        assert url.startswith(f"{site.base}/files/{file_id}/")
        assert (await client.get(url)).content == data
    mark = url.split("/")[-2]
    assert not logs_with(mark, tmp_path)
    if "nginx" in site.front:
        assert logs_with("/files/*", tmp_path)


async def test_a_socket_passes_with_its_origin_and_carries_messages_both_ways(site: Site) -> None:
    async with site.client() as client:
        token = (await sign_up(client, site)).json()["access_token"]
    options: dict[str, Any] = {"ssl": site.context, "local_addr": (CLIENT, 0)}
    proof = {"Authorization": f"Bearer {token}"}
    async with connect(
        site.socket_url, origin=Origin(site.origin), additional_headers=proof, **options
    ) as raw:
        socket = Socket(raw)
        assert (await socket.receive())["type"] == "ready"
        await socket.send(type="subscribe", room_id=LOBBY_ID)
        await socket.until(type="live")
        acked = await socket.call(type="send", room_id=LOBBY_ID, ref="r1", body="through the proxy")
        assert acked["type"] == "ack"
        assert (await socket.until(type="message"))["body"] == "through the proxy"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(site.socket_url, origin=Origin("https://evil.test"), **options):
            pass
    assert refused.value.response.status_code == 403


async def test_a_request_that_waits_passes_and_is_answered_when_something_is_written(site: Site) -> None:
    async with site.client() as client:
        token = (await sign_up(client, site)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        await client.put("/consumers/ear", json={"start": "now"})
        waiting = asyncio.create_task(client.get("/consumers/ear/entries?wait=30"))
        posted = await client.post("/rooms/lobby/messages", json={"ref": "1", "body": "hello"})
        assert posted.status_code == 201
        assert [one["body"] for one in (await waiting).json()["items"]] == ["hello"]


async def test_the_page_and_its_files_come_compressed_and_say_how_long_they_hold(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/")
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-cache")
        script = re.findall(r'src="(.+?)"', page.text)[0]
        answer = await client.get(script.removeprefix("."), headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.text == "export {};" * 100
        known = {"Accept-Encoding": "gzip", "If-None-Match": answer.headers["etag"]}
        assert (await client.get(script.removeprefix("."), headers=known)).status_code == 304
        assert (await client.head("/")).status_code == 200
        if site.base != site.origin:
            moved = await client.get(site.base)
            assert moved.status_code in {301, 308}
            assert moved.headers["location"] == "/chat/"


async def test_many_posts_go_over_few_kept_connections(site: Site) -> None:
    async with site.client() as client:
        token = (await sign_up(client, site)).json()["access_token"]
        before = site.upstream.accepted
        for number in range(30):
            answer = await client.post(
                f"/rooms/{LOBBY_ID}/messages",
                json={"body": f"message {number}", "ref": f"r{number}"},
                headers={"Authorization": f"Bearer {token}"},
            )
            assert answer.status_code == 201, answer.text
    assert site.upstream.accepted - before <= 3


@pytest.mark.browser
@pytest.mark.parametrize("front", ["nginx below a path", "caddy below a path"])
async def test_the_page_works_below_a_path(browser: Browser, tmp_path: Path, front: str) -> None:
    async with behind(front, tmp_path) as site:
        page = await window(browser, Node(site.base), "alice", ignore_https_errors=True)
        await say(page, "from below a path")
        await expect(line(page, "from below a path")).to_be_visible()
        await page.reload()
        await expect(line(page, "from below a path")).to_be_visible()
        await page.context.close()
