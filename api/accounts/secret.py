"""The signing secret that the nodes of one store share when none is set."""

import secrets
from typing import Final

from api.store.base.store import Store

SECRET_BYTES: Final = 48


async def kept_secret(store: Store) -> str:
    """Return the secret kept in the store; the first to ask makes it. Raises `Unavailable`."""
    return await store.keep("signing_secret", secrets.token_urlsafe(SECRET_BYTES))
