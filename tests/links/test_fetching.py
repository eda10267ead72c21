"""Pages are fetched within bounds, from public addresses alone, whatever a site does."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from ipaddress import ip_network

import pytest

from api.guard import AddressGuard
from api.links import fetching
from api.links.fetching import PAGE_BYTES, PICTURE_BYTES, NotFetched, asked_url, fetch
from tests.links.site import Site, answer, page, redirect, serving

pytestmark = pytest.mark.anyio

HERE = ip_network("127.0.0.1/32")


@pytest.fixture
async def guard() -> AsyncIterator[AddressGuard]:
    made = AddressGuard([HERE], reads_pages=True)
    yield made
    await made.close()


async def refusal(guard: AddressGuard, url: str, **more: bool) -> str:
    with pytest.raises(NotFetched) as found:
        await fetch(guard, url, **more)
    return str(found.value)


async def test_a_page_is_fetched_without_a_word_about_who_asks(site: Site, guard: AddressGuard) -> None:
    site.answers["/a?b=%C3%A4"] = page(title="hello")
    found = await fetch(guard, f"{site.url}/a?b=ä#part")
    assert b"hello" in found.body
    assert (found.media_type, found.charset, found.is_whole) == ("text/html", "utf-8", True)
    head = site.heads[0].lower()
    assert "user-agent: tailwire/" in head
    assert "cookie" not in head
    assert "referer" not in head


async def test_three_redirects_are_followed_and_no_more(site: Site, guard: AddressGuard) -> None:
    for number in range(5):
        site.answers[f"/{number}"] = redirect(f"{number + 1}#x", 301 + number % 2)
    site.answers["/5"] = page(title="there")
    assert (await fetch(guard, f"{site.url}/2")).url == f"{site.url}/5"
    assert await refusal(guard, f"{site.url}/1") == "redirects"
    site.answers["/loop"] = redirect("/loop")
    assert await refusal(guard, f"{site.url}/loop") == "redirects"


@pytest.mark.parametrize(
    "place",
    [
        *(
            "http://127.0.0.2/",
            "http://localhost/",
            "http://169.254.169.254/latest/meta-data",
            "http://[::1]/",
        ),
        *(
            "http://10.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
        ),
        *(
            "http://user@127.0.0.1/",
            "https://8.8.8.8:22/",
            "http://8.8.8.8:8080/",
            "http://[::ffff:10.0.0.1]/",
        ),
    ],
)
async def test_a_redirect_leads_to_no_address_that_is_not_allowed(
    site: Site, guard: AddressGuard, place: str
) -> None:
    site.answers["/"] = redirect(place)
    async with serving("127.0.0.2") as other:
        assert await refusal(guard, site.url) in {"refused", "unreachable"}
        assert other.asked == []


async def test_public_addresses_are_asked_on_the_ports_of_web_pages_alone() -> None:
    guard = AddressGuard(reads_pages=True)
    for url in ("http://8.8.8.8/", "https://8.8.8.8/", "http://site.example/", "https://site.example/"):
        assert guard.normal_url(url) == url
    for url in (
        "http://8.8.8.8:443/",
        "https://8.8.8.8:80/",
        "https://8.8.8.8:8443/",
        "http://site.example:25/",
    ):
        with pytest.raises(ValueError, match="connect"):
            raise ValueError(await _why(guard, url))
    await guard.close()


async def _why(guard: AddressGuard, url: str) -> str:
    return f"connect: {await refusal(guard, url)}"


async def test_a_name_that_leads_to_a_private_address_later_leads_nowhere(site: Site) -> None:
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    guard = AddressGuard([HERE], reads_pages=True, resolve=resolve)
    async with serving("127.0.0.2") as other:
        site.answers["/"] = redirect(f"http://rebound.example:{other.port}/")
        assert await refusal(guard, f"http://rebound.example:{site.port}/") == "unreachable"
        assert (site.asked, other.asked) == (["/"], [])
    assert len(asked) == 2  # once for each connection, and the connection goes to what was checked
    await guard.close()


async def test_a_name_is_not_asked_for_twice_for_one_connection(site: Site) -> None:
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    guard = AddressGuard([HERE], reads_pages=True, resolve=resolve)
    site.answers["/"] = page(title="x")
    await fetch(guard, f"http://name.example:{site.port}/")
    assert asked == ["name.example"]
    await guard.close()


async def test_of_a_long_page_the_beginning_is_enough(site: Site, guard: AddressGuard) -> None:
    site.answers["/"] = page(title="long", body="x" * 2 * PAGE_BYTES)
    found = await fetch(guard, site.url)
    assert len(found.body) == PAGE_BYTES
    assert not found.is_whole


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>endless</title>")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def slow(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silent(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def many_heads(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
        await writer.drain()


async def tiny_chunks(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\nx\r\n" * 1_000)
        await writer.drain()


async def test_an_endless_page_is_read_as_far_as_it_is_wanted(site: Site, guard: AddressGuard) -> None:
    site.answers["/"] = endless
    assert (await fetch(guard, site.url)).body.startswith(b"<title>endless")


@pytest.mark.parametrize(
    ("how", "why"),
    [(slow, {"late"}), (silent, {"late"}), (many_heads, {"unreachable"}), (tiny_chunks, {"unreachable"})],
)
async def test_a_site_that_wastes_time_is_given_up(
    site: Site,
    guard: AddressGuard,
    how: Callable[[asyncio.StreamWriter], Awaitable[None]],
    why: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "FETCH_SECONDS", 2.0)
    site.answers["/"] = how
    assert await refusal(guard, site.url) in why | {"late"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(b"x", status=500), "status"),
        (answer(b"x", status=404), "status"),
        (answer(b"x", "text/plain"), "type"),
        (answer(b"x", "application/octet-stream"), "type"),
        (answer(b"<svg/>", "image/svg+xml"), "type"),
        (answer(b"x", ""), "type"),
        (answer(b"x", "x" * 10_000), "type"),
        (answer(b"x", "text/html", "Content-Encoding: br"), "type"),
        (answer(b"x", "text/html", "Content-Encoding: gzip, gzip"), "type"),
        (answer(b"no gzip", "text/html", "Content-Encoding: gzip"), "packed"),
        (answer(bytes(PICTURE_BYTES + 1), "image/png"), "large"),
        (b"not http at all\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\nshort", "unreachable"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, "unreachable"),
        (b"", "unreachable"),
    ],
)
async def test_an_answer_that_shows_nothing_says_why(
    site: Site, guard: AddressGuard, said: bytes, why: str
) -> None:
    site.answers["/"] = said
    assert await refusal(guard, site.url) == why


async def test_what_is_packed_is_unpacked_no_further_than_it_is_wanted(
    site: Site, guard: AddressGuard
) -> None:
    site.answers["/"] = answer(gzip.compress(b"<title>packed</title>"), "text/html", "Content-Encoding: gzip")
    assert (await fetch(guard, site.url)).body == b"<title>packed</title>"
    bomb = gzip.compress(b"<title>bomb</title>" + bytes(200 << 20))
    assert len(bomb) < PAGE_BYTES
    site.answers["/bomb"] = answer(bomb, "text/html", "Content-Encoding: gzip")
    found = await fetch(guard, f"{site.url}/bomb")
    assert len(found.body) == PAGE_BYTES
    assert not found.is_whole
    site.answers["/picture"] = answer(bomb, "image/png", "Content-Encoding: gzip")
    assert await refusal(guard, f"{site.url}/picture") == "large"


async def test_where_a_picture_is_wanted_no_page_is_taken(site: Site, guard: AddressGuard) -> None:
    site.answers["/"] = page(title="a page")
    assert await refusal(guard, site.url, only_pictures=True) == "type"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("HTTPS://Site.Example", "https://site.example/"),
        ("https://bücher.example/ä?ö=ü#x", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("http://site.example:8080/a b", "http://site.example:8080/a%20b"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]/"),
    ],
)
def test_a_link_is_asked_for_in_the_form_of_addresses(link: str, url: str) -> None:
    assert asked_url(link) == url


@pytest.mark.parametrize("link", ["https://", "https://u@site.example/", "https://a..b/"])
def test_what_is_no_address_is_not_asked_for(link: str) -> None:
    with pytest.raises(ValueError, match="has"):
        asked_url(link)
