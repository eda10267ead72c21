"""Finds the links in the text of a message of which previews are shown. Pure.

They are links as the page finds them (`frontend/src/browser/text.ts`): not in code, and without the punctuation after
them. One that stands in angle brackets, `<https://example.org>`, is to have no preview.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from api.models.code_marks import NO_URL, Ticks, without_fences

MAX_LINK_CHARACTERS: Final = 2_048
"""A longer link has no preview."""
_TOKEN: Final = re.compile(rf"\\[`<]|`+|https?://[^{NO_URL}]+", re.IGNORECASE)
"""Matches what may hide a link, or is one."""
_TRAILING: Final = frozenset("*_~.,;:!?'\u2019\u2026\u00b7\u055d\u0589\u060c\u061b\u061f\u06d4\u0964\u0965")
"""Punctuation that ends a sentence, a quotation or emphasis. At the end of a link it is no part of it."""
_OPENING: Final = {")": "(", "]": "[", "}": "{"}
_APOSTROPHE: Final = "\u2019"


def links_in(text: str, *, most: int) -> list[str]:
    """Return the first links in a text, each once, as they stand there."""
    found: dict[str, None] = {}
    if "://" in text:
        for link in (link for part in without_fences(text) for link in _links(part)):
            found[link] = None
            if len(found) == most:
                break
    return list(found)


def _links(text: str) -> Iterator[str]:
    ticks = Ticks(text)
    at = 0
    while token := _TOKEN.search(text, at):
        at = token.end()
        if token[0][0] == "`":
            at = ticks.end_of_code(len(token[0]), at)
        elif token[0][0] != "\\":
            is_plain = text[token.start() - 1 : token.start()] == "<" and text[at : at + 1] == ">"
            link = _without_tail(token[0])
            if not is_plain and len(link) <= MAX_LINK_CHARACTERS and _is_link(link):
                yield link


def _without_tail(url: str) -> str:
    """Return the beginning of a URL that is the link, when no character of a link follows it."""
    url = url[: _closing_quote(url)]
    unopened = {
        closing: max(0, url.count(closing) - url.count(opening)) for closing, opening in _OPENING.items()
    }
    end = len(url)
    while end:
        last = url[end - 1]
        if last in _OPENING and unopened[last]:
            unopened[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return url[:end]


def _closing_quote(url: str) -> int:
    """Return where an apostrophe ends a quotation: anywhere but between two letters. The end where none does."""
    for found in re.finditer(_APOSTROPHE, url):
        around = url[found.start() - 1], url[found.end() : found.end() + 1]
        if not all(map(str.isalpha, around)):
            return found.start()
    return len(url)


def _is_link(url: str) -> bool:
    """Say whether it has a host, and no user name, by which it would deceive the reader."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and "@" not in parts.netloc
