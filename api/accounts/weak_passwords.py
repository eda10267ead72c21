"""Which passwords are refused before any costly hash is run. The one importer of zxcvbn, for its list alone."""

from functools import cache
from typing import Final

from api.accounts.names import skeleton
from api.errors import FieldError, Invalid

MIN_PASSWORD_CHARACTERS: Final = 8
MAX_PASSWORD_BYTES: Final = 1_024


def check_password(password: str, username: str, name: str = "password") -> None:
    """Raise `Invalid` for a password that is too short or too long, common, or the username; `name` is its field's.

    It is used exactly as sent: NFC and NFD of one text are two passwords.
    """
    if len(password) < MIN_PASSWORD_CHARACTERS or len(password.encode()) > MAX_PASSWORD_BYTES:
        raise Invalid(errors=(FieldError((name,), "must be 8 characters to 1,024 bytes long"),))
    if skeleton(password) == skeleton(username):
        raise _weak(name, "must not be the username")
    if password.casefold() in common_passwords():
        raise _weak(name, "is among those that are tried first: choose another")


@cache
def common_passwords() -> frozenset[str]:
    """Return the most frequent passwords of leaked lists that are long enough to be taken, in lower case.

    Those of the 30,000 that zxcvbn ranks; loaded when first asked for, which takes some 30 ms.
    """
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  only a server needs its 13 MB

    return frozenset(one for one in FREQUENCY_LISTS["passwords"] if len(one) >= MIN_PASSWORD_CHARACTERS)


def load_tables() -> None:
    """Read what the first sign-up would have to wait for."""
    skeleton("")
    common_passwords()


def _weak(name: str, message: str) -> Invalid:
    return Invalid(errors=(FieldError((name,), message),), code="weak_password")
