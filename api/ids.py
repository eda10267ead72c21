"""Random identifiers that nobody can guess."""

import secrets


def random_id() -> str:
    """Return an identifier of 128 random bits: 22 characters out of A-Z a-z 0-9 _ -."""
    return secrets.token_urlsafe(16)
