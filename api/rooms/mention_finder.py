"""Finds the names that a text mentions. Pure.

A name is mentioned by `@` and the name, in any case and any Unicode form of it. What stands in back-ticks, as code in a
line or as a block of it, mentions nobody, and no more does an address, a URL or an `@` after a backslash. So the page
marks as mentions what is found here (`frontend/src/formatting/`).
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from api.models.code_marks import NO_URL, Ticks, without_fences
from api.models.usernames import MAX_USERNAME_CHARACTERS, NAME_PUNCTUATION, may_be_username, normal_username

EVERYBODY: Final = "room"
"""`@` and this name mentions everybody in the room. No user can have the name."""
_LONGEST: Final = 4 * MAX_USERNAME_CHARACTERS
"""A name of more characters than this in any form is too long in its stored form."""
_ENDING: Final = "".join(NAME_PUNCTUATION)
"""What ends a sentence rather than a name."""

_TOKEN: Final = re.compile(rf"\\[`@]|`+|https?://[^{NO_URL}]+|@", re.IGNORECASE)
"""Matches what may hide a name, or begin one."""
_PLAIN: Final = re.compile(rf"[a-z0-9{re.escape(_ENDING)}]{{0,{_LONGEST + 1}}}", re.IGNORECASE | re.ASCII)
"""Matches the ASCII that a name begins with, which is most often all of it."""


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
    parts = without_fences(text) if "`" in text or "~" in text else (text,)
    for run in (run for part in parts for run in _runs(part)):
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


def _runs(text: str) -> Iterator[str]:
    """Yield what follows each `@` of a paragraph that may begin a name, as far as a name may go."""
    ticks = Ticks(text)
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
    plain = _PLAIN.match(text, at)
    end = plain.end() if plain else at
    while end < len(text) and end - at <= _LONGEST and (text[end] in NAME_PUNCTUATION or _is_word(text[end])):
        end += 1
    run = text[at:end]
    if len(run) > _LONGEST:  # the last part of it may go on
        run = run[: max(map(run.rfind, NAME_PUNCTUATION)) + 1]
    return run if run and unicodedata.category(run[0])[0] in "LN" else ""


def _is_word(one: str) -> bool:
    """Say whether a character is a letter, a digit or a mark."""
    return bool(one) and unicodedata.category(one)[0] in "LMN"
