"""The form in which usernames are stored and compared. `api/accounts/names.py` says which ones may be taken. Pure."""

import unicodedata
from typing import Final

MIN_USERNAME_CHARACTERS: Final = 2
MAX_USERNAME_CHARACTERS: Final = 32
NAME_PUNCTUATION: Final = frozenset("._-")
"""The characters that a username may have besides letters, digits and marks."""
_CATEGORIES: Final = frozenset({"Ll", "Lo", "Lm", "Lt", "Lu", "Mn", "Mc", "Nd"})


def normal_username(text: str) -> str:
    """Return a text in the form of usernames: NFKC, in lower case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())


def may_be_username(name: str) -> bool:
    """Return whether a username in its stored form can have these characters, and so many of them."""
    is_long_enough = MIN_USERNAME_CHARACTERS <= len(name) <= MAX_USERNAME_CHARACTERS
    return is_long_enough and all(map(may_stand_in_a_username, name))


def may_stand_in_a_username(one: str) -> bool:
    """Return whether a username in its stored form can have this character."""
    return one in NAME_PUNCTUATION or unicodedata.category(one) in _CATEGORIES
