"""Refuses weak passwords before they are hashed. Only this file imports zxcvbn, for its list of passwords."""

import re
import string
from collections.abc import Iterator
from functools import cache
from typing import Final

from api.accounts.names import skeleton
from api.config.patterns import free_characters, repeated_part
from api.errors import FieldError, Invalid

MIN_PASSWORD_CHARACTERS: Final = 8
MAX_PASSWORD_BYTES: Final = 1_024
MIN_FREE_CHARACTERS: Final = 4
"""A password needs as many characters that follow no pattern. Of 1,000 random ones of 8 small letters 3 have fewer."""
MIN_WORD_CHARACTERS: Final = 4
"""Shorter words of the list are not looked for inside a password, as they may well be there by chance."""
MIN_FREE_AROUND: Final = 6
"""As many characters around a common word make a password of their own: more than a year, and a sign."""
PRODUCT: Final = "tailwire"

_WORDS: Final = re.compile(r"[^\W\d_]+")
_OUTER: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_LOOKALIKES: Final = str.maketrans("013457@$!", "oleastasi")
"""The digits and signs that people write for letters."""


def check_password(password: str, username: str, name: str = "password") -> None:
    """Raise `Invalid` for a password that is too short or too long, or that would be guessed early.

    That is one that is common or is the username or the name of this product, also with digits and signs around it, or
    that follows a pattern, such as repetition, the alphabet or a row of keys.

    `name` is the field that the error names. A password is used exactly as sent: the NFC and NFD forms of a text are
    two passwords.
    """
    if len(password) < MIN_PASSWORD_CHARACTERS or len(password.encode()) > MAX_PASSWORD_BYTES:
        raise Invalid(errors=(FieldError((name,), "must be 8 characters to 1,024 bytes long"),))
    if skeleton(password) == skeleton(username):
        raise _weak(name, "must not be the username")
    if password.casefold() in common_passwords():
        raise _weak(name, "is among those that are tried first: choose another")
    if not password.strip() or free_characters(password) < MIN_FREE_CHARACTERS:
        raise _weak(name, "follows a pattern that is easy to guess: choose another")
    if _is_decorated_word(password.casefold(), username.casefold()):
        raise _weak(name, "is a common password or name with a few characters around it: choose another")


def _is_decorated_word(password: str, username: str) -> bool:
    """Return whether the only word in a password is one that is tried first, with little else around it."""
    return any(
        len(word) >= MIN_WORD_CHARACTERS
        and free_characters(around) < MIN_FREE_AROUND
        and (word in {PRODUCT, username} or word in common_words())
        for word, around in _only_words(password)
    )


def _only_words(password: str) -> Iterator[tuple[str, str]]:
    """Yield the words of which a password may be made, where it is made of one: as written, and read as letters.

    Each comes with the characters around it.
    """
    written = set(_WORDS.findall(password))
    if len(written) == 1:
        yield repeated_part(written.pop()), _WORDS.sub("", password)
    for read in (_OUTER.sub("", password), password.rstrip(string.digits)):
        yield repeated_part(read.translate(_LOOKALIKES)), password.replace(read, "", 1)


@cache
def common_words() -> frozenset[str]:
    """Return the most frequent leaked passwords of `MIN_WORD_CHARACTERS` and more, in lower case.

    They are from zxcvbn's list of 30,000. The first call loads it, which takes about 30 ms.
    """
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  only a server needs its 13 MB

    return frozenset(one for one in FREQUENCY_LISTS["passwords"] if len(one) >= MIN_WORD_CHARACTERS)


@cache
def common_passwords() -> frozenset[str]:
    """Return those of `common_words` that are long enough to be a password."""
    return frozenset(one for one in common_words() if len(one) >= MIN_PASSWORD_CHARACTERS)


def load_tables() -> None:
    """Load the tables of this file and of `names.py`, so that the first sign-up need not wait for them."""
    skeleton("")
    common_passwords()


def _weak(name: str, message: str) -> Invalid:
    return Invalid(errors=(FieldError((name,), message),), code="weak_password")
