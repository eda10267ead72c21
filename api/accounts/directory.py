"""Finds accounts by their names, and makes new ones."""

import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, TypeAlias

from api.accounts.names import key_of, skeleton, username, username_key
from api.accounts.passwords import Passwords
from api.accounts.weak_passwords import check_password
from api.clock import now_ms
from api.errors import Invalid, UsernameTaken
from api.ids import random_id
from api.models.accounts import Account, User
from api.models.invites import Invite
from api.store.base.store import Store

Admission: TypeAlias = Callable[[str], AbstractAsyncContextManager[Invite | None]]
"""Lets the user with this id have an account, which the context makes, by an invite or freely. May raise."""


BOT_NAME_BYTES: Final = (2, 2, 4, 6)
"""The username of a room's bot ends with so many random bytes in hexadecimal digits: with more where one is taken."""
BOT_WORD_CHARACTERS: Final = 16
"""Before them it has so many letters and digits of its display name, so that people know it by its username, too."""


@asynccontextmanager
async def freely(_user_id: str) -> AsyncIterator[None]:
    """Let anybody have an account."""
    yield None


async def make_account(  # noqa: PLR0913  those of an account
    store: Store,
    passwords: Passwords,
    name: str,
    password: str,
    display_name: str | None,
    *,
    admitted: Admission = freely,
) -> User:
    """Store a new account. Raises `Invalid`, `UsernameTaken` and what `admitted` raises.

    It is an administrator's if the invite says so. Who is not admitted does not learn which names are taken.
    """
    key = username_key(name)
    check_password(password, name)
    user = User(random_id(), username(name), display_name or name, now_ms())
    async with admitted(user.id) as invite:
        if await holder_of(store, name) is not None:
            raise UsernameTaken  # This check saves the costly hash. `accounts.create` is the one that decides.
        hash_ = await passwords.hash(password)
        is_admin = invite is not None and invite.admin
        await store.accounts.create(Account(user, key, hash_, admin=is_admin))
    return user


async def make_bot(store: Store, name: str, display_name: str | None, *, owner_id: str | None) -> User:
    """Store the account of a bot that belongs to a user. Raises `Invalid`, `UsernameTaken`.

    It has no password, so nobody logs in as it, and it is in no room yet.
    """
    user = User(random_id(), username(name), display_name or name, now_ms(), is_bot=True)
    if await holder_of(store, name) is not None:
        raise UsernameTaken  # names of older databases have another key
    await store.accounts.create(Account(user, username_key(name), password_hash=None, owner_id=owner_id))
    return user


async def make_room_bot(store: Store, display_name: str) -> User:
    """Store the account of a bot that belongs to nobody but a room, under a username that nobody else has."""
    word = re.sub(r"[^a-z0-9]+", "-", display_name.lower())[:BOT_WORD_CHARACTERS].strip("-") or "bot"
    for count in BOT_NAME_BYTES:
        with suppress(UsernameTaken):
            return await make_bot(store, f"{word}-{secrets.token_hex(count)}", display_name, owner_id=None)
    raise UsernameTaken


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
