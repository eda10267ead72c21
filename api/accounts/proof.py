"""Asks logged-in users for their password again, before an action that cannot be undone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.accounts.attempt_limits import AttemptLimits
from api.accounts.endings import SessionEndings
from api.accounts.identity import Identity
from api.accounts.passwords import Passwords
from api.errors import FieldError, WrongPassword
from api.models.accounts import Account
from api.store.base.store import Store


class Proof:
    """Verifies a logged-in user's password again. Accounts without a password always fail."""

    def __init__(self, store: Store, passwords: Passwords, attempts: AttemptLimits) -> None:
        self._store = store
        self._passwords = passwords
        self._attempts = attempts

    @asynccontextmanager
    async def by_password(self, identity: Identity, password: str, *, field: str) -> AsyncIterator[Account]:
        """Run the block once the password has been verified.

        Raises `WrongPassword` about `field` of the request. This takes the same time for an account without a password.
        Raises `RateLimited` after too many wrong passwords in this session, and `Unavailable`.
        """
        async with self._attempts.proof(identity.session_id):
            account = await self._store.accounts.get(identity.user.id)
            hash_ = None if account is None else account.password_hash
            fits, _ = await self._passwords.verify(password, hash_)
            if account is None or not fits:
                raise WrongPassword(errors=(FieldError((field,), "is wrong"),))
            yield account


async def replace_password(
    store: Store, endings: SessionEndings, user_id: str, password_hash: str, *, but: str | None = None
) -> None:
    """Replace a password and end all log-ins except `but`. Tokens stay. Raises `NotFound`.

    Sessions are ended before and after. If they were only ended after, a crash could leave sessions of the old
    password. If they were only ended before, one could begin in between.
    """
    await endings.logins_of(user_id, but=but)
    await store.accounts.set_password_hash(user_id, password_hash)
    await endings.logins_of(user_id, but=but)
