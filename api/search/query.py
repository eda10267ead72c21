"""The language in which people search: words, phrases, prefixes and filters. Pure.

    red car  "red car"  car*  -car  -"red car"
    from:ada  in:lobby  before:2026-11-29  after:2026-11  has:link  has:file  has:pin  mentions:me  is:thread

All that is asked for must be there. What looks like a filter and has another name is text, and so is every other
character. So nearly everything is a query; what is not raises `Invalid`, which says why.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from api.errors import FieldError, Invalid
from api.search.text import Words, is_unspaced, runs_of, wanted_words

MAX_CHARACTERS: Final = 256
"""The longest query."""
MAX_TERMS: Final = 8
"""A query has at most this many words and phrases, and this many filters."""
MIN_PREFIX: Final = 2
"""A shorter prefix stands for too many words: of one letter it costs the index eight times as much as of three."""

MAX_PREFIXES: Final = 3
"""Words that may go on are looked up in all their forms at once, which the index cannot be stopped in. A single Chinese
or Japanese character is such a word."""


class Trait(StrEnum):
    """What a message may have, or be, that is searched for by a filter."""

    LINK = "link"
    FILE = "file"
    PIN = "pin"
    THREAD = "thread"


@dataclass(frozen=True, slots=True)
class Term:
    """A word or a phrase that a text must have, or must not have. `shown` is its normal form, to mark it in texts."""

    words: Words
    shown: str
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A user or a room that is named by a filter."""

    text: str
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody searches for.

    A message is of any of `people`, if there are some, and in any of `rooms`. It has all `traits` and none of
    `excluded_traits`. It was written on the day `after` or later, and before the day `before`.
    """

    terms: tuple[Term, ...] = ()
    people: tuple[Name, ...] = ()
    rooms: tuple[Name, ...] = ()
    traits: frozenset[Trait] = frozenset()
    excluded_traits: frozenset[Trait] = frozenset()
    mentions_me: bool | None = None
    after: date | None = None
    before: date | None = None

    @property
    def shown(self) -> list[str]:
        """The words and phrases to mark in the messages that are found. A prefix ends with `*`."""
        return [term.shown for term in self.terms if not term.is_excluded]


def parse(text: str) -> Query:
    """Read a query. Raises `Invalid`."""
    if len(text) > MAX_CHARACTERS:
        raise _invalid(f"must have at most {MAX_CHARACTERS} characters")
    terms, filters = list[Term](), list[_Part]()
    for part in _parts(text):
        if part.name:
            filters.append(part)
        elif (term := _term(part)) is not None:
            terms.append(term)
    if len(terms) > MAX_TERMS:
        raise _invalid(f"must have at most {MAX_TERMS} words and phrases")
    if sum(term.words.is_prefix for term in terms) > MAX_PREFIXES:
        raise _invalid(f"must have at most {MAX_PREFIXES} words with a *, or single characters")
    if len(filters) > MAX_TERMS:
        raise _invalid(f"must have at most {MAX_TERMS} filters")
    if not terms and not filters:
        raise _invalid("must name something to look for")
    return _filtered(tuple(terms), filters)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a query: a word or phrase, or the value of the filter `name`."""

    text: str
    name: str = ""
    is_excluded: bool = False
    is_prefix: bool = False


_QUOTES: Final = str.maketrans(dict.fromkeys("“”„‟«»\uff02", '"'))
_PART: Final = re.compile(
    r"(?P<minus>-?)(?:(?P<name>from|in|before|after|has|is|mentions)[:\uff1a])?"
    r'(?:"(?P<quoted>[^"]*)(?:"(?P<star>\*?)|$)|(?P<plain>[^\s"]*))',
    re.IGNORECASE,
)


def _parts(text: str) -> Iterator[_Part]:
    text, at = text.translate(_QUOTES), 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None or found.end() == at:
            at += 1  # a blank
            continue
        at = found.end()
        plain = found["plain"] or ""
        is_prefix = plain.endswith("*") or bool(found["star"])
        yield _Part(found["quoted"] or plain, (found["name"] or "").lower(), bool(found["minus"]), is_prefix)


def _term(part: _Part) -> Term | None:
    """Return a word or a phrase; None for one without a letter, a digit or a symbol. Raises `Invalid`."""
    words = wanted_words(part.text)
    if not words.words:
        return None
    shown = " ".join(runs_of(part.text))
    if part.is_prefix and not is_unspaced(shown):
        if len(words.words[-1]) < MIN_PREFIX:
            raise _invalid(f"must have at least {MIN_PREFIX} letters before a *")
        words, shown = words._replace(is_prefix=True), f"{shown}*"
    return Term(words, shown, part.is_excluded)


def _filtered(terms: tuple[Term, ...], filters: list[_Part]) -> Query:
    people, rooms = list[Name](), list[Name]()
    traits: dict[bool, set[Trait]] = {False: set(), True: set()}
    dates: dict[str, date] = {}
    mentions_me: bool | None = None
    for one in filters:
        value = one.text.strip()
        match one.name:
            case "from":
                people.append(_name(one, value.removeprefix("@")))
            case "in":
                rooms.append(_name(one, value.removeprefix("#")))
            case "mentions":
                if value.lower() != "me":
                    raise _invalid("may ask for mentions:me only")
                mentions_me = not one.is_excluded
            case "has" | "is":
                traits[one.is_excluded].add(_trait(one.name, value.lower()))
            case _:
                if one.is_excluded:
                    raise _invalid(f"must not have a - before {one.name}:")
                dates[one.name] = _date(one.name, value)
    return Query(
        terms,
        tuple(people),
        tuple(rooms),
        frozenset(traits[False]),
        frozenset(traits[True]),
        mentions_me,
        **dates,
    )


def _name(part: _Part, text: str) -> Name:
    if not text:
        raise _invalid(f'must have a name after "{part.name}:"')
    return Name(text, part.is_excluded)


_TRAITS: Final = {"has": (Trait.LINK, Trait.FILE, Trait.PIN), "is": (Trait.THREAD,)}


def _trait(name: str, value: str) -> Trait:
    for trait in _TRAITS[name]:
        if trait == value:
            return trait
    raise _invalid(f'must have one of these after "{name}:": {", ".join(_TRAITS[name])}')


_DATE: Final = re.compile(r"(?P<year>19[7-9]\d|[2-9]\d{3})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?", re.ASCII)


def _date(name: str, value: str) -> date:
    """Read a day, or the first one of a month or a year. Raises `Invalid`."""
    found = _DATE.fullmatch(value)
    try:
        if found is not None:
            return date(int(found["year"]), int(found["month"] or 1), int(found["day"] or 1))
    except ValueError:
        pass
    raise _invalid(f'must have a date after "{name}:", such as 2026-11-29 or 2026-11')


def _invalid(message: str) -> Invalid:
    return Invalid("This search cannot be understood", errors=(FieldError(("query", "q"), message),))
