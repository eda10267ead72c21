"""The signing secret that all nodes of a store share when `TAILWIRE_SECRET` is not set."""

import secrets
from typing import Final

from api.store.base.store import Store

SECRET_BYTES: Final = 48


_NAME: Final = "signing_secret"


async def kept_secret(store: Store) -> str:
    """Return the secret in the store. The first call makes it. Raises `Unavailable`."""
    return await store.keep(_NAME, secrets.token_urlsafe(SECRET_BYTES))


async def secret_or_none(store: Store) -> str | None:
    """Return the secret in the store, or None where none was made yet. Raises `Unavailable`."""
    return await store.kept(_NAME)
