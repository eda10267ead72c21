"""The form in which names are searched. `api/accounts/names.py` says which names there may be. Pure."""

import unicodedata
from typing import Final

_BETWEEN: Final = "\u034f"  # a mark, and a form has none
FEWEST_SEARCHED: Final = 2
"""A search for users needs this many characters, so that nobody lists them all."""


def searched_form(text: str) -> str:
    """Return a text without case, accents and outer blanks, as the page does it.

    It is in NFKD without marks, in lower case, and has ss for the German ß.
    """
    decomposed = unicodedata.normalize("NFKD", text.strip())
    bare = "".join(one for one in decomposed if unicodedata.category(one)[0] != "M")
    return bare.lower().replace("ß", "ss")


def searched_names(username: str, display_name: str) -> str:
    """Return both names of a user in the form in which they are searched, with a character between that no form has."""
    return f"{searched_form(username)}{_BETWEEN}{searched_form(display_name)}"


def is_named(wanted: str, *names: str) -> bool:
    """Say whether one of these names contains a text, which is in the form in which names are searched."""
    return any(wanted in searched_form(name) for name in names)
