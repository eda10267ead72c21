"""Reads what a page says of itself: title, description, site and picture, by its `head`. Pure.

The page was written by strangers, and the parser of the standard library may take very long over what is made for that.
So this is called in a process of its own, `page_process.py`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

from api.models.previews import MAX_DESCRIPTION_CHARACTERS, MAX_SITE_CHARACTERS, MAX_TITLE_CHARACTERS

SNIFFED_BYTES: Final = 1_024
"""A page says its charset in so many of its first bytes."""
MAX_MARKS: Final = 3
"""So many marks may stand on one letter."""
_CHARSETS: Final = re.compile(
    r"(us-)?ascii|utf-?8|utf-?16(-?[bl]e)?|iso-?8859-?\d{1,2}|windows-?125\d|cp125\d|koi8-?[rut]|euc-?(jp|kr)|shift[_-]?jis"
    r"|iso-?2022-?jp|gb2312|gbk|gb18030|big5(-?hkscs)?|tis-?620|latin-?1|mac-?roman"
)
"""The encodings of texts that pages use. Python knows others, of which some are slow."""
_SAID: Final = re.compile(
    rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE
)
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_KEPT_FORMATS: Final = "\u200c\u200d"
"""Invisible characters that words of some scripts, and emoji, need. All others are taken away, such as those that turn
the direction of what follows."""
_TITLES: Final = ("og:title", "twitter:title")
_DESCRIPTIONS: Final = ("og:description", "twitter:description", "description")
_SITES: Final = ("og:site_name", "application-name")
_PICTURES: Final = ("og:image:secure_url", "og:image:url", "og:image", "twitter:image", "twitter:image:src")
_ALTS: Final = ("og:image:alt", "twitter:image:alt")
_WANTED: Final = frozenset((*_TITLES, *_DESCRIPTIONS, *_SITES, *_PICTURES, *_ALTS))
MAX_SAID_CHARACTERS: Final = 8_192
"""Of what one tag says no more is looked at."""


@dataclass(frozen=True, slots=True)
class PageHead:
    """What a page says of itself. `picture_url` is absolute. Any of it may be empty."""

    title: str = ""
    description: str = ""
    site_name: str = ""
    picture_url: str = ""
    picture_alt: str = ""


def read_head(body: bytes, charset: str, url: str) -> PageHead:
    """Read the page that came from a URL. `charset` is what its answer said, or empty."""
    parser = _Head()
    parser.feed(_decoded(body, charset))
    said = parser.said
    picture = next(_first(said, _PICTURES), "").strip()
    return PageHead(
        shown(next(_first(said, _TITLES), "") or parser.title, MAX_TITLE_CHARACTERS),
        shown(next(_first(said, _DESCRIPTIONS), ""), MAX_DESCRIPTION_CHARACTERS),
        shown(next(_first(said, _SITES), ""), MAX_SITE_CHARACTERS),
        _absolute(url, picture) if picture else "",
        shown(next(_first(said, _ALTS), ""), MAX_TITLE_CHARACTERS),
    )


def shown(text: str, most: int) -> str:
    """Return a text in one line and without what deceives or covers other text, cut at a length."""
    kept: list[str] = []
    marks = 0
    for one in unicodedata.normalize("NFC", text[:MAX_SAID_CHARACTERS]):
        category = unicodedata.category(one)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if one.isspace() or category == "Cc":
            kept.append(" ")
        elif (
            category not in {"Cs", "Cn", "Co"}
            and (category != "Cf" or one in _KEPT_FORMATS)
            and marks <= MAX_MARKS
        ):
            kept.append(one)
    line = " ".join("".join(kept).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


class _Head(HTMLParser):
    """Takes what is wanted out of the tags of a head. After it, or at the first tag of a body, it takes nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: dict[str, str] = {}
        self.title = ""
        self._is_title = False
        self._has_ended = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what a `meta` says."""
        self._has_ended |= tag == "body"
        self._is_title = tag == "title" and not self.title
        if tag != "meta" or self._has_ended:
            return
        given = {name: value or "" for name, value in reversed(attrs)}
        name = (given.get("property") or given.get("name") or "").strip().lower()
        if name in _WANTED:
            self.said.setdefault(name, given.get("content", "")[:MAX_SAID_CHARACTERS])

    def handle_endtag(self, tag: str) -> None:
        """Note the ends of the title and the head."""
        self._is_title = self._is_title and tag != "title"
        self._has_ended |= tag == "head"

    def handle_data(self, data: str) -> None:
        """Take the title."""
        if self._is_title and not self._has_ended and len(self.title) < MAX_SAID_CHARACTERS:
            self.title += data


def _first(said: dict[str, str], names: Sequence[str]) -> Iterator[str]:
    return (said[name] for name in names if said.get(name, "").strip())


def _absolute(url: str, named: str) -> str:
    try:
        return urljoin(url, named)
    except ValueError:
        return ""


def _decoded(body: bytes, charset: str) -> str:
    mark = next((name for begin, name in _MARKS if body.startswith(begin)), "")
    in_page = _SAID.search(body[:SNIFFED_BYTES])
    said = (mark, charset, in_page[1].decode("ascii") if in_page else "")
    name = next((one for one in said if _CHARSETS.fullmatch(one.strip().lower())), "utf-8")
    try:
        return body.decode(name.strip().lower(), "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
