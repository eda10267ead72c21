"""The guard: nobody makes this server connect into private networks."""

import asyncio
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api import guard as module
from api.errors import Invalid
from api.guard import AddressGuard, NoAnswer
from api.guard import idle as idle_module
from tests.receiver import answer, receiving

pytestmark = pytest.mark.anyio

ONE, OTHER = ip_network("127.0.0.1/32"), ip_network("127.0.0.2/32")

PRIVATE = (
    *("127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),  # noqa: S104
    *("169.254.169.254", "100.64.0.1", "100.127.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *(
        "255.255.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.5",
    ),
    *("::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *(
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2002:808:808::",
    ),
    *("2001::1", "2001:db8::1", "2001:10::1", "3fff::1", "100::1", "fec0::1", "5f00::1"),
)
PUBLIC = ("8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1")


def shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize("address", PRIVATE)
async def test_an_address_that_is_not_public_is_refused_however_it_is_written(address: str) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return [address]

    guard = AddressGuard(resolve=resolve)
    with pytest.raises(Invalid):
        guard.normal_url(f"https://{shown(address)}/in")
    with pytest.raises(NoAnswer):
        await guard.addresses("in.example", 443, is_encrypted=True)
    assert guard.normal_url("https://in.example/in") == "https://in.example/in"


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_public_address_is_reached_by_https_on_the_usual_ports_only(address: str) -> None:
    guard = AddressGuard()
    assert guard.normal_url(f"https://{shown(address)}:8443/in") == f"https://{shown(address)}:8443/in"
    for url in (
        f"http://{shown(address)}/",
        f"https://{shown(address)}:25/",
        f"https://{shown(address)}:22/",
    ):
        with pytest.raises(Invalid):
            guard.normal_url(url)
    assert not guard.allows(ip_address(address), 443, is_encrypted=False)


async def test_a_listed_network_is_reached_by_http_too_and_on_every_port() -> None:
    guard = AddressGuard([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
    assert guard.normal_url("http://10.1.2.3:25/in?a=b") == "http://10.1.2.3:25/in?a=b"
    assert guard.normal_url("http://[fd00::1]/") == "http://[fd00::1]/"
    for url in ("http://8.8.8.8/", "http://[::ffff:11.1.2.3]/", "https://127.0.0.1/", "http://[fc00::1]/"):
        with pytest.raises(Invalid):
            guard.normal_url(url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "in.example", "ftp://in.example/", "file:///etc/passwd", "gopher://in.example", "//in.example/"),
        *("https://", "https:///in", "https://user@in.example/", "https://user:pass@in.example/", "https://@in.example/"),
        *("https://in.example/#part", "https://in.example:99999/", "https://in.example:x/", "https://in.example:0/"),
        *("https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://017700000001/", "https://[fe80::1%25eth0]/"),
        *("https://in.example/a b", "https://in.example/\r\nX: y", "https://in.example\\@evil.example/", "https://bücher.example/"),
        *("https://in.example:22/", "http://in.example/", "https://in.example/" + "a" * 2_048, "https://localhost:0/"),
    ],
)  # fmt: skip
def test_a_url_that_leads_elsewhere_or_hides_something_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        AddressGuard().normal_url(url)


def test_a_url_is_kept_in_normal_form() -> None:
    assert AddressGuard().normal_url("https://IN.Example:443") == "https://in.example/"
    assert AddressGuard().normal_url("https://in.example:8443/a?b=c") == "https://in.example:8443/a?b=c"


async def test_the_connection_goes_to_the_address_that_was_checked_though_the_name_leads_elsewhere_later() -> (
    None
):
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2", "127.0.0.1"]])
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    async with receiving() as here, receiving("127.0.0.2", here.port) as elsewhere:
        here.answers = lambda _request: answer(200, "Connection: close")
        guard, url = AddressGuard([ONE], resolve=resolve), f"http://in.example:{here.port}/in"
        assert (await guard.post(url, b"one", {})).status == 200
        with pytest.raises(NoAnswer):
            await guard.post(url, b"two", {})
        assert (await guard.post(url, b"three", {})).status == 200
        assert [request.body for request in here.requests] == [b"one", b"three"]
        assert {request.headers["host"] for request in here.requests} == {f"in.example:{here.port}"}
        assert elsewhere.connection_count == 0
        assert asked == ["in.example"] * 3
        await guard.close()


async def test_connections_are_used_again_by_the_same_host_and_only_so_many_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idle_module, "MAX_IDLE", 2)
    async with receiving() as first, receiving() as second, receiving() as third:
        guard = AddressGuard([ONE])
        for one in (first, second, first, second):
            assert (await guard.post(one.url, b"x", {})).status == 200
        assert (first.connection_count, second.connection_count) == (1, 1)
        await guard.post(third.url, b"x", {})  # in the place of the first, which has waited longest
        for one in (second, first):
            await guard.post(one.url, b"x", {})
        assert [one.connection_count for one in (first, second, third)] == [2, 1, 1]
        second.answers = lambda _request: answer(200, "Connection: close")
        for _ in range(2):
            await guard.post(second.url, b"x", {})
        assert second.connection_count == 2
        await guard.close()


