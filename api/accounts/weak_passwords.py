"""Refuses weak passwords before they are hashed. Only this file imports zxcvbn, for its list of passwords."""

from functools import cache
from typing import Final

from api.accounts.names import skeleton
from api.errors import FieldError, Invalid

MIN_PASSWORD_CHARACTERS: Final = 8
MAX_PASSWORD_BYTES: Final = 1_024


def check_password(password: str, username: str, name: str = "password") -> None:
    """Raise `Invalid` for a password that is too short, too long, common, or the username.

    `name` is the field that the error names. A password is used exactly as sent: the NFC and NFD forms of a text are
    two passwords.
    """
    if len(password) < MIN_PASSWORD_CHARACTERS or len(password.encode()) > MAX_PASSWORD_BYTES:
        raise Invalid(errors=(FieldError((name,), "must be 8 characters to 1,024 bytes long"),))
    if skeleton(password) == skeleton(username):
        raise _weak(name, "must not be the username")
    if password.casefold() in common_passwords():
        raise _weak(name, "is among those that are tried first: choose another")


@cache
def common_passwords() -> frozenset[str]:
    """Return the most frequent leaked passwords, in lower case, without those that are too short anyway.

    They are from zxcvbn's list of 30,000. The first call loads it, which takes about 30 ms.
    """
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  only a server needs its 13 MB

    return frozenset(one for one in FREQUENCY_LISTS["passwords"] if len(one) >= MIN_PASSWORD_CHARACTERS)


def load_tables() -> None:
    """Load the tables of this file and of `names.py`, so that the first sign-up need not wait for them."""
    skeleton("")
    common_passwords()


def _weak(name: str, message: str) -> Invalid:
    return Invalid(errors=(FieldError((name,), message),), code="weak_password")
