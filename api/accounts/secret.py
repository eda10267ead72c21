"""The signing secret that all nodes of a store share when `TAILWIRE_SECRET` is not set."""

import secrets
from typing import Final

from api.store.base.store import Store

SECRET_BYTES: Final = 48


async def kept_secret(store: Store) -> str:
    """Return the secret in the store. The first call makes it. Raises `Unavailable`."""
    return await store.keep("signing_secret", secrets.token_urlsafe(SECRET_BYTES))
