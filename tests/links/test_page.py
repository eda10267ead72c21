"""What is read of a page: its title, description, site and picture, whatever else stands in it."""

import time

import pytest

from api.links.page import PageHead, read_head, shown
from api.links.pages import PageReader

URL = "https://site.example/folder/page"


def read(html: str | bytes, charset: str = "") -> PageHead:
    return read_head(html.encode() if isinstance(html, str) else html, charset, URL)


def tag(name: str, value: str, key: str = "property") -> str:
    return f'<meta {key}="{name}" content="{value}">'


def test_a_page_is_shown_as_it_asks_to_be() -> None:
    said = "".join(
        tag(f"og:{name}", value)
        for name, value in {
            "title": "The title &amp; more",
            "description": "What it\nis about",
            "site_name": "The site",
            "image": "../cat.png",
            "image:alt": "a cat",
        }.items()
    )
    assert read(f"<html><head><title>another</title>{said}</head>") == PageHead(
        "The title & more", "What it is about", "The site", "https://site.example/cat.png", "a cat"
    )


def test_a_page_that_asks_for_nothing_is_shown_by_its_title_and_description() -> None:
    html = f"<head><title> A\n title </title>{tag('description', 'x', 'name')}</head>"
    assert read(html) == PageHead("A title", "x")
    assert read(
        f"<head>{tag('twitter:title', 't', 'name')}{tag('twitter:image', '//i.example/p', 'name')}"
    ) == PageHead("t", picture_url="https://i.example/p")


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<",
        "<meta",
        "<head><meta property=og:title>",
        "<title></title>",
        "<body><title>late</title>" + tag("og:title", "late"),
        "<head></head><meta property='og:title' content='late'>",
        "<!-- <title>hidden</title> -->",
        "<script>var x = '<title>no</title>';</script>",
    ],
)
def test_a_page_that_says_nothing_has_nothing_to_show(html: str) -> None:
    assert read(html) == PageHead()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\u202eb\u2066c\u200fd\u061ce", "abcde"),
        ("a\x00b\x1b[31mc\x7f", "a b [31mc"),
        ("zero\u200bwidth\ufeff\u00ad", "zerowidth"),
        ("\U0001f469\u200d\U0001f52c", "\U0001f469\u200d\U0001f52c"),
        ("z" + "\u0335" * 50, "z" + "\u0335" * 3),
        ("  a \t\n b  ", "a b"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("x" * 300, "x" * 199 + "…"),
        ("\ud800a\ue000b\U000e0041c", "abc"),
    ],
)
def test_a_text_is_shown_in_one_line_without_what_deceives(text: str, left: str) -> None:
    assert shown(text, 200) == left


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<title>Grüße</title><p>".encode(), ""),
        ("<title>Grüße</title><p>".encode("latin-1"), "iso-8859-1"),
        ("<meta charset=windows-1252><title>Grüße</title><p>".encode("cp1252"), ""),
        (
            b"<meta http-equiv=content-type content='text/html; charset=ISO-8859-1'><title>Gr\xfc\xdfe</title><p>",
            "",
        ),
        ("<title>Grüße</title><p>".encode("utf-16"), "latin-1"),
        ("<meta charset='utf-8'><meta charset='utf-7'><title>Grüße</title><p>".encode(), "utf-7"),
        ("<title>Grüße</title><p>".encode(), "punycode"),
        ("<title>Grüße</title><p>".encode(), "zlib"),
        ("<title>Grüße</title><p>".encode(), "x" * 5_000),
    ],
)
def test_a_page_is_read_in_its_charset_and_in_no_strange_one(body: bytes, charset: str) -> None:
    assert read(body, charset).title == "Grüße"


async def read_apart(body: bytes) -> tuple[PageHead | None, float]:
    pages = PageReader()
    try:
        # This one is not measured, so that the start of the process is not counted.
        await pages.read(b"<title>warm</title><p>", "", URL)
        began = time.monotonic()
        found = await pages.read(body, "", URL)
        seconds = time.monotonic() - began
        again = await pages.read(b"<title>next</title><p>", "", URL)
    finally:
        await pages.close()
    assert again is not None
    assert again.title == "next"
    return found, seconds


HOSTILE = {
    "a tag without an end": b"<meta " + b"a " * 250_000,
    "an attribute without an end": b"<meta content='" + b"x" * 500_000,
    "comments without an end": b"<!--" * 120_000,
    "declarations": b"<!" * 250_000,
    "ends": b"</" * 250_000,
    "open brackets": b"<" * 500_000,
    "deep": b"<div>" * 100_000,
    "references": b"<title>" + b"&#x10FFFF;&amp;&;" * 30_000,
    "attributes": b"<meta " + b"".join(b"a%d=1 " % n for n in range(50_000)) + b">",
    "metas": b"<meta property=og:title content=x>" * 15_000,
    "nothing but zeros": bytes(500_000),
    "not text": bytes(range(256)) * 2_000,
}


@pytest.mark.anyio
@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_page_ends_within_its_bounds_and_the_next_one_is_read(what: str) -> None:
    _, seconds = await read_apart(HOSTILE[what])
    assert seconds < 12
