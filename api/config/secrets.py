"""Refuses secrets and tokens of the settings that can be guessed. Pure."""

from typing import Final

from api.config.patterns import free_characters

MIN_SECRET_BYTES: Final = 32
"""The least length of a secret, which is the hash length of HS256 (RFC 7518, section 3.2)."""
MIN_SECRET_FREE_CHARACTERS: Final = 12
"""A secret needs as many characters that follow no pattern. Of 5,000 from `openssl rand -hex 16` none had under 17."""
MIN_TOKEN_CHARACTERS: Final = 16
MIN_TOKEN_FREE_CHARACTERS: Final = 6
"""Of 20,000 tokens from `openssl rand -hex 8` none had fewer."""


def secret_weakness(secret: str) -> str | None:
    """Return why a signing secret must not be used, or None when it may."""
    if len(secret.encode()) < MIN_SECRET_BYTES:
        return "must be at least 32 bytes long"
    if free_characters(secret) < MIN_SECRET_FREE_CHARACTERS:
        return "is too easy to guess: take one from `openssl rand -base64 48`"
    return None


def token_weakness(token: str) -> str | None:
    """Return why a token for a machine, such as that for /metrics, must not be used, or None when it may."""
    if len(token) < MIN_TOKEN_CHARACTERS:
        return "must be at least 16 characters long"
    if free_characters(token) < MIN_TOKEN_FREE_CHARACTERS:
        return "is too easy to guess: take one from `openssl rand -hex 16`"
    return None
