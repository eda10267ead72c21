"""Random identifiers. Nobody can guess them, but for those of requests."""

import random
import secrets
from typing import Final

CODE_BYTES: Final = 18
"""A code has 144 random bits, which are 24 characters in base64. So it cannot be guessed, and needs no other guard."""


def random_id() -> str:
    """Return an identifier of 128 random bits: 22 characters out of A-Z a-z 0-9 _ -."""
    return secrets.token_urlsafe(16)


def request_id() -> str:
    """Return an identifier of 128 bits for lines of a log. It opens nothing, so it does not ask the kernel for them."""
    return f"{random.getrandbits(128):032x}"


def random_secret() -> str:
    """Return a secret of 256 random bits: 43 characters out of A-Z a-z 0-9 _ -."""
    return secrets.token_urlsafe(32)


def random_code() -> str:
    """Return a code of `CODE_BYTES`, which lets in whoever has it."""
    return secrets.token_urlsafe(CODE_BYTES)
