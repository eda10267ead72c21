"""Fetches pages and pictures from addresses that users have written, within bounds of size, time and type."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from api import __version__
from api.config.hosts import normal_host
from api.errors import Invalid
from api.guard import AddressGuard, Download, NoAnswer

FETCH_SECONDS: Final = 5.0
"""A page, or a picture, is there after this time with all redirects, or is not shown."""
MOST_REDIRECTS: Final = 3
PAGE_BYTES: Final = 512 * 1024
"""Of a page no more is read. What it says of itself stands at its beginning."""
PICTURE_BYTES: Final = 5 * 1024 * 1024
"""A larger picture is not shown."""
PAGE_TYPES: Final = ("text/html", "application/xhtml+xml")
PICTURE_TYPES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif")
HEADERS: Final = {
    "user-agent": f"Tailwire/{__version__} (link previews)",
    "accept": "text/html, application/xhtml+xml, image/*;q=0.8",
    "accept-encoding": "gzip, identity;q=0.5",
    "connection": "close",
}
"""Everybody is asked with the same headers: they say nothing of who wrote the link, and there is never a cookie."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200
_AS_IS: Final = frozenset({"", "identity"})
_PACKED: Final = frozenset({"gzip", "x-gzip"})
_GZIP: Final = 16 + zlib.MAX_WBITS
_ASCII: Final = "".join(map(chr, range(33, 127)))


class NotFetched(Exception):
    """Nothing came that can be shown. Its text says why, in one word."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is behind a link. `url` is where it came from in the end, and `charset` what the answer said, or empty."""

    url: str
    media_type: str
    charset: str
    body: bytes
    is_whole: bool

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture."""
        return self.media_type in PICTURE_TYPES


async def fetch(guard: AddressGuard, url: str, *, only_pictures: bool = False) -> Fetched:
    """Fetch a page or a picture. Each redirect is checked as the link itself. Raises `NotFetched`."""
    bounds = dict.fromkeys(PICTURE_TYPES, PICTURE_BYTES)
    if not only_pictures:
        bounds |= dict.fromkeys(PAGE_TYPES, PAGE_BYTES)
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            return await _followed(guard, url, bounds)
    except TimeoutError:
        raise NotFetched("late") from None
    except NoAnswer as error:
        raise NotFetched("late" if error.is_late else "unreachable") from None
    except (Invalid, ValueError):
        raise NotFetched("refused") from None


def asked_url(url: str) -> str:
    """Return the URL that is asked for a link: without its fragment, and with other letters than ASCII escaped.

    Raises `ValueError` where there is none.
    """
    parts = urlsplit(url)
    host = normal_host(parts.hostname or "")
    shown = f"[{host}]" if ":" in host else host
    if "@" in parts.netloc:
        raise ValueError("has a user name")
    port = "" if parts.port is None else f":{parts.port}"
    path, query = (quote(part, safe=_ASCII) for part in (parts.path, parts.query))
    return urlunsplit((parts.scheme.lower(), shown + port, path or "/", query, ""))


async def _followed(guard: AddressGuard, url: str, bounds: Mapping[str, int]) -> Fetched:
    def wanted(status: int, headers: Mapping[str, str]) -> int:
        return bounds.get(_type_of(headers)[0], 0) if status == _OK and _coding_of(headers) is not None else 0

    for _ in range(MOST_REDIRECTS + 1):
        url = guard.normal_url(asked_url(url))
        answer = await guard.get(url, HEADERS, wanted)
        place = answer.headers.get("location")
        if answer.status not in _REDIRECTS or not place:
            return _fetched(url, answer, bounds)
        url = urljoin(url, place)
    raise NotFetched("redirects")


def _fetched(url: str, answer: Download, bounds: Mapping[str, int]) -> Fetched:
    media_type, charset = _type_of(answer.headers)
    if answer.status != _OK:
        raise NotFetched("status")
    if media_type not in bounds or _coding_of(answer.headers) is None:
        raise NotFetched("type")
    body, is_whole = answer.body, answer.is_whole
    if _coding_of(answer.headers) in _PACKED:
        body, is_all = _unpacked(body, bounds[media_type])
        is_whole = is_whole and is_all
    if media_type in PICTURE_TYPES and not is_whole:
        raise NotFetched("large")
    return Fetched(url, media_type, charset, body, is_whole)


def _unpacked(body: bytes, most: int) -> tuple[bytes, bool]:
    """Return at most so many bytes of what was packed, and whether that is all of it. No more is ever unpacked."""
    unpacking = zlib.decompressobj(_GZIP)
    try:
        unpacked = unpacking.decompress(body, most)
    except zlib.error:
        raise NotFetched("packed") from None
    return unpacked, unpacking.eof


def _type_of(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the media type and the charset of an answer, in lower case."""
    media_type, *parameters = headers.get("content-type", "")[:256].split(";")
    named = (one.partition("=") for one in parameters)
    charset = next((value for name, _, value in named if name.strip().lower() == "charset"), "")
    return media_type.strip().lower(), charset.strip().strip("\"'").lower()


def _coding_of(headers: Mapping[str, str]) -> str | None:
    """Return how the body is packed, or None where it cannot be unpacked."""
    coding = headers.get("content-encoding", "").strip().lower()
    return coding if coding in _AS_IS | _PACKED else None
