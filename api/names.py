"""What a username, and any other name that people see, may be. Pure."""

import re
import unicodedata
from typing import Final

from api.errors import FieldError, Invalid

_USERNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,31}")
MAX_MARKS: Final = 6
"""On one letter. Vietnamese has two, pointed Hebrew four; what has more is drawn over the lines around it."""
RESERVED: Final = frozenset(
    {
        "admin",
        "administrator",
        "everyone",
        "here",
        "lobby",
        "me",
        "moderator",
        "nobody",
        "null",
        "owner",
        "root",
    }
    | {"support", "system", "tailwire", "undefined", "you"}
)
"""Names that would be taken for the server's own or for a word of the interface."""


def username_key(username: str) -> str:
    """Return the form of a username that is unique. Raises `Invalid`."""
    if not _USERNAME.fullmatch(username):
        raise _invalid(
            "must be 2 to 32 of the characters A-Z a-z 0-9 . _ - and begin with a letter or a digit"
        )
    key = username.casefold()
    if key in RESERVED:
        raise _invalid("is reserved")
    return key


def label(text: str) -> str:
    """Return the name of a room, or a person's, without outer blanks. Raises `ValueError` for one that misleads.

    It is shown on one line among others': nothing in it may be unseen, break the line or turn the text around.
    """
    if _MISLEADING.search(text) or any(
        unicodedata.category(one) in _UNSEEN for one in text if one not in _JOINERS
    ):
        raise ValueError("must not hold control characters, line breaks or invisible characters")
    if not any(unicodedata.category(one)[0] in "LNPSC" for one in text if one not in _JOINERS):
        raise ValueError("must show something")
    if _most_marks(text) > MAX_MARKS:
        raise ValueError("must not stack so many marks on one letter")
    return text.strip()


def _most_marks(text: str) -> int:
    """Return how many combining marks stand on one letter at most."""
    most = count = 0
    for one in unicodedata.normalize("NFD", text):
        count = count + 1 if unicodedata.category(one) in {"Mn", "Me"} else 0
        most = max(most, count)
    return most


_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width, but part of Persian and Indic words and of emoji."""
_MISLEADING: Final = re.compile(r"[\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]")
"""Letters, symbols or unassigned to Unicode, blank to the eye: Hangul fillers, the Braille blank, tags."""


def _invalid(message: str) -> Invalid:
    return Invalid(errors=(FieldError(("username",), message),))
