"""The names of epochs. A log begins a new epoch when its positions can no longer be trusted."""

import secrets


def new_epoch() -> str:
    """Return the name of a new epoch: 128 random bits."""
    return secrets.token_urlsafe(16)
