"""The rules for usernames, display names and room names. Pure."""

import hashlib
import json
import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

from api.errors import FieldError, Invalid
from api.models.usernames import (
    MAX_USERNAME_CHARACTERS,
    MIN_USERNAME_CHARACTERS,
    NAME_PUNCTUATION,
    may_stand_in_a_username,
    normal_username,
)

MAX_DISPLAY_NAME_CHARACTERS: Final = 64
MAX_KEY_BYTES: Final = 120
MAX_USERNAME_MARKS: Final = 2
"""The most combining marks on one letter of a username: Vietnamese and Hebrew need two, more cover other letters."""
MAX_MARKS: Final = 6
"""The most combining marks on one letter of any other name: pointed Hebrew needs four."""
RESERVED: Final = frozenset(
    {
        "admin",
        "administrator",
        "erased",
        "everyone",
        "here",
        "lobby",
        "me",
        "moderator",
        "nobody",
        "null",
        "owner",
        "room",
        "root",
    }
    | {"support", "system", "tailwire", "undefined", "you"}
)
"""Usernames that nobody can have, because they could be mistaken for the server or for a word of the interface."""

_ONE_SCRIPT: Final = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)
"""Sets of scripts that one language uses together (UTS 39, section 5.1)."""
_SCRIPT_OF_COMMON: Final = {"\u30fc": "KATAKANA"} | {chr(digit): "ARABIC" for digit in range(0x660, 0x66A)}
"""The script of letters and digits that Unicode calls Common because a few scripts share them."""
_IGNORABLE: Final = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]")
"""Matches invisible letters and marks: Unicode's Default_Ignorable_Code_Point without the categories Cf and Cn."""


def username(text: str) -> str:
    """Return a username in its stored form: NFKC, in lower case. Raises `Invalid`.

    It follows RFC 8265's UsernameCaseMapped: 2 to 32 letters and digits of one script, dots, dashes and underscores,
    beginning with a letter or a digit.
    """
    if len(text) > 4 * MAX_USERNAME_CHARACTERS:  # too long to compose to 32 characters
        raise _invalid("must be 2 to 32 characters long")
    name = normal_username(text)
    if not MIN_USERNAME_CHARACTERS <= len(name) <= MAX_USERNAME_CHARACTERS:
        raise _invalid("must be 2 to 32 characters long")
    if (
        not all(map(may_stand_in_a_username, name))
        or unicodedata.category(name[0])[0] not in "LN"
        or _IGNORABLE.search(text)
        or _most_marks(name) > MAX_USERNAME_MARKS
    ):
        raise _invalid("must be letters, digits, dots, dashes and underscores, a letter or a digit first")
    digits = {ord(one) - unicodedata.decimal(one) for one in name if one.isdecimal()}
    if len(digits) > 1 or not _is_one_script(name):
        raise _invalid("must be in one script: letters that look alike would pass for each other")
    return name


def username_key(text: str) -> str:
    """Return the unique key of a username. Usernames that look the same have the same key. Raises `Invalid`."""
    look = skeleton(username(text))
    if look in _reserved():
        raise _invalid("is reserved")
    return key_of(look)


def key_of(look: str) -> str:
    """Return a skeleton as a key of the store: its hash when it is long, because RethinkDB takes 127 bytes at most."""
    data = look.encode()
    return look if len(data) <= MAX_KEY_BYTES else hashlib.sha256(data).hexdigest()


def skeleton(text: str) -> str:
    """Return the skeleton of a text, ignoring case (UTS 39, section 4). Texts that look the same have the same one.

    `rn` becomes `m`, and not the other way round, so that most names are their own skeleton.
    """
    prototypes = _prototypes()
    folded = unicodedata.normalize("NFKC", text).casefold()
    looks = "".join(prototypes.get(one, one) for one in unicodedata.normalize("NFD", folded))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", looks).casefold().replace("rn", "m"))


