"""What a username may be. Pure."""

import re
from typing import Final

from api.errors import FieldError, Invalid

_USERNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,31}")
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


def _invalid(message: str) -> Invalid:
    return Invalid(errors=(FieldError(("username",), message),))
