"""How users prove once more who they are, before what cannot be undone or taken back: by their password."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.accounts.endings import SessionEndings
from api.accounts.attempt_limits import AttemptLimits
from api.accounts.identity import Client
from api.accounts.security import Passwords
from api.errors import FieldError, WrongPassword
from api.models.accounts import Account, User
from api.store.base.store import Store


class Proof:
    """See the module. An account without a password cannot prove anything by one."""

    def __init__(self, store: Store, passwords: Passwords, attempts: AttemptLimits) -> None:
        self._store = store
        self._passwords = passwords
        self._attempts = attempts

    @asynccontextmanager
    async def by_password(
        self, user: User, password: str, client: Client, *, field: str
    ) -> AsyncIterator[Account]:
        """Run the block, in its turn to hash, once the password has proven to be the user's.

        Raises `WrongPassword` about `field` of the request, for an account without a password after the same time.
        A wrong one counts as a failed log-in: `RateLimited`.
        """
        async with self._attempts.password(user.username, client.address):
            account = await self._store.accounts.get(user.id)
            hash_ = None if account is None else account.password_hash
            fits, _ = await self._passwords.verify(password, hash_)
            if account is None or not fits:
                raise WrongPassword(errors=(FieldError((field,), "is wrong"),))
            yield account


async def replace_password(
    store: Store, endings: SessionEndings, user_id: str, password_hash: str, *, but: str | None = None
) -> None:
    """Replace a password and end all sessions but one. Raises `NotFound`.

    Sessions end before, so that a crash leaves none of the old password's beside the new one, and after, for
    one may have begun between.
    """
    await endings.all_of(user_id, but=but)
    await store.accounts.set_password_hash(user_id, password_hash)
    await endings.all_of(user_id, but=but)
