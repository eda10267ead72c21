"""Secrets that all nodes of a store share. They are made once, and kept in the store."""

import secrets
from typing import Final

from api.store.base.store import Store

SECRET_BYTES: Final = 48

_SIGNING: Final = "signing_secret"


async def kept_secret(store: Store, name: str = _SIGNING) -> str:
    """Return a secret in the store. The first call makes it. Raises `Unavailable`.

    The one without a name signs access tokens when `TAILWIRE_SECRET` is not set.
    """
    return await store.keep(name, secrets.token_urlsafe(SECRET_BYTES))


async def secret_or_none(store: Store) -> str | None:
    """Return the signing secret in the store, or None where none was made yet. Raises `Unavailable`."""
    return await store.kept(_SIGNING)
