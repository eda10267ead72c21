"""Finds the names that a text mentions. Pure.

A name is mentioned by `@` and the name, in any case and any Unicode form of it. What stands in back-ticks, as code in a
line or as a block of it, mentions nobody, and no more does an address, a URL or an `@` after a backslash. So the page
marks as mentions what is found here (`frontend/src/formatting/`).
"""

import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from api.models.usernames import MAX_USERNAME_CHARACTERS, NAME_PUNCTUATION, may_be_username, normal_username

EVERYBODY: Final = "room"
"""`@` and this name mentions everybody in the room. No user can have the name."""
_LONGEST: Final = 4 * MAX_USERNAME_CHARACTERS
"""A name of more characters than this in any form is too long in its stored form."""
_ENDING: Final = "".join(NAME_PUNCTUATION)
"""What ends a sentence rather than a name."""

_MARK: Final = r"[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])[ \t])"
"""What a line of a quote or of a list begins with."""
_FENCE: Final = re.compile(rf"(?P<marks>(?:{_MARK})*)[ \t]*(?P<fence>`{{3,}}|~{{3,}})(?P<rest>.*)")
_QUOTES: Final = re.compile(r"(?:[ \t]*>)*")
_NO_URL: Final = (
    r"\s<>\"`\u00ab\u00bb\u2018\u201a-\u201d\u201e-\u201f\u2039\u203a\u3001-\u3003\u3008-\u3011\u3014-\u301f"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
"""The characters that end a URL, as in `browser/text.ts`: blanks, quotes, and punctuation of unspaced scripts."""
_TOKEN: Final = re.compile(rf"\\[`@]|`+|https?://[^{_NO_URL}]+|@", re.IGNORECASE)
"""Matches what may hide a name, or begin one."""


class Found(NamedTuple):
    """The names that a text mentions."""

    names: tuple[tuple[str, ...], ...] = ()
    """For each place the names in their stored form that it may be, the longest first."""
    everybody: bool = False


NOTHING: Final = Found()


def names_in(text: str) -> Found:
    """Return the names that a text mentions, in their order."""
    if "@" not in text:
        return NOTHING
    places: dict[tuple[str, ...], None] = {}
    everybody = False
    for run in (run for part in _without_fences(text) for run in _runs(part)):
        name = normal_username(run).rstrip(_ENDING)
        if name == EVERYBODY:
            everybody = True
        elif names := tuple(_cuts(name)):
            places[names] = None
    return Found(tuple(places), everybody)


def _cuts(name: str) -> Iterator[str]:
    """Yield a name, and what is left of it before each dot, dash and underscore, the longest first."""
    while name:
        if may_be_username(name) and name != EVERYBODY:
            yield name
        name = name[: max(0, *map(name.rfind, NAME_PUNCTUATION))].rstrip(_ENDING)


def _without_fences(text: str) -> Iterator[str]:
    """Yield the paragraphs of a text, without blocks of code. No code in a line reaches from one to the next."""
    paragraph: list[str] = []
    fence, is_quoted = "", False
    for line in text.split("\n"):
        inner = _QUOTES.sub("", line, count=1).strip()
        if fence and not (
            is_quoted and not line.lstrip().startswith(">")
        ):  # else the quote has ended with its code
            is_end = len(inner) >= len(fence) and inner == fence[0] * len(inner)
            fence = "" if is_end else fence
            continue
        fence = ""
        begun = _FENCE.match(line)
        if begun and not (begun["fence"][0] == "`" and "`" in begun["rest"]):
            fence, is_quoted = begun["fence"], ">" in begun["marks"]
        elif inner:
            paragraph.append(line)
            continue
        yield "\n".join(paragraph)
        paragraph = []
    yield "\n".join(paragraph)


def _runs(text: str) -> Iterator[str]:
    """Yield what follows each `@` of a paragraph that may begin a name, as far as a name may go."""
    ticks = _Ticks(text)
    at = 0
    while token := _TOKEN.search(text, at):
        at = token.end()
        if token[0][0] == "`":
            at = ticks.end_of_code(len(token[0]), at)
        elif token[0] == "@":
            run = _run_at(text, at)
            at += len(run)
            is_address = _is_word(text[token.start() - 1 : token.start()]) or text[at : at + 1] == "@"
            if run and not is_address:
                yield run


def _run_at(text: str, at: int) -> str:
    end = at
    while end < len(text) and end - at <= _LONGEST and (text[end] in NAME_PUNCTUATION or _is_word(text[end])):
        end += 1
    run = text[at:end]
    if len(run) > _LONGEST:  # the last part of it may go on
        run = run[: max(map(run.rfind, NAME_PUNCTUATION)) + 1]
    return run if run and unicodedata.category(run[0])[0] in "LN" else ""


def _is_word(one: str) -> bool:
    """Say whether a character is a letter, a digit or a mark."""
    return bool(one) and unicodedata.category(one)[0] in "LMN"


class _Ticks:
    """The runs of back-ticks in a paragraph."""

    def __init__(self, text: str) -> None:
        self._places: dict[int, deque[int]] = {}
        for run in re.finditer("`+", text):
            self._places.setdefault(len(run[0]), deque()).append(run.start())

    def end_of_code(self, count: int, at: int) -> int:
        """Return where the code ends that a run of so many back-ticks before `at` begins, or `at` if it begins none."""
        places = self._places[count]
        while places and places[0] < at:
            places.popleft()
        return places[0] + count if places else at
