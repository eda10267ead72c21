"""Opaque tokens: random texts of which only the hash is stored, and the ids by which they are found. Pure."""

import base64
import hashlib
import hmac
import secrets
from typing import Final

PREFIX: Final = "twt_"
"""Every token of a program begins so. It tells such tokens apart, and lets scanners find those that leaked."""
TOKEN_BYTES: Final = 32
ID_BYTES: Final = 16
"""The id of a token is the beginning of its hash, of 128 bits. So a token is found by the key of its row."""


def new_opaque() -> str:
    """Return a token of 256 random bits: the prefix, and 43 characters of base64url."""
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def is_opaque(token: str) -> bool:
    """Return whether a text is in the form of such tokens. It may be made up."""
    return token.startswith(PREFIX)


def hash_of(token: str) -> str:
    """Return the stored hash of a token. Its 256 random bits need neither a salt nor a slow hash."""
    return _digest(token).hex()


def token_id_of(token: str) -> str:
    """Return the id of a token, which may be made up."""
    return base64.urlsafe_b64encode(_digest(token)[:ID_BYTES]).rstrip(b"=").decode()


def proves(token: str, stored_hash: str) -> bool:
    """Return whether a token is the one of which the hash was stored."""
    return hmac.compare_digest(hash_of(token), stored_hash)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
