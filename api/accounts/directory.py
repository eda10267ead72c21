"""Finds accounts by their names, and makes new ones."""

from api.accounts.names import key_of, skeleton, username, username_key
from api.accounts.security import Passwords
from api.accounts.weak_passwords import check_password
from api.clock import now_ms
from api.errors import Invalid, UsernameTaken
from api.ids import random_id
from api.models.accounts import Account, User
from api.store.base.store import Store


async def make_account(
    store: Store, passwords: Passwords, name: str, password: str, display_name: str | None
) -> User:
    """Store a new account. Raises `Invalid`, `UsernameTaken`."""
    key = username_key(name)
    check_password(password, name)
    if await holder_of(store, name) is not None:
        raise UsernameTaken  # This check saves the costly hash. `accounts.create` is the one that decides.
    user = User(random_id(), username(name), display_name or name, now_ms())
    await store.accounts.create(Account(user, key, await passwords.hash(password)))
    return user


async def account_named(store: Store, name: str) -> Account | None:
    """Return the account with this username in any case, but not one whose name only looks the same."""
    account = await holder_of(store, name)
    return account if account is not None and account.user.username.lower() == username(name) else None


async def holder_of(store: Store, name: str) -> Account | None:
    """Return the account with this username, or with one that looks the same."""
    try:
        name = username(name)
    except Invalid:
        return None
    # The second key is that of accounts made before keys were skeletons. Both are always read, because the time of
    # a second read would tell that the first found nobody.
    found = [await store.accounts.by_name(key) for key in dict.fromkeys((key_of(skeleton(name)), name))]
    return next((account for account in found if account is not None), None)