def label(text: str) -> str:
    """Return a room's name or a display name without outer blanks. Raises `ValueError` for a misleading one.

    Names are shown on one line beside other text. So no character may be invisible, break the line or change the
    direction of the text. Those that other programs put around a text when it is copied are cut.
    """
    name = text.strip(_AROUND)
    shown = _FLAG.sub(_BLACK_FLAG, name)
    if _MISLEADING.search(shown) or any(
        unicodedata.category(one) in _UNSEEN for one in shown if one not in _JOINERS
    ):
        raise ValueError("must not hold control characters, line breaks or invisible characters")
    if not any(unicodedata.category(one)[0] in "LNPSC" for one in shown if one not in _JOINERS):
        raise ValueError("must show something")
    if _most_marks(shown) > MAX_MARKS:
        raise ValueError("must not stack so many marks on one letter")
    return name


def shown_name(text: str) -> str:
    """Return a display name without outer blanks. Raises `Invalid`."""
    try:
        name = label(text)
    except ValueError as error:
        raise Invalid(errors=(FieldError(("display_name",), str(error)),)) from None
    if len(name) > MAX_DISPLAY_NAME_CHARACTERS:
        text = f"must have at most {MAX_DISPLAY_NAME_CHARACTERS} characters"
        raise Invalid(errors=(FieldError(("display_name",), text),))
    return name


def _most_marks(text: str) -> int:
    """Return the largest number of combining marks on one letter."""
    most = count = 0
    for one in unicodedata.normalize("NFD", text):
        count = count + 1 if unicodedata.category(one) in {"Mn", "Me"} else 0
        most = max(most, count)
    return most


_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width joiners, which are allowed because Persian and Indic words and emoji need them."""
_BLANKS: Final = " \xa0\u3000"
_AROUND: Final = (
    _BLANKS + "\xad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Blanks, and characters that say how a copied text joins what is around it. Those that turn it around are not here."""
_BLACK_FLAG: Final = "\U0001f3f4"
_FLAG: Final = re.compile(_BLACK_FLAG + "[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
"""Matches the flag of a part of a country, such as Wales: a black flag and its code in tags (UTS 51, annex C)."""
_MISLEADING: Final = re.compile(r"[\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]")
"""Matches blank characters that are letters, symbols or unassigned: Hangul fillers, the Braille blank, tags."""


@cache
def _reserved() -> frozenset[str]:
    return frozenset(map(skeleton, RESERVED))


def _is_one_script(name: str) -> bool:
    from confusable_homoglyphs.categories import alias  # noqa: PLC0415  it reads its tables when it is imported

    of_all = NAME_PUNCTUATION.union("0123456789")
    scripts = {_SCRIPT_OF_COMMON.get(one) or alias(one) for one in name if one not in of_all} - {"INHERITED"}
    if scripts & {"COMMON", "Unknown"}:
        return False
    return len(scripts) <= 1 or any(scripts <= together for together in _ONE_SCRIPT)


@cache
def _prototypes() -> dict[str, str]:
    """Return the prototype of each character that looks like another (UTS 39, section 4).

    The library stores UTS 39's table as lists of neighbours: a character has one neighbour, its prototype, and a
    prototype has all characters that look like it.
    """
    table = json.loads(files("confusable_homoglyphs").joinpath("confusables.json").read_bytes())
    neighbours = {_bare(one): {_bare(other["c"]) for other in others} for one, others in table.items()}
    prototypes = {}
    for one, others in neighbours.items():
        if len(one) > 1 or len(others) > 1:
            continue
        (other,) = others
        of_two = len(other) == 1 and len(neighbours.get(other, ())) == 1
        prototypes[one] = min(one, other) if of_two else other
    return prototypes


def _bare(entry: str) -> str:
    """Return an entry of the table without the direction marks around right-to-left characters."""
    return entry.strip("\u200e")


def _invalid(message: str) -> Invalid:
    return Invalid(errors=(FieldError(("username",), message),))