async def test_a_connection_that_was_not_used_for_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
    async with receiving() as here:
        guard = AddressGuard([ONE])
        for _ in range(2):
            await guard.post(here.url, b"x", {})
        assert here.connection_count == 2
        await guard.close()


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with receiving() as here, receiving("127.0.0.2") as elsewhere:
        here.answers = lambda _request: answer(301, f"Location: {elsewhere.url}", "Retry-After: 7")
        guard = AddressGuard([ONE, OTHER])
        reply = await guard.post(here.url, b"{}", {"X-Mark": "a"})
        assert (reply.status, reply.retry_after) == (301, "7")
        assert here.requests[0].headers["x-mark"] == "a"
        assert elsewhere.connection_count == 0
        await guard.close()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_an_answer_without_a_whole_head_is_none(said: bytes) -> None:
    async with receiving() as here:
        here.answers = lambda _request: said
        guard = AddressGuard([ONE])
        with pytest.raises(NoAnswer):
            await guard.post(here.url, b"{}", {})
        await guard.close()


async def test_a_status_counts_though_the_rest_of_the_answer_is_cut_or_endless() -> None:
    async with receiving() as here:
        guard = AddressGuard([ONE])
        here.answers = lambda _request: (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\nhal"
        )
        assert (await guard.post(here.url, b"{}", {})).status == 200
        here.answers = lambda _request: b"HTTP/1.1 204 OK\r\nContent-Length: 99999\r\n\r\n" + b"x" * 99_999
        assert (await guard.post(here.url, b"{}", {})).status == 204
        await guard.close()


async def test_a_receiver_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    async with receiving() as here:
        here.answers = lambda _request: None
        guard = AddressGuard([ONE])
        with pytest.raises(NoAnswer) as raised:
            await guard.post(here.url, b"{}", {})
        assert raised.value.is_late
        await guard.close()


async def test_an_answer_that_would_keep_this_process_busy_is_not_read() -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1_000 + b"0\r\n\r\n"
    async with receiving() as here:
        guard = AddressGuard([ONE])
        here.answers = lambda _request: b"HTTP/1.1 100 Go on\r\n\r\n" * 500 + answer(200)
        with pytest.raises(NoAnswer):
            await guard.post(here.url, b"{}", {})
        here.answers = lambda _request: b"HTTP/1.1 103 Hints\r\n\r\n" + answer(201, "X-Long: " + "x" * 8_000)
        assert (await guard.post(here.url, b"{}", {})).status == 201
        here.answers = lambda _request: answer(200, *(f"X-{number}: x" for number in range(5_000)))
        with pytest.raises(NoAnswer):
            await guard.post(here.url, b"{}", {})
        here.answers = lambda _request: chunks
        assert (await guard.post(here.url, b"{}", {})).status == 200
        before = here.connection_count
        assert (await guard.post(here.url, b"{}", {})).status == 200
        assert here.connection_count == before + 1
        await guard.close()


async def test_name_servers_that_do_not_answer_hold_up_no_other_work_in_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.05)
    silent = threading.Event()

    def asked(*_given: object, **_named: object) -> list[object]:
        silent.wait(10)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    guard = AddressGuard()
    try:
        posts = [guard.post(f"https://{number}.example/", b"{}", {}) for number in range(100)]
        refused = await asyncio.gather(*posts, return_exceptions=True)
        assert {type(one) for one in refused} == {NoAnswer}
        async with asyncio.timeout(5):
            await asyncio.to_thread(lambda: None)
    finally:
        silent.set()
        await guard.close()


async def test_tls_is_spoken_with_the_name_of_the_url_whose_certificate_is_checked(tmp_path: Path) -> None:
    serving, trusting = certified("in.example", tmp_path)
    names: list[str | None] = []
    serving.sni_callback = lambda _socket, name, _context: names.append(name)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with receiving(tls=serving) as here:
        guard = AddressGuard([ONE], resolve=resolve, trust=trusting)
        assert (await guard.post(f"https://in.example:{here.port}/in", b"{}", {})).status == 200
        with pytest.raises(NoAnswer):
            await guard.post(f"https://other.example:{here.port}/in", b"{}", {})
        assert names == ["in.example", "other.example"]
        assert [request.headers["host"] for request in here.requests] == [f"in.example:{here.port}"]
        await guard.close()


def certified(name: str, directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server of this name and its clients need, with a certificate that nobody else trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    written = directory / "certificate.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    public = certificate.public_bytes(serialization.Encoding.PEM)
    written.write_bytes(public + key.private_bytes(serialization.Encoding.PEM, *form))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(written)
    trusting = ssl.create_default_context(cadata=public.decode())
    return serving, trusting
