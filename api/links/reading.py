"""Looks at links: fetches the page behind one, reads it, makes a small picture, and remembers all of it for a while."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import PurePosixPath
from time import monotonic
from typing import Final
from urllib.parse import unquote, urlsplit
from weakref import WeakValueDictionary

import structlog

from api.errors import BadFile, Overloaded, Unavailable
from api.files.pictures import Pictures
from api.files.store import FileStore
from api.guard import AddressGuard
from api.guard.networks import Network
from api.limits.rates import Buckets, Rate
from api.links.fetching import Fetched, NotFetched, asked_url, fetch
from api.links.page import PageHead, shown
from api.links.pages import PageReader
from api.models.previews import MAX_SITE_CHARACTERS, MAX_TITLE_CHARACTERS

AT_ONCE: Final = 8
"""So many links are looked at at a time."""
OF_A_HOST_AT_ONCE: Final = 2
"""So many of them are of one host, so that a slow one keeps only its own waiting."""
A_HOST: Final = Rate(per_second=1.0, burst=10)
"""So often one host is asked: no room is to become a tool to flood it."""
KEPT_SECONDS: Final = 3_600.0
FAILED_SECONDS: Final = 300.0
"""What came of a link is known for so long, and for so long that nothing came of it."""
MOST_KEPT: Final = 512
MOST_KEPT_BYTES: Final = 16 * 1024 * 1024
"""No more links, and no more bytes of their pictures, are remembered."""
PICTURE_ATTEMPTS: Final = 2
THUMB_SIDE: Final = 720

log = structlog.get_logger("api.links")


@dataclass(frozen=True, slots=True)
class Thumb:
    """A small picture: a WebP, its size in pixels, and a placeholder of it in base64."""

    data: bytes
    width: int
    height: int
    blur: str
    alt: str


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """What a link leads to."""

    title: str
    description: str
    site_name: str
    thumb: Thumb | None


class LinkReader:
    """Looks at links. Each is fetched once, also where many ask for it at the same time."""

    def __init__(self, guard: AddressGuard, pictures: Pictures | None, files: FileStore | None) -> None:
        self._guard = guard
        self._pictures = pictures
        self._files = files
        self._pages = PageReader()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._slots_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._rates = Buckets(A_HOST)
        self._known = _Known()
        self._asking: dict[str, asyncio.Lock] = {}
        self.counts: Counter[str] = Counter()
        """How many links were looked at, by what came of it: `shown`, `nothing` for a page that says nothing, `known`
        where it was known, `throttled`, and why there was nothing to show. `busy` and `old` are those of messages that
        were left out."""

    async def look(self, link: str) -> LinkTarget | None:
        """Return what a link leads to; None where there is nothing to show."""
        try:
            url = asked_url(link)
        except ValueError:
            self.counts["refused"] += 1
            return None
        lock = self._asking.setdefault(url, asyncio.Lock())
        try:
            async with lock:
                return await self._look_once(url)
        finally:
            if not lock.locked():
                self._asking.pop(url, None)

    async def close(self) -> None:
        """End the process that reads pages, and all connections."""
        await self._pages.close()
        await self._guard.close()

    async def _look_once(self, url: str) -> LinkTarget | None:
        if (known := self._known.get(url)) is not None:
            self.counts["known"] += 1
            return known.looked
        host = urlsplit(url).hostname or ""
        if self._rates.take(host, monotonic()):
            self.counts["throttled"] += 1
            return None
        async with self._slots_of.setdefault(host, asyncio.Semaphore(OF_A_HOST_AT_ONCE)), self._slots:
            looked, why = await self._fetched(url)
        self.counts[why] += 1
        self._known.put(url, looked)
        return looked

    async def _fetched(self, url: str) -> tuple[LinkTarget | None, str]:
        try:
            fetched = await fetch(self._guard, url)
        except NotFetched as error:
            return None, str(error)
        if fetched.is_picture:
            thumb = await self._thumb(fetched, "")
            return (None, "nothing") if thumb is None else (_of_picture(fetched, thumb), "shown")
        head = await self._pages.read(fetched.body, fetched.charset, fetched.url)
        if head is None or not (head.title or head.description):
            return None, "nothing" if head is not None else "costly"
        thumb = await self._thumb_of(head) if head.picture_url else None
        site = head.site_name or _site_of(fetched.url)
        return LinkTarget(head.title or site, head.description, site, thumb), "shown"

    async def _thumb_of(self, head: PageHead) -> Thumb | None:
        """Fetch the picture that a page names, and once more if the site is slow."""
        for _ in range(PICTURE_ATTEMPTS):
            try:
                fetched = await fetch(self._guard, head.picture_url, only_pictures=True)
            except NotFetched as error:
                log.info("link_picture_left_out", code=str(error))
                if str(error) != "late":
                    return None
            else:
                return await self._thumb(fetched, head.picture_alt)
        return None

    async def _thumb(self, fetched: Fetched, alt: str) -> Thumb | None:
        """Make a small picture, in the process in which all pictures are looked at. None where that is not possible."""
        if self._files is None or self._pictures is None:
            return None
        try:
            async with self._files.workplace() as into:
                source = into / "source"
                await asyncio.to_thread(source.write_bytes, fetched.body)
                picture = await self._pictures.look(nullcontext(source), into)
                if picture is None:
                    return None
                data = await asyncio.to_thread(picture.thumb.read_bytes)
        except (BadFile, Overloaded, Unavailable) as error:
            log.info("link_picture_left_out", code=error.code)
            return None
        scale = min(1.0, THUMB_SIDE / max(picture.width, picture.height))
        width, height = (max(1, round(side * scale)) for side in (picture.width, picture.height))
        return Thumb(data, width, height, picture.blur, alt)


def link_reader(allowed: Iterable[Network], pictures: Pictures | None, files: FileStore | None) -> LinkReader:
    """Return what looks at links: by a guard that connects to public addresses, and to these networks."""
    return LinkReader(AddressGuard(allowed, reads_pages=True), pictures, files)


@dataclass(frozen=True, slots=True)
class _Kept:
    looked: LinkTarget | None
    until: float

    @property
    def size(self) -> int:
        return 0 if self.looked is None or self.looked.thumb is None else len(self.looked.thumb.data)


class _Known:
    """What came of links, for a while."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def get(self, url: str) -> _Kept | None:
        kept = self._of.get(url)
        if kept is None or kept.until <= monotonic():
            return None
        self._of.move_to_end(url)
        return kept

    def put(self, url: str, looked: LinkTarget | None) -> None:
        seconds = FAILED_SECONDS if looked is None else KEPT_SECONDS
        self._drop(url)
        self._of[url] = kept = _Kept(looked, monotonic() + seconds)
        self._bytes += kept.size
        while len(self._of) > MOST_KEPT or self._bytes > MOST_KEPT_BYTES:
            self._drop(next(iter(self._of)))

    def _drop(self, url: str) -> None:
        if (kept := self._of.pop(url, None)) is not None:
            self._bytes -= kept.size


def _of_picture(fetched: Fetched, thumb: Thumb) -> LinkTarget:
    """Return what a link to a picture shows: it has no words of its own but its name."""
    name = PurePosixPath(unquote(urlsplit(fetched.url).path)).name
    site = _site_of(fetched.url)
    return LinkTarget(shown(name, MAX_TITLE_CHARACTERS) or site, "", site, thumb)


def _site_of(url: str) -> str:
    return shown((urlsplit(url).hostname or "").removeprefix("www."), MAX_SITE_CHARACTERS)
